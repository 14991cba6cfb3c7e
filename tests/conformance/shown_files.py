"""What containers see in their volumes: one pod mounts the volumes of many cases side by side and
prints all their files once, each test looks at its own case.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from tests.conformance.conftest import BUSYBOX, Group
from tests.e2e.conftest import IDLE

SHOW = """
set -e
for case in /cases/*; do
  echo "$case/ $(stat -L -c %a $case)"
  find $case -follow -type f | grep -v '/[.][.]' | while read file; do
    echo "$file $(stat -L -c %a $file) $(base64 -w 0 $file)"
  done
done
"""


@dataclass(frozen=True)
class Shown:
    content: bytes
    mode: int

    @property
    def text(self) -> str:
        return self.content.decode()


def shown_files(group: Group, pod: str, case: str) -> dict[str, Shown]:
    """Path in the case's volume → file, "" → the folder itself; of a pod that ran SHOW."""
    group.phase(pod, "Succeeded")
    found = {}
    prefix = f"/cases/{case}/"
    for line in group.logs(pod).splitlines():
        path, mode, *content = line.split(" ")
        if path.startswith(prefix):
            data = base64.b64decode(content[0] if content else "")
            found[path.removeprefix(prefix)] = Shown(data, int(mode, 8))
    assert found, f"{pod} did not show {case}"
    return found


def reader(name: str, cases: Mapping[str, Any], **spec: Any) -> str:
    """A pod that shows each case's volume at /cases/<case> and ends."""
    return pod(name, cases, ["sh", "-c", SHOW], **spec)


def watcher(name: str, cases: Mapping[str, Any], **spec: Any) -> str:
    """A pod that mounts the same, and stays."""
    return pod(name, cases, list(IDLE), **spec)


def pod(name: str, cases: Mapping[str, Any], command: list[str], **spec: Any) -> str:
    mounts = [{"name": case, "mountPath": f"/cases/{case}"} for case in cases]
    container = {"name": "app", "image": BUSYBOX, "command": command, "volumeMounts": mounts}
    container |= spec.pop("container", {})
    metadata: dict[str, Any] = {"name": name, **spec.pop("metadata", {})}
    return manifest(
        "Pod",
        metadata,
        spec={
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "volumes": [{"name": case, **source} for case, source in cases.items()],
            "containers": [container],
            **spec,
        },
    )


def manifest(kind: str, metadata: Mapping[str, Any], **fields: Any) -> str:
    body = {"apiVersion": "v1", "kind": kind, "metadata": dict(metadata), **fields}
    return str(yaml.safe_dump(body))


def config_map(name: str, data: Mapping[str, str], **fields: Any) -> str:
    return manifest("ConfigMap", {"name": name}, data=dict(data), **fields)


def secret(name: str, data: Mapping[str, str], **fields: Any) -> str:
    return manifest("Secret", {"name": name}, stringData=dict(data), **fields)


def read(group: Group, pod_name: str, path: str) -> str:
    """A file of a running pod; fails while there is none."""
    return group.kubectl("exec", pod_name, "--", "cat", f"/cases/{path}")
