"""Every source of a volume and every way to mount one, on a real cluster."""

import json
import os
import stat
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from minikube_py.meta.mounts import mounts_below
from minikube_py.meta.objects import find_condition
from tests.conformance.conftest import Group, ended, group
from tests.e2e.conftest import BUSYBOX, IDLE, CommandFailed, RunningCluster, eventually, run_command

__all__ = ["group"]

pytestmark = [pytest.mark.docker, pytest.mark.root, pytest.mark.e2e]


def pod(
    name: str,
    source: dict[str, Any] | None,
    script: str = "",
    *,
    mount: dict[str, Any] | None = None,
    **spec: Any,
) -> str:
    """Its volume is at /v; without a script it stays."""
    volumes = [] if source is None else [{"name": "v", **source}]
    container = {
        "name": "app",
        "image": BUSYBOX,
        "command": ["sh", "-c", script] if script else list(IDLE),
        "volumeMounts": [{"name": "v", "mountPath": "/v", **(mount or {})}],
        **spec.pop("container", {}),
    }
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "restartPolicy": "Never" if script else "Always",
            "terminationGracePeriodSeconds": 1,
            "volumes": volumes,
            "containers": [container],
            **spec,
        },
    }
    return str(yaml.safe_dump(body))


def said(group: Group, name: str) -> str:
    group.until(name, lambda found: ended(found), "ended")
    return group.logs(name).strip()


def refused(group: Group, name: str) -> str:
    """Why its container waits, which an Event says too."""

    def waits(found: dict[str, Any]) -> str:
        entries = found["status"].get("containerStatuses") or [{}]
        return str((entries[0].get("state") or {}).get("waiting", {}).get("message", ""))

    message = waits(group.until(name, waits, "refused"))
    told = {event["reason"]: event["message"] for event in group.events(name)}
    assert told["FailedMount"] == message
    return message


# -- hostPath ------------------------------------------------------------------------------------

HOST_PATHS: dict[str, tuple[str, str]] = {
    "unsaid": ("", "made/unsaid"),
    "directory-or-create": ("DirectoryOrCreate", "made/folder"),
    "directory": ("Directory", "folder"),
    "file-or-create": ("FileOrCreate", "new-file"),
    "file": ("File", "file"),
    "socket": ("Socket", "socket"),
    "char-device": ("CharDevice", "/dev/null"),
}
WRONG = {
    "directory": "is not a directory",
    "file": "is not a file",
    "socket": "is not a socket file",
    "char-device": "is not a character device",
    "block-device": "is not a block device",
}
WRONG_TYPES = {
    "directory": "Directory", "file": "File", "socket": "Socket", "char-device": "CharDevice",
    "block-device": "BlockDevice",
}  # fmt: skip


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("host")
    (folder / "folder").mkdir()
    (folder / "file").write_text("of the host")
    os.mknod(folder / "socket", stat.S_IFSOCK | 0o600)
    return folder


@pytest.fixture(scope="module")
def host_paths(group: Group, host: Path) -> Group:
    probe = "for kind in d f S c; do [ -$kind /v ] && echo $kind; done; exit 0"
    pods = [
        pod(f"is-{name}", {"hostPath": {"path": str(host / path), "type": type_}}, probe)
        for name, (type_, path) in HOST_PATHS.items()
    ]
    pods += [
        pod(f"wrong-{name}", {"hostPath": {"path": str(host / "nothing"), "type": type_}})
        for name, type_ in WRONG_TYPES.items()
    ]
    group.apply(*pods)
    return group


@pytest.mark.parametrize("name", HOST_PATHS)
def test_a_host_path_is_what_its_type_says(host_paths: Group, name: str) -> None:
    kinds = {"file-or-create": "f", "file": "f", "socket": "S", "char-device": "c"}

    assert said(host_paths, f"is-{name}") == kinds.get(name, "d")


