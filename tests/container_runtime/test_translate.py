from dataclasses import replace
from pathlib import Path

import pytest

from minikube_py.container_runtime import cgroups, translate
from minikube_py.container_runtime.image_store import split_reference
from minikube_py.container_runtime.interface import (
    ContainerSpec,
    Mount,
    PodIdentity,
    Resources,
    SandboxSpec,
    Security,
)

POD = PodIdentity("default", "web", "uid-1")
CONTAINER = ContainerSpec(POD, "box", "main", "nginx", 0, "web")
SANDBOX = SandboxSpec(POD, hostname="web")


def test_a_container_joins_its_sandbox() -> None:
    host = translate.container_payload(CONTAINER, "mk")["HostConfig"]

    assert host["NetworkMode"] == host["IpcMode"] == "container:box"
    assert (host["PidMode"], host["UTSMode"]) == ("", "")


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ({"share_pid": True}, "PidMode", "container:box"),
        ({"host_pid": True}, "PidMode", "host"),
        ({"host_ipc": True}, "IpcMode", "host"),
        ({"host_network": True}, "UTSMode", "host"),
        ({"runtime_class": "kata"}, "Runtime", "kata"),
        ({"security": Security(seccomp="unconfined")}, "SecurityOpt", ["seccomp=unconfined"]),
        ({"security": Security(groups=["5"])}, "GroupAdd", ["5"]),
        ({"tmpfs": {"/run": "size=1m"}}, "Tmpfs", {"/run": "size=1m"}),
    ],
)
def test_what_is_asked_for_is_in_the_host_config(
    change: dict[str, object], field: str, value: object
) -> None:
    spec = replace(CONTAINER, **change)  # type: ignore[arg-type]

    assert translate.container_payload(spec, "mk")["HostConfig"][field] == value


def test_the_images_own_command_is_kept_unless_replaced() -> None:
    own = translate.container_payload(CONTAINER, "mk")
    replaced = translate.container_payload(replace(CONTAINER, command=["a"], args=["b"]), "mk")

    assert "Entrypoint" not in own
    assert "Cmd" not in own
    assert (replaced["Entrypoint"], replaced["Cmd"]) == (["a"], ["b"])


def test_labels_are_those_tools_know() -> None:
    spec = replace(CONTAINER, spec_hash="h", annotations={"a/b": "c"})

    labels = translate.container_payload(spec, "mk", hostname="web")["Labels"]

    assert labels["io.kubernetes.pod.name"] == "web"
    assert labels["io.kubernetes.docker.type"] == "container"
    assert labels["io.minikube-py.cluster"] == "mk"
    assert labels["io.minikube-py.annotation.a/b"] == "c"
    assert labels["io.minikube-py.hostname"] == "web"


def test_mounts_and_devices_are_spelt_out() -> None:
    spec = replace(
        CONTAINER,
        mounts=[Mount("/h", "/c", propagation="rslave"), Mount("v", "/d", is_volume=True)],
        devices=["/dev/fuse", "/dev/a:/dev/b:r"],
    )

    host = translate.container_payload(spec, "mk")["HostConfig"]

    assert [mount["Type"] for mount in host["Mounts"]] == ["bind", "volume"]
    assert host["Mounts"][0]["BindOptions"] == {"Propagation": "rslave"}
    assert host["Mounts"][1]["VolumeOptions"] == {"NoCopy": True}
    assert [device["PathInContainer"] for device in host["Devices"]] == ["/dev/fuse", "/dev/b"]


def test_a_memory_limit_leaves_no_swap() -> None:
    payload = translate.resources_payload(Resources(memory_bytes=5))

    assert payload["Memory"] == payload["MemorySwap"] == 5
    assert "MemorySwap" not in translate.resources_payload(Resources())


@pytest.mark.parametrize(
    ("spec", "fits"),
    [
        (SANDBOX, True),
        (replace(SANDBOX, share_pid=True), True),
        (replace(SANDBOX, host_network=True), False),
        (replace(SANDBOX, sysctls={"net.core.somaxconn": "1"}), False),
        (replace(SANDBOX, host_pid=True), False),
    ],
)
def test_which_pods_a_warm_sandbox_can_serve(spec: SandboxSpec, fits: bool) -> None:
    assert translate.fits_pool(spec) is fits


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("nginx", ("nginx", "latest")),
        ("nginx:1.27", ("nginx", "1.27")),
        ("registry:5000/a/b", ("registry:5000/a/b", "latest")),
        ("registry:5000/a/b:c", ("registry:5000/a/b", "c")),
        ("a@sha256:00", ("a", "sha256:00")),
    ],
)
def test_references_are_split_so_that_one_image_is_pulled(
    reference: str, parts: tuple[str, str]
) -> None:
    assert split_reference(reference) == parts


def test_registry_credentials_pass_only_known_fields() -> None:
    assert translate.registry_auth({"username": "u", "email": "e"}) == '{"username": "u"}'


def test_usage_is_read_on_version_1(tmp_path: Path) -> None:
    write(tmp_path, "proc/7/cgroup", "5:cpu,cpuacct:/d/c\n4:memory:/d/c\n3:pids:/d/c\n0::/\n")
    write(tmp_path, "cg/cpuacct/d/c/cpuacct.usage", "900\n")
    write(tmp_path, "cg/memory/d/c/memory.usage_in_bytes", "5000\n")
    write(tmp_path, "cg/memory/d/c/memory.stat", "cache 1\ntotal_inactive_file 2000\n")
    write(tmp_path, "cg/pids/d/c/pids.current", "7\n")

    assert cgroups.usage_of(7, proc=tmp_path / "proc", root=tmp_path / "cg") == (900, 3000, 7)


def test_usage_is_read_on_version_2(tmp_path: Path) -> None:
    write(tmp_path, "proc/7/cgroup", "0::/system.slice/docker-c.scope\n")
    group = "cg/system.slice/docker-c.scope"
    write(tmp_path, f"{group}/cpu.stat", "usage_usec 9\nuser_usec 5\n")
    write(tmp_path, f"{group}/memory.current", "5000\n")
    write(tmp_path, f"{group}/memory.stat", "anon 1\ninactive_file 2000\n")

    assert cgroups.usage_of(7, proc=tmp_path / "proc", root=tmp_path / "cg") == (9000, 3000, 0)


def test_a_process_that_is_gone_uses_nothing(tmp_path: Path) -> None:
    assert cgroups.usage_of(7, proc=tmp_path, root=tmp_path) is None


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
