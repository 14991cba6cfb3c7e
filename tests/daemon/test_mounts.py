"""What Pods have mounted goes with them, and only that."""

import asyncio
import secrets
import subprocess
from collections.abc import Callable, Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from minikube_py.container_runtime.simulated import SimulatedRuntime
from minikube_py.daemon.assembly import Assembly
from minikube_py.daemon.choices import Choices
from minikube_py.daemon.ground import Ground
from minikube_py.daemon.mounts import unmount_below
from minikube_py.daemon.purge import purge
from minikube_py.daemon.settings import Settings
from minikube_py.kubelet.host_files import HostFiles
from minikube_py.meta.cluster import Cluster
from minikube_py.meta.mounts import mounts_below
from minikube_py.meta.timestamps import system_clock
from minikube_py.network.pod_network import PaperPodNetwork
from minikube_py.network.ranges import plan_of

Mount = Callable[[Path], Path]


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """Mounts a tmpfs below the test's folder; all are gone in the end."""

    def mounted(path: Path) -> Path:
        path.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "mk-test", str(path)], check=True, timeout=10)
        return path

    yield mounted
    asyncio.run(unmount_below(tmp_path))


async def test_a_directory_without_mounts_is_fine(tmp_path: Path) -> None:
    assert await unmount_below(tmp_path / "pods") == []


@pytest.mark.root
async def test_everything_below_is_unmounted(tmp_path: Path, mount: Mount) -> None:
    pods = tmp_path / "pods"
    outer = mount(pods / "u1" / "volumes" / "with a blank")
    mount(outer / "inner")
    mount(pods / "u2" / "volumes" / "twice")
    mount(pods / "u2" / "volumes" / "twice")
    beside = mount(tmp_path / "pods-of-another")

    left = await unmount_below(pods)

    assert left == []
    assert mounts_below(tmp_path) == [str(beside)]
    assert outer.is_dir()


@pytest.mark.root
async def test_what_is_in_use_is_unmounted_too(tmp_path: Path, mount: Mount) -> None:
    used = mount(tmp_path / "pods" / "u1" / "volumes" / "memory") / "file"

    with used.open("w"):
        left = await unmount_below(tmp_path / "pods")

    assert left == []
    assert not used.exists()


@pytest.mark.root
async def test_what_the_directory_is_on_stays(tmp_path: Path, mount: Mount) -> None:
    pods = mount(tmp_path / "disk" / "pods")
    mount(pods / "u1" / "volumes" / "memory")

    await unmount_below(pods)

    assert mounts_below(tmp_path) == [str(pods)]


@pytest.mark.root
async def test_stopping_the_pods_unmounts_their_memory_and_it_can_be_mounted_again(
    tmp_path: Path, mount: Mount
) -> None:
    pods = tmp_path / "pods"
    memory, files = pods / "u1" / "volumes" / "memory", HostFiles()
    await files.mount_memory(memory, size_bytes=1 << 20, group=None)
    (memory / "file").touch()

    await _assembly(pods).stop_pods()
    assert mounts_below(pods) == []

    await files.mount_memory(memory, size_bytes=1 << 20, group=None)
    files.close()
    assert mounts_below(pods) == [str(memory)]
    assert not any(memory.iterdir())


@pytest.mark.docker
@pytest.mark.root
async def test_a_purge_unmounts_what_a_daemon_that_was_killed_left(
    tmp_path: Path, mount: Mount
) -> None:
    settings = Settings(Cluster(f"t-{secrets.token_hex(3)}"), tmp_path)
    mount(settings.pods_dir / "u1" / "volumes" / "memory")

    await purge(settings)

    assert mounts_below(tmp_path) == []


def _assembly(pods: Path) -> Assembly:
    """Of a cluster on paper, that has nothing else on this host."""
    cluster = Cluster("t-mounts")
    ranges = plan_of(IPv4Network("10.244.0.0/16"), IPv4Network("10.96.0.0/16"))
    choices = Choices(
        pod_cidr=ranges.pod,
        service_cidr=ranges.service,
        dns_address=ranges.dns,
        api_port=0,
        ingress_http_port=0,
        ingress_https_port=0,
    )
    network = PaperPodNetwork(pod_cidr=ranges.pod, gateway=ranges.gateway)
    runtime = SimulatedRuntime(cluster, clock=system_clock)
    ground = Ground(choices, ranges, network, None, cluster)
    return Assembly(choices, [], {}, runtime, ground, pods)
