"""A kubelet on a real store, with Docker and a bridge of its own where a test asks for them."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from minikube_py.container_runtime.docker_engine import DockerEngine
from minikube_py.container_runtime.interface import ContainerRuntime, ObservedContainer
from minikube_py.container_runtime.simulated import SimulatedRuntime
from minikube_py.control_loop.informer import Informers
from minikube_py.control_loop.recorder import Recorder
from minikube_py.daemon.mounts import unmount_below
from minikube_py.kinds.catalog import CONFIG_MAP, EVENT, NAMESPACE, POD, builtin_catalog
from minikube_py.kinds.kind import Kind
from minikube_py.kubelet.agent import Kubelet, KubeletSettings
from minikube_py.kubelet.host_files import HostFiles
from minikube_py.kubelet.pod_groups import remove_groups
from minikube_py.kubelet.pod_network import PodNetwork
from minikube_py.kubelet.pod_tokens import TokenSource
from minikube_py.meta.cluster import Cluster
from minikube_py.meta.objects import Object, find_condition, get_path, name_of
from minikube_py.meta.timestamps import system_clock
from minikube_py.network import firewall
from minikube_py.network.host import Host
from minikube_py.network.pod_network import BridgePodNetwork, PaperPodNetwork
from minikube_py.network.ranges import pick_ranges
from minikube_py.resources.allocate import ServiceAllocator
from minikube_py.resources.json_web_tokens import SigningKey
from minikube_py.resources.resources import Resources
from minikube_py.resources.service_account_tokens import ServiceAccountTokens
from minikube_py.store.sqlite import SqliteStore

NODE = "node-1"
BUSYBOX = "minikube-py/busybox:1"
NAMESPACES = ("default", "kube-node-lease")


@dataclass
class World:
    """One node. `start_kubelet` and `stop_kubelet` are the daemon's life; all else outlives it."""

    cluster: Cluster
    resources: Resources
    runtime: ContainerRuntime
    network: PodNetwork
    data_dir: Path
    on_paper: bool = False
    tokens: TokenSource = field(init=False)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        key = SigningKey(ec.generate_private_key(ec.SECP256R1()))
        self.tokens = ServiceAccountTokens(
            self.resources, key, issuer="https://test", clock=system_clock
        )

    def start_kubelet(self) -> Kubelet:
        informers = Informers(self.resources)
        recorder = Recorder(self.resources, "kubelet", system_clock)
        settings = KubeletSettings(
            node_name=NODE,
            cluster=self.cluster,
            data_dir=self.data_dir,
            cluster_dns="10.96.0.10",
            host_ip="127.0.0.1",
            on_paper=self.on_paper,
            static_pods_dir=self.data_dir / "manifests",
        )
        kubelet = Kubelet(
            settings,
            self.resources,
            informers,
            self.runtime,
            self.network,
            recorder,
            system_clock,
            self.tokens,
        )
        self._tasks = [
            asyncio.create_task(part.run()) for part in (informers, recorder, self.runtime, kubelet)
        ]
        return kubelet

    async def stop_kubelet(self) -> None:
        for task in self._tasks:
            task.cancel()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def create(self, kind: Kind, name: str, **body: Any) -> Object:
        obj = {
            "apiVersion": kind.api_version,
            "kind": kind.kind,
            "metadata": {"name": name},
            **body,
        }
        return (await self.resources.create(kind, "default", obj)).object

    async def pod(
        self, name: str, *, annotations: dict[str, str] | None = None, **spec: Any
    ) -> Object:
        """Bound to the node at once, as the scheduler would."""
        metadata: Object = {"name": name}
        if annotations:
            metadata["annotations"] = annotations
        spec = {"nodeName": NODE, "terminationGracePeriodSeconds": 1, **spec}
        return await self.create(POD, name, metadata=metadata, spec=spec)

    def get(self, name: str) -> Object:
        return self.resources.get(POD, "default", name)

    def has(self, name: str) -> bool:
        return self.resources.get_or_none(POD, "default", name) is not None

    async def delete(self, name: str) -> None:
        await self.resources.delete(POD, "default", name)

    async def until(
        self, name: str, check: Callable[[Object], Any], what: str, seconds: float = 20.0
    ) -> Object:
        """The pod, once `check` holds; asked again after every write."""
        watch = self.resources.store.watch("/", self.resources.store.revision)
        try:
            async with asyncio.timeout(seconds):
                while not check(pod := self.get(name)):
                    await watch.next_batch()
        except TimeoutError:
            raise AssertionError(f"not {what} within {seconds} s: {pod.get('status')}") from None
        finally:
            watch.close()
        return pod

    async def gone(self, name: str, seconds: float = 20.0) -> None:
        watch = self.resources.store.watch("/", self.resources.store.revision)
        try:
            async with asyncio.timeout(seconds):
                while self.resources.get_or_none(POD, "default", name) is not None:
                    await watch.next_batch()
        finally:
            watch.close()

    async def phase(self, name: str, phase: str) -> Object:
        return await self.until(name, lambda pod: get_path(pod, "status", "phase") == phase, phase)

    async def waiting(self, name: str, reason: str, container: str = "app") -> Object:
        """The container's status, once it waits for that reason."""

        def waits(pod: Object) -> bool:
            entry = state_of(pod, container)
            return bool(get_path(entry, "state", "waiting", "reason") == reason)

        return state_of(await self.until(name, waits, reason), container)

    async def ready(self, name: str, seconds: float = 20.0) -> Object:
        return await self.until(name, is_ready, "ready", seconds)

    async def containers(self, name: str) -> list[ObservedContainer]:
        uid = self.get(name)["metadata"]["uid"]
        observed = await self.runtime.observe_pod(uid)
        return list(observed.containers) if observed else []

    async def exec(self, name: str, container: str, *command: str) -> str:
        found = next(c for c in await self.containers(name) if c.name == container)
        _, output = await self.runtime.exec_sync(found.id, command, timeout_seconds=10)
        return output.decode()

    async def eventually(self, check: Callable[[], Any], what: str, seconds: float = 5.0) -> None:
        """For what no watch tells of."""
        try:
            async with asyncio.timeout(seconds):
                while not check():  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"not within {seconds} s: {what}") from None

    async def nothing_left(self) -> None:
        """No container, no file of any pod."""
        async with asyncio.timeout(5):
            while await self.runtime.list_pods():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await self.eventually(lambda: not any((self.data_dir / "pods").iterdir()), "no files")

    async def told(self, name: str, reason: str) -> list[str]:
        """The reasons of the pod's events, once `reason` is among them."""

        def found() -> list[str]:
            return [one for one, _ in self.events(name)]

        await self.eventually(lambda: reason in found(), f"event {reason}")
        return found()

    def events(self, name: str) -> list[tuple[str, str]]:
        """(reason, message), oldest first."""
        found = self.resources.list(EVENT, "default").objects()
        own = [event for event in found if event["involvedObject"]["name"] == name]
        return [(e["reason"], e["message"]) for e in sorted(own, key=name_of)]


