"""What the containers of a pod may use together."""

from pathlib import Path
from typing import Any

import pytest

from minikube_py.container_runtime.interface import Resources, RuntimeInfo
from minikube_py.kubelet.group_limits import (
    group_files,
    group_name,
    group_resources,
    is_named,
    slice_name,
    slice_properties,
    wider,
)
from minikube_py.kubelet.host_files import FileProblem, HostFiles
from minikube_py.kubelet.pod_groups import PodGroups
from minikube_py.meta.objects import Object

MIB = 1 << 20
HALF = Resources(cpu_shares=102, cpu_quota_us=50_000, memory_bytes=64 * MIB)
UNLIMITED = Resources(cpu_shares=102)


def pod(*limits: dict[str, str], **resources: Any) -> Object:
    containers = [
        {"name": f"c{number}", "resources": {"limits": one, "requests": one}}
        for number, one in enumerate(limits)
    ]
    return {"metadata": {}, "spec": {"containers": containers, "resources": resources}}


@pytest.mark.parametrize(
    ("obj", "found"),
    [
        pytest.param(pod({"cpu": "1", "memory": "64Mi"}), None, id="a-pod-without-its-own"),
        pytest.param(pod({}, limits={"hugepages-2Mi": "4Mi"}), None, id="other-resources"),
        pytest.param(
            pod({}, {}, requests={"cpu": "100m"}, limits={"cpu": "500m", "memory": "64Mi"}),
            HALF,
            id="its-own",
        ),
        pytest.param(
            pod(
                {"cpu": "200m", "memory": "32Mi"},
                {"cpu": "300m", "memory": "32Mi"},
                requests={"cpu": "100m"},
            ),
            HALF,
            id="the-sum-where-every-container-has-one",
        ),
        pytest.param(
            pod({"cpu": "200m", "memory": "32Mi"}, {}, requests={"cpu": "100m"}),
            UNLIMITED,
            id="none-where-one-container-has-none",
        ),
    ],
)
def test_what_a_pod_s_group_may_use(obj: Object, found: Resources | None) -> None:
    assert group_resources(obj) == found


def test_version_1_is_told_in_its_words() -> None:
    assert group_files(HALF, 1) == [
        ("cpu", "cpu.shares", "102"),
        ("cpu", "cpu.cfs_period_us", "100000"),
        ("cpu", "cpu.cfs_quota_us", "50000"),
        ("memory", "memory.limit_in_bytes", str(64 * MIB)),
    ]
    assert [value for *_, value in group_files(UNLIMITED, 1)][2:] == ["-1", "-1"]


def test_version_2_is_told_in_its_words() -> None:
    assert group_files(HALF, 2) == [
        ("", "cpu.weight", "4"),
        ("", "cpu.max", "50000 100000"),
        ("", "memory.max", str(64 * MIB)),
    ]
    assert [value for *_, value in group_files(UNLIMITED, 2)][1:] == ["max 100000", "max"]


def test_systemd_is_told_in_its_words() -> None:
    assert slice_properties(HALF) == ["CPUWeight=4", "CPUQuota=50%", f"MemoryMax={64 * MIB}"]
    assert slice_properties(UNLIMITED) == ["CPUWeight=4", "CPUQuota=", "MemoryMax=infinity"]
    assert slice_properties(Resources(2, 1234))[1] == "CPUQuota=1.23%"


def test_a_slice_s_name_leads_from_its_parent_to_it() -> None:
    name = group_name("mk", "1b-2c")

    assert slice_name("system.slice", name) == "system-mk_mk_pod1b_2c.slice"
    assert slice_name("-.slice", name) == "mk_mk_pod1b_2c.slice"


@pytest.mark.parametrize(
    ("found", "marker", "is_it"),
    [
        ("mk-a-pod1b", "mk-a-pod1b", True),
        ("mk-a-pod1b", "mk-a-pod", True),
        ("mk-a-pod-pod1b", "mk-a-pod", False),
        ("mk-b-pod1b", "mk-a-pod", False),
        ("system-mk_a_pod1b.slice", "mk_a_pod1b", True),
        ("system-mk_a_pod_pod1b.slice", "mk_a_pod", False),
        ("1234abcd", "mk-a-pod", False),
    ],
)
def test_a_cluster_knows_its_own_groups(found: str, marker: str, is_it: bool) -> None:
    assert is_named(found, marker) is is_it


def test_while_a_resize_goes_on_the_larger_limits_hold() -> None:
    more = Resources(cpu_shares=204, cpu_quota_us=80_000, memory_bytes=32 * MIB)

    assert wider(HALF, more) == Resources(204, 80_000, 64 * MIB)
    assert wider(UNLIMITED, more) == Resources(204)
    assert wider(None, more) == Resources(204)


# -- on the host ---------------------------------------------------------------------------------


def info(driver: str, version: int) -> RuntimeInfo:
    return RuntimeInfo("docker", "1", "1", version, driver, "6", "Linux", "x86_64", 2, MIB, "/d")


class Host:
    """A tree of control groups in which a sandbox runs, as process 7."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch, *, version: int = 2) -> None:
        self.root = root / "cgroup"
        self.calls = root / "calls"
        paths = {"": "/docker/s1"} if version == 2 else {"memory": "/docker/s1"}
        monkeypatch.setattr("minikube_py.kubelet.pod_groups.groups_of", lambda pid: paths)
        program = root / "bin" / "systemctl"
        program.parent.mkdir()
        program.write_text(f'#!/bin/sh\necho "$@" >> {self.calls}\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


async def test_version_2_has_one_group_beside_the_sandbox_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, files = Host(tmp_path, monkeypatch), HostFiles()
    groups = PodGroups("mk", info("cgroupfs", 2), files, host.root)

    parent = await groups.ensure("u1", HALF, 7)

    folder = host.root / "docker" / "mk-mk-podu1"
    written = {file.name: file.read_text() for file in folder.iterdir()}
    for file in folder.iterdir():  # the kernel's go with their folder
        file.unlink()
    await groups.remove("u1")
    await groups.remove("u1")
    files.close()
    assert parent == "/docker/mk-mk-podu1"
    assert written == {
        "cpu.weight": "4",
        "cpu.max": "50000 100000",
        "memory.max": str(64 * MIB),
    }
    assert list((host.root / "docker").iterdir()) == []


async def test_systemd_makes_and_removes_its_slices_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, files = Host(tmp_path, monkeypatch), HostFiles()
    monkeypatch.setattr(
        "minikube_py.kubelet.pod_groups.groups_of",
        lambda pid: {"": "/system.slice/docker-s1.scope"},
    )
    groups = PodGroups("mk", info("systemd", 2), files, host.root)
    name = "system-mk_mk_podu1.slice"

    parent = await groups.ensure("u1", HALF, 7)
    (host.root / "system.slice" / name).mkdir(parents=True)
    await groups.remove("u1")
    files.close()

    assert parent == name
    assert host.calls.read_text().splitlines() == [
        f"set-property --runtime {name} CPUWeight=4 CPUQuota=50% MemoryMax={64 * MIB}",
        f"stop {name}",
        f"revert {name}",
    ]


async def test_an_engine_without_control_groups_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, files = Host(tmp_path, monkeypatch), HostFiles()
    groups = PodGroups("mk", info("none", 2), files, host.root)

    with pytest.raises(FileProblem, match="cgroup driver is 'none'"):
        await groups.ensure("u1", HALF, 7)
    files.close()