@pytest.mark.parametrize("name", WRONG)
def test_a_host_path_that_is_something_else_is_told(
    host_paths: Group, host: Path, name: str
) -> None:
    def told() -> str:
        events = host_paths.events(f"wrong-{name}")
        return next((e["message"] for e in events if e["reason"] == "FailedMount"), "")

    message = eventually("FailedMount", told)

    path = host / "nothing"
    failed = 'MountVolume.SetUp failed for volume "v" : hostPath type check failed: '
    assert message == f"{failed}{path} {WRONG[name]}"


# -- what can't be done --------------------------------------------------------------------------

REFUSED: dict[str, dict[str, Any]] = {
    "csi": {"csi": {"driver": "some.driver"}},
    "iscsi": {"iscsi": {"targetPortal": "192.0.2.1", "iqn": "iqn.2000-01.com.example:a", "lun": 0}},
    "rbd": {"rbd": {"monitors": ["192.0.2.1"], "image": "a"}},
    "cephfs": {"cephfs": {"monitors": ["192.0.2.1"]}},
    "glusterfs": {"glusterfs": {"endpoints": "a", "path": "b"}},
    "fc": {"fc": {"wwids": ["a"]}},
    "gitRepo": {"gitRepo": {"repository": "https://example.com/a.git"}},
    "awsElasticBlockStore": {"awsElasticBlockStore": {"volumeID": "a"}},
    "azureFile": {"azureFile": {"secretName": "a", "shareName": "b"}},
}
OTHERWISE_REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "huge-pages": (
        {"emptyDir": {"medium": "HugePages"}},
        'volume "v": emptyDir.medium HugePages is not supported',
    ),
    "cluster-trust-bundle": (
        {"projected": {"sources": [{"clusterTrustBundle": {"name": "a", "path": "b"}}]}},
        'MountVolume.SetUp failed for volume "v" : '
        "projected.sources.clusterTrustBundle is not supported",
    ),
    "pod-certificate": (
        {"projected": {"sources": [{"podCertificate": {
            "signerName": "example.com/a", "keyType": "ED25519", "credentialBundlePath": "b"}}]}},
        'MountVolume.SetUp failed for volume "v" : '
        "projected.sources.podCertificate is not supported",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def unsupported(group: Group) -> Group:
    group.apply(*(pod(f"refused-{name.lower()}", source) for name, source in REFUSED.items()))
    group.apply(*(pod(f"refused-{n}", source) for n, (source, _) in OTHERWISE_REFUSED.items()))
    return group


@pytest.mark.parametrize("source", REFUSED)
def test_a_source_that_cannot_be_had_is_refused_by_name(unsupported: Group, source: str) -> None:
    message = refused(unsupported, f"refused-{source.lower()}")

    assert message == f'volume "v": source {source} is not supported'


@pytest.mark.parametrize("name", OTHERWISE_REFUSED)
def test_so_is_a_part_of_one(unsupported: Group, name: str) -> None:
    assert refused(unsupported, f"refused-{name}") == OTHERWISE_REFUSED[name][1]


# -- parts of volumes ----------------------------------------------------------------------------


def test_a_sub_path_may_hold_variables(group: Group) -> None:
    name = {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    mounts = [
        {"name": "v", "mountPath": "/part", "subPathExpr": "logs/$(POD)"},
        {"name": "v", "mountPath": "/v"},
    ]
    script = "echo hello > /part/file; cat /v/logs/expanded/file; stat -c %a /v/logs"
    container = {"env": [name], "volumeMounts": mounts}

    group.apply(pod("expanded", {"emptyDir": {}}, script, container=container))

    assert said(group, "expanded") == "hello\n777"


def test_a_sub_path_never_leads_out_of_its_volume(group: Group) -> None:
    first = {
        "name": "first",
        "image": BUSYBOX,
        "command": ["sh", "-c", "ln -s /etc /v/link; mkdir /v/in; ln -s in /v/inside"],
        "volumeMounts": [{"name": "v", "mountPath": "/v"}],
    }
    source: dict[str, Any] = {"emptyDir": {}}
    out = {"subPath": "link"}

    group.apply(
        pod("outside", source, mount=out, initContainers=[first]),
        pod("inside", source, "echo fine", mount={"subPath": "inside"}, initContainers=[first]),
    )

    assert said(group, "inside") == "fine"
    waiting = group.until(
        "outside",
        lambda found: _waiting(found).get("reason") == "CreateContainerConfigError",
        "refused",
    )
    assert _waiting(waiting)["message"] == 'subPath "link" leaves volume "v"'


def test_sub_paths_of_config_maps_stay_as_they_were(group: Group) -> None:
    group.kubectl("create", "configmap", "steady", "--from-literal=key=1")
    mounts = [
        {"name": "v", "mountPath": "/part", "subPath": "key"},
        {"name": "v", "mountPath": "/whole"},
    ]
    group.apply(
        pod("steady", {"configMap": {"name": "steady"}}, container={"volumeMounts": mounts})
    )
    group.ready("steady")

    group.kubectl("patch", "configmap", "steady", "-p", '{"data":{"key":"2"}}')

    def both() -> str:
        return group.kubectl("exec", "steady", "--", "cat", "/whole/key", "/part")

    eventually("the whole follows", lambda: both().startswith("2"), 5)
    assert both() == "21"


# -- ways to mount -------------------------------------------------------------------------------


@pytest.fixture
def nested(tmp_path: Path) -> Iterator[Path]:
    """A folder whose mounts are shared, with another file system in it."""
    subprocess.run(["mount", "-t", "tmpfs", "none", str(tmp_path)], check=True)
    subprocess.run(["mount", "--make-rshared", str(tmp_path)], check=True)
    inner = tmp_path / "inner"
    inner.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "none", str(inner)], check=True)
    yield tmp_path
    subprocess.run(["umount", "-R", "-l", str(tmp_path)], check=True)