def is_ready(pod: Object) -> bool:
    return (find_condition(pod, "Ready") or {}).get("status") == "True"


def container(name: str = "app", *command: str, **fields: Any) -> Object:
    found: Object = {"name": name, "image": BUSYBOX, **fields}
    if command:
        found["command"] = list(command)
    return found


def sleeper(name: str = "app", **fields: Any) -> Object:
    """Runs until it is told to stop, and then does."""
    script = "trap 'exit 0' TERM; while :; do sleep 3600 & wait $!; done"
    return container(name, "sh", "-c", script, **fields)


def state_of(pod: Object, name: str = "app") -> Object:
    for entry in get_path(pod, "status", "containerStatuses", default=[]):
        if entry["name"] == name:
            return dict(entry)
    return {}


@asynccontextmanager
async def _resources(path: Path) -> AsyncIterator[Resources]:
    store = await SqliteStore.open(path / "state.db")
    try:
        allocator = ServiceAllocator("10.96.0.0/16")
        resources = Resources(store, builtin_catalog(), clock=system_clock, allocator=allocator)
        for name in NAMESPACES:
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            await resources.create(NAMESPACE, None, body)
        authority = {"metadata": {"name": "kube-root-ca.crt"}, "data": {"ca.crt": "a certificate"}}
        await resources.create(CONFIG_MAP, "default", authority)
        yield resources
    finally:
        await store.close()


@pytest.fixture
async def paper_world(tmp_path: Path) -> AsyncIterator[World]:
    """Pods on paper; a kubelet runs. Image `missing:1` can't be had."""
    cluster = Cluster("t-paper")
    async with AsyncExitStack() as stack:
        resources = await stack.enter_async_context(_resources(tmp_path))
        runtime = SimulatedRuntime(
            cluster, clock=system_clock, state_dir=tmp_path / "paper", missing_images=["missing:1"]
        )
        stack.push_async_callback(runtime.close)
        network = PaperPodNetwork(pod_cidr="10.244.0.0/16", gateway="10.244.0.1")
        world = World(cluster, resources, runtime, network, tmp_path / "data", on_paper=True)
        stack.push_async_callback(world.stop_kubelet)
        world.start_kubelet()
        yield world


@pytest.fixture
def mounts_gone(tmp_path: Path) -> Iterator[None]:
    """Nothing stays mounted below the test's folder, however the test ends: needs no loop of the
    test's, which an interrupt may have ended.
    """
    yield
    left = asyncio.run(unmount_below(tmp_path))
    assert not left, f"still mounted: {left}"


@pytest.fixture
async def docker_world(tmp_path: Path, mounts_gone: None) -> AsyncIterator[World]:
    """Docker and a bridge of this test's own; a kubelet runs."""
    async with world_on_docker(tmp_path) as world:
        yield world


@asynccontextmanager
async def world_on_docker(folder: Path, engine: str | None = None) -> AsyncIterator[World]:
    """`engine`: where it listens, the host's own if None."""
    cluster = Cluster(f"t-{secrets.token_hex(3)}")
    host = Host()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(host.close)
        resources = await stack.enter_async_context(_resources(folder))
        runtime = DockerEngine(cluster, clock=system_clock, base_url=engine, pool_size=1)
        stack.push_async_callback(runtime.close)
        used = [*await host.used_ranges(), IPv4Network("10.244.0.0/16")]
        ranges = pick_ranges(used)
        await runtime.ensure_network(
            cluster.network,
            bridge=cluster.bridge,
            subnet=ranges.pod,
            gateway=ranges.gateway,
            engine_range=ranges.engine,
        )
        stack.push_async_callback(host.remove_all, cluster)
        stack.push_async_callback(firewall.remove_rules, cluster)
        stack.push_async_callback(runtime.remove_everything, volumes=True)  # the network, at last
        network = BridgePodNetwork(host, cluster, pod_cidr=ranges.pod, gateway=ranges.gateway)
        await network.start()
        world = World(cluster, resources, runtime, network, folder / "data")
        files = HostFiles()
        stack.callback(files.close)
        stack.push_async_callback(files.remove, world.data_dir)
        stack.push_async_callback(remove_groups, cluster.name, runtime)
        stack.push_async_callback(runtime.remove_everything, volumes=True)
        stack.push_async_callback(world.stop_kubelet)
        world.start_kubelet()
        yield world
