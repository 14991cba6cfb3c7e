"""[sig-storage] EmptyDir volumes, EmptyDir wrapper volumes, Subpath with atomic writer volumes."""

import base64
from typing import Any

import pytest

from tests.conformance.conftest import BUSYBOX, Group
from tests.conformance.shown_files import (
    config_map,
    manifest,
    pod,
    reader,
    secret,
    shown_files,
)

pytestmark = [pytest.mark.docker, pytest.mark.root, pytest.mark.e2e]

MEDIUMS = {"default": {}, "tmpfs": {"medium": "Memory"}}
MODES = ("0644", "0666", "0777")
USERS = {"root": {}, "non-root": {"runAsUser": 1000, "runAsNonRoot": True}}
WRITE = """
set -e
for volume in /cases/*; do
  mode=${volume##*-}
  umask 0
  echo mount-tester > $volume/test-file
  chmod $mode $volume/test-file
  kind=$(grep " $volume " /proc/mounts | cut -d ' ' -f 3)
  echo "$volume $(stat -c '%a %u' $volume/test-file) $(cat $volume/test-file) $kind"
done
"""
WRITTEN = base64.b64encode(b"value-1").decode()
RACE_PODS = 5
RACE_CONFIG_MAPS = 50
SUB_PATHS = {
    "configmap": {"configMap": {"name": "content"}},
    "configmap-over-a-file": {"configMap": {"name": "content"}},
    "downward": {
        "downwardAPI": {"items": [{"path": "file", "fieldRef": {"fieldPath": "metadata.name"}}]}
    },
    "projected": {"projected": {"sources": [{"configMap": {"name": "content"}}]}},
    "secret": {"secret": {"secretName": "content"}},
}


def written_cases() -> dict[str, Any]:
    return {
        f"{medium}-{mode}": {"emptyDir": spec} for medium, spec in MEDIUMS.items() for mode in MODES
    }


@pytest.fixture(scope="module")
def made(group: Group) -> Group:
    content = {"file": "of the volume"}
    group.apply(
        config_map("content", content),
        secret("content", content),
        *(
            pod(f"writes-{user}", written_cases(), ["sh", "-c", WRITE], securityContext=context)
            for user, context in USERS.items()
        ),
        reader("modes", {medium: {"emptyDir": spec} for medium, spec in MEDIUMS.items()}),
        _sharing(),
        _wrapped(),
        _sub_paths(),
    )
    names = [f"race-{number}" for number in range(RACE_CONFIG_MAPS)]
    group.apply(*(config_map(name, {"data-1": "value-1"}) for name in names))
    volumes = {name: {"configMap": {"name": name}} for name in names}
    group.apply(*(reader(f"race-{number}", volumes) for number in range(RACE_PODS)))
    return group


def _sharing() -> str:
    mounts = [{"name": "shared", "mountPath": "/shared"}]
    wait = "until [ -f /shared/file ]; do sleep 0.05; done; cat /shared/file"
    scripts = {"reads": wait, "writes": "echo hello > /shared/new; mv /shared/new /shared/file"}
    containers = [
        {"name": name, "image": BUSYBOX, "command": ["sh", "-c", script], "volumeMounts": mounts}
        for name, script in scripts.items()
    ]
    volumes = [{"name": "shared", "emptyDir": {}}]
    spec = {"restartPolicy": "Never", "volumes": volumes, "containers": containers}
    return manifest("Pod", {"name": "sharing"}, spec=spec)


def _wrapped() -> str:
    both = {name: SUB_PATHS[name] for name in ("configmap", "secret")}
    return reader("wrapped", both)


def _sub_paths() -> str:
    script = 'for file in /cases/*/file /etc/passwd; do echo "$file $(cat $file)"; done'
    mounts = [
        {"name": name, "mountPath": f"/cases/{name}/file", "subPath": "file"}
        for name in SUB_PATHS
        if name != "configmap-over-a-file"
    ]
    mounts.append({"name": "configmap-over-a-file", "mountPath": "/etc/passwd", "subPath": "file"})
    return pod("sub-paths", SUB_PATHS, ["sh", "-c", script], container={"volumeMounts": mounts})


@pytest.mark.parametrize("medium", MEDIUMS)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("user", USERS)
def test_should_support(made: Group, user: str, mode: str, medium: str) -> None:
    made.phase(f"writes-{user}", "Succeeded")

    lines = made.logs(f"writes-{user}").splitlines()
    [line] = [line for line in lines if line.startswith(f"/cases/{medium}-{mode} ")]
    _, found_mode, owner, content, kind = line.split(" ")
    assert (int(found_mode, 8), content) == (int(mode, 8), "mount-tester")
    assert owner == ("0" if user == "root" else "1000")
    assert (kind == "tmpfs") == (medium == "tmpfs")


@pytest.mark.parametrize("medium", MEDIUMS)
def test_volume_should_have_the_correct_mode(made: Group, medium: str) -> None:
    assert shown_files(made, "modes", medium)[""].mode == 0o777


def test_pod_should_support_shared_volumes_between_containers(made: Group) -> None:
    made.phase("sharing", "Succeeded")

    assert made.logs("sharing", "-c", "reads") == "hello\n"


def test_wrapper_should_not_conflict(made: Group) -> None:
    for case in ("configmap", "secret"):
        assert shown_files(made, "wrapped", case)["file"].text == "of the volume"


def test_wrapper_should_not_cause_race_condition_when_used_for_configmaps(made: Group) -> None:
    for number in range(RACE_PODS):
        made.phase(f"race-{number}", "Succeeded")
        lines = made.logs(f"race-{number}").splitlines()
        assert sum(line.endswith(WRITTEN) for line in lines) == RACE_CONFIG_MAPS


@pytest.mark.parametrize("source", SUB_PATHS)
def test_atomic_writer_volumes_should_support_subpaths_with_pod(made: Group, source: str) -> None:
    made.phase("sub-paths", "Succeeded")

    where = "/etc/passwd" if source == "configmap-over-a-file" else f"/cases/{source}/file"
    text = "sub-paths" if source == "downward" else "of the volume"
    assert f"{where} {text}" in made.logs("sub-paths").splitlines()