def test_read_only_goes_as_deep_as_it_is_asked_to(group: Group, nested: Path) -> None:
    script = "touch /v/a 2>/dev/null && echo outer; touch /v/inner/a 2>/dev/null && echo inner; :"
    source = {"hostPath": {"path": str(nested), "type": "Directory"}}
    deep = {"readOnly": True, "recursiveReadOnly": "Enabled"}

    group.apply(
        pod("writes", source, script),
        pod("reads", source, script, mount={"readOnly": True}),
        pod("reads-deep", source, script, mount=deep),
    )

    found = [said(group, name) for name in ("writes", "reads", "reads-deep")]
    assert found == ["outer\ninner", "inner", ""]


def test_mounts_go_in_and_out_as_their_propagation_says(group: Group, nested: Path) -> None:
    source = {"hostPath": {"path": str(nested)}}
    both_ways = {"mountPropagation": "Bidirectional"}
    privileged = {"securityContext": {"privileged": True}}
    group.apply(
        pod("follows", source, mount={"mountPropagation": "HostToContainer"}),
        pod("alone", source),
        pod("shares", source, mount=both_ways, container=privileged),
    )
    for name in ("follows", "alone"):
        group.ready(name)

    (nested / "new").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "none", str(nested / "new")], check=True)
    (nested / "new" / "file").touch()

    eventually("who follows sees it", lambda: "file" in _listing(group, "follows"), 5)
    assert "file" not in _listing(group, "alone")
    # A nested host can't start privileged containers, but it can make them.
    assert eventually("made", lambda: _propagation(group, "shares")) == "rshared"
    group.kubectl("delete", "pod", "follows", "alone", "shares")


def test_bidirectional_needs_privilege(group: Group) -> None:
    made = pod("without", {"emptyDir": {}}, mount={"mountPropagation": "Bidirectional"})

    with pytest.raises(CommandFailed, match="available only to privileged containers"):
        group.apply(made)


def test_the_pods_group_owns_what_it_claims(group: Group) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "owned"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    }
    source = {"persistentVolumeClaim": {"claimName": "owned"}}
    look = "stat -c '%g %a' /v /v/file"
    group.apply(str(yaml.safe_dump(claim)), pod("makes", source, "umask 077; touch /v/file"))
    said(group, "makes")

    group.apply(pod("owns", source, look, securityContext={"fsGroup": 2000}))
    owned = said(group, "owns")
    unowned = "chown 0:0 /v/file; chmod 600 /v/file"
    group.apply(pod("takes", source, unowned))
    said(group, "takes")
    lazily = {"fsGroup": 2000, "fsGroupChangePolicy": "OnRootMismatch"}
    group.apply(pod("trusts", source, look, securityContext=lazily))

    assert owned.splitlines()[0].startswith("2000 27")
    assert owned.splitlines()[1] == "2000 660"
    assert said(group, "trusts").splitlines()[1] == "0 600"


# -- sources -------------------------------------------------------------------------------------


def test_an_ephemeral_claim_lives_as_long_as_its_pod(group: Group) -> None:
    request = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
    source = {"ephemeral": {"volumeClaimTemplate": {"spec": request}}}

    group.apply(pod("scratch", source))
    group.ready("scratch")
    claim = group.kubectl("get", "pvc", "scratch-v", "-o", "name")
    group.kubectl("delete", "pod", "scratch")

    assert claim.strip() == "persistentvolumeclaim/scratch-v"
    eventually("the claim is gone", lambda: not group.kubectl("get", "pvc", "-o", "name",
               "--field-selector", "metadata.name=scratch-v").strip())  # fmt: skip


def test_the_files_of_an_image_are_a_volume(group: Group, cluster: RunningCluster) -> None:
    image = {"image": {"reference": "minikube-py/nginx:1", "pullPolicy": "IfNotPresent"}}
    look = "ls /v/etc/nginx/nginx.conf; touch /v/file 2>/dev/null || echo read-only; ls -a /v"
    missing = {"image": {"reference": "minikube-py/nothing:1", "pullPolicy": "Never"}}

    group.apply(
        pod("shows-image", image),
        pod("lists-image", image, look),
        pod("part-of-image", image, "cat /v/nginx.conf | head -c 1 >/dev/null && echo there",
            mount={"subPath": "etc/nginx"}),
        pod("no-image", missing),
    )  # fmt: skip
    group.ready("shows-image")
    listed = said(group, "lists-image").splitlines()

    assert listed[:2] == ["/v/etc/nginx/nginx.conf", "read-only"]
    assert ".dockerenv" not in listed
    assert said(group, "part-of-image") == "there"
    message = 'image "minikube-py/nothing:1" is not present with pull policy of Never'
    eventually("told", lambda: any(message in e["message"] for e in group.events("no-image")))
    assert len(_kept_images(cluster)) == 1
    group.kubectl("delete", "pod", "shows-image", "lists-image", "part-of-image", "no-image")
    eventually("nothing is kept", lambda: not _kept_images(cluster))


def test_nfs_says_what_it_lacks(group: Group) -> None:
    source = {"nfs": {"server": "127.0.0.1", "path": "/nothing"}}
    group.apply(pod("remote", source))

    def told() -> str:
        events = group.events("remote")
        return next((e["message"] for e in events if e["reason"] == "FailedMount"), "")

    message = eventually("FailedMount", told, 70)

    assert "install the package nfs-common" in message or "mount -t nfs" in message


# -- emptyDir ------------------------------------------------------------------------------------


def test_memory_ends_at_its_limit(group: Group) -> None:
    source = {"emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}
    script = "dd if=/dev/zero of=/v/file bs=64k count=32 2>&1 | tail -1; stat -c %s /v/file"

    group.apply(pod("fills-memory", source, script))

    assert said(group, "fills-memory").splitlines()[-1] == str(1 << 20)


def test_a_pod_whose_empty_dir_outgrows_its_limit_is_evicted(group: Group) -> None:
    source = {"emptyDir": {"sizeLimit": "1Mi"}}
    stays = {"command": ["sh", "-c", "dd if=/dev/zero of=/v/f bs=64k count=32; exec sleep 3600"]}

    group.apply(pod("fills-disk", source, container=stays))
    found = group.phase("fills-disk", "Failed")

    message = 'Usage of EmptyDir volume "v" exceeds the limit "1Mi". '
    assert (found["status"]["reason"], found["status"]["message"]) == ("Evicted", message)
    assert find_condition(found, "DisruptionTarget") is None
    told = {event["reason"]: event["type"] for event in group.events("fills-disk")}
    assert told["Evicted"] == "Warning"


# -- changes -------------------------------------------------------------------------------------


def test_a_workload_that_asks_for_it_rolls_when_its_settings_change(group: Group) -> None:
    group.kubectl("create", "configmap", "rolling", "--from-literal=key=1")
    group.apply(
        textwrap.dedent(f"""
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: rolling
          annotations: {{mk.dev/restart-on-change: "true"}}
        spec:
          selector: {{matchLabels: {{app: rolling}}}}
          template:
            metadata: {{labels: {{app: rolling}}}}
            spec:
              terminationGracePeriodSeconds: 1
              containers:
                - name: app
                  image: {BUSYBOX}
                  command: [sh, -c, "trap 'exit 0' TERM; sleep 3600 & wait"]
                  env:
                    - name: KEY
                      valueFrom: {{configMapKeyRef: {{name: rolling, key: key}}}}
        """)
    )
    group.kubectl("rollout", "status", "deployment/rolling", "--timeout=30s")

    group.kubectl("patch", "configmap", "rolling", "-p", '{"data":{"key":"2"}}')

    def shows() -> bool:
        try:
            key = group.kubectl("exec", "deployment/rolling", "--", "sh", "-c", "echo $KEY")
        except CommandFailed:
            return False
        return key.strip() == "2"

    eventually("the new pod shows it", shows)


# -- the end -------------------------------------------------------------------------------------


def test_nothing_stays_mounted_or_kept_after_pods(group: Group, cluster: RunningCluster) -> None:
    mount = {"subPath": "part"}
    group.apply(pod("leaves", {"emptyDir": {"medium": "Memory"}}, mount=mount))
    uid = group.ready("leaves")["metadata"]["uid"]
    [folder] = cluster.folder.rglob(f"pods/{uid}")
    while_up = len(mounts_below(folder))

    group.kubectl("delete", "pod", "leaves", "--wait=true")

    assert while_up == 2
    assert mounts_below(folder) == []
    assert not folder.exists()


def _waiting(found: dict[str, Any]) -> dict[str, Any]:
    entries = found["status"].get("containerStatuses") or [{}]
    return dict((entries[0].get("state") or {}).get("waiting") or {})


def _listing(group: Group, name: str) -> str:
    return group.kubectl("exec", name, "--", "sh", "-c", "ls /v/new 2>&1 || true")


def _propagation(group: Group, name: str) -> str:
    chosen = f"label=io.kubernetes.pod.uid={group.pod(name)['metadata']['uid']}"
    made = run_command(
        "docker", "ps", "-aq", "--filter", chosen,
        "--filter", "label=io.kubernetes.docker.type=container",
    ).out.split()  # fmt: skip
    found = json.loads(run_command("docker", "inspect", *made[:1]).out) if made else []
    mounts = [mount for one in found for mount in one["Mounts"] if mount["Destination"] == "/v"]
    return str(mounts[0]["Propagation"]) if mounts else ""


def _kept_images(cluster: RunningCluster) -> list[Path]:
    folders = list(cluster.folder.rglob("image-volumes"))
    return [kept for folder in folders for kept in folder.iterdir()]
