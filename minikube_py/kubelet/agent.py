"""The kubelet: hears of this node's pods and of what the runtime does, and tells the pod workers.

Before it the scheduler binds pods, after it everything is per pod. It keeps no state of its own:
at start it lists the store and the runtime, adopts what runs and cleans up what nobody wants.
"""

import asyncio
import logging
from contextlib import suppress
from pathlib import Path

from minikube_py.container_runtime.interface import (
    ContainerRuntime,
    ObservedPod,
    RuntimeEvent,
    RuntimeFailure,
    RuntimeInfo,
)
from minikube_py.control_loop.informer import Informer, Informers
from minikube_py.control_loop.recorder import Recorder
from minikube_py.kinds.catalog import CONFIG_MAP, NAMESPACE, PERSISTENT_VOLUME_CLAIM, POD, SECRET
from minikube_py.kinds.dev_annotations import RESTART_BACKOFF
from minikube_py.kinds.kind import Kind
from minikube_py.kinds.pod_template.references import ReferenceKind
from minikube_py.kinds.schema import KUBERNETES_VERSION
from minikube_py.kubelet import host_facts
from minikube_py.kubelet.cluster_reader import ClusterReader
from minikube_py.kubelet.container_spec import HostFacts
from minikube_py.kubelet.endpoints import KubeletEndpoints
from minikube_py.kubelet.facts import is_running
from minikube_py.kubelet.host_files import HostFiles
from minikube_py.kubelet.image_volumes import ImageVolumes
from minikube_py.kubelet.images import Images
from minikube_py.kubelet.node import NodeFacts, allocatable
from minikube_py.kubelet.node_agents import NodeAgents, facts_of
from minikube_py.kubelet.pod_groups import PodGroups
from minikube_py.kubelet.pod_network import PodNetwork
from minikube_py.kubelet.pod_tokens import PodTokens, TokenSource
from minikube_py.kubelet.pod_workers import PodWorkers
from minikube_py.kubelet.pressure_watch import PressureWatch
from minikube_py.kubelet.probe_actions import ProbeActions
from minikube_py.kubelet.pull_records import PullRecords
from minikube_py.kubelet.relief import Relief, tell_attempt
from minikube_py.kubelet.static_pods import StaticPods
from minikube_py.kubelet.storage_meter import StorageMeter
from minikube_py.kubelet.streams import PodStreams
from minikube_py.kubelet.tools import KubeletSettings, Tools
from minikube_py.kubelet.trace import Arrivals
from minikube_py.kubelet.usage import UsageReader, this_host
from minikube_py.kubelet.volumes import Volumes
from minikube_py.meta.objects import Object, annotations_of, get_path, name_of, namespace_of, uid_of
from minikube_py.meta.timestamps import Clock
from minikube_py.resources.resources import Resources

__all__ = ["Kubelet", "KubeletSettings"]

log = logging.getLogger(__name__)

_RELIST_SECONDS = 60.0
_RETRY_SECONDS = 1.0
_REST_MARGIN = 5.0
_OWN_DOING = frozenset({"create", "exec_create", "exec_start", "exec_die", "attach", "resize"})
"""Events that say nothing the worker does not know already."""


class Kubelet:
    def __init__(  # noqa: PLR0913 - the composition root hands over what a node is made of
        self,
        settings: KubeletSettings,
        resources: Resources,
        informers: Informers,
        runtime: ContainerRuntime,
        pod_network: PodNetwork,
        recorder: Recorder,
        clock: Clock,
        tokens: TokenSource | None = None,
    ) -> None:
        self._settings = settings
        self._resources = resources
        self._informers = informers
        self._runtime = runtime
        self._network = pod_network
        self._recorder = recorder
        self._clock = clock
        self._pods = informers.of(POD)
        self._reader = ClusterReader(resources, informers)
        self._streams = PodStreams(runtime, self._read_pod, clock)
        self._tokens = PodTokens(tokens, clock) if tokens is not None else None
        self.usage = UsageReader(runtime, clock, None if settings.on_paper else this_host)
        self.endpoints = {
            node.name: KubeletEndpoints(settings, node, runtime, self._pods, self.usage)
            for node in settings.nodes
        }
        self._workers: PodWorkers | None = None
        self._served = {node.name for node in settings.nodes}
        for kind in (CONFIG_MAP, SECRET, PERSISTENT_VOLUME_CLAIM, NAMESPACE):
            informers.of(kind)

    @property
    def streams(self) -> PodStreams:
        return self._streams

    async def run(self) -> None:
        """Ends only by cancellation; containers go on running."""
        info = await self._runtime.info()
        facts = facts_of(self._host_facts(info), self._settings.nodes)
        nodes = NodeAgents(self._resources, self._runtime, facts, self._recorder, self._clock)
        await nodes.register()
        self._served |= set(nodes.leaving)
        await self._pods.wait_synced()
        # On paper nothing of the host is changed, whoever runs it.
        files = HostFiles(privileged=False if self._settings.on_paper else None)
        actions = ProbeActions(self._runtime, on_paper=self._settings.on_paper)
        workers = self._workers = PodWorkers(self._tools(facts[0], files, actions))
        try:
            async with asyncio.TaskGroup() as group:
                workers.start(group)
                await self._adopt(workers)
                self._subscribe(workers)
                group.create_task(self._follow_events(workers, nodes), name="kubelet events")
                group.create_task(self._relist(workers), name="kubelet relist")
                group.create_task(nodes.run(self._pods), name="nodes")
                if not self._settings.on_paper:
                    watch = self._pressure_watch(workers, files, Path(info.root_dir))
                    group.create_task(watch.run(nodes.press), name="host pressure")
                if (folder := self._settings.static_pods_dir) is not None:
                    static = self._static_pods(folder)
                    group.create_task(static.run(), name="static pods")
        finally:
            await actions.close()
            files.close()

    async def rest(self, seconds: float) -> None:
        """Stops this node's pods before the daemon ends: hooks, signals and graces as they ask for,
        in `seconds` at most. They come back with the node.
        """
        if self._workers is None:
            return
        try:
            async with asyncio.timeout(seconds + _REST_MARGIN):
                await self._workers.rest(seconds)
        except TimeoutError:
            log.warning("pods still run uids=%s", ",".join(sorted(self._workers.uids())))

    def _static_pods(self, folder: Path) -> StaticPods:
        name = self._settings.node_name
        return StaticPods(folder, name, self._resources, self._pods, self._recorder)

    def _pressure_watch(self, workers: PodWorkers, files: HostFiles, engine: Path) -> PressureWatch:
        """`engine` is the folder with the engine's own files."""
        settings = self._settings
        return PressureWatch(
            lambda: host_facts.room(settings.data_dir, engine),
            self.usage,
            Relief(
                workers,
                StorageMeter(settings.pods_dir, files, self._runtime),
                self._runtime,
                lambda: [pod for pod in self._pods.list() if self._is_ours(pod)],
            ),
            tell_attempt(self._resources, self._recorder, [one.name for one in settings.nodes]),
            self._clock,
        )

    # -- start ---------------------------------------------------------------------------------

    def _host_facts(self, info: RuntimeInfo) -> NodeFacts:
        settings = self._settings
        return NodeFacts(
            name=settings.node_name,
            host_ip=settings.host_ip,
            version=KUBERNETES_VERSION,
            info=info,
            max_pods=settings.max_pods,
            disk_bytes=host_facts.disk_bytes(settings.data_dir),
            machine_id=host_facts.machine_id(),
            boot_id=host_facts.boot_id(),
        )

    def _tools(self, facts: NodeFacts, files: HostFiles, actions: ProbeActions) -> Tools:
        host = HostFacts(
            memory_bytes=facts.info.memory_bytes,
            may_lower_oom_score=host_facts.may_lower_oom_score(),
            apparmor=host_facts.has_apparmor(),
            cluster_domain=self._settings.cluster_domain,
            unsafe_sysctls=self._settings.unsafe_sysctls,
        )
        records = PullRecords.of_file(self._settings.data_dir / "image-pulls.json", files)
        images = Images(self._runtime, self._clock, records)
        kept = self._settings.data_dir / "image-volumes"
        volumes = Volumes(
            self._settings.pods_dir,
            files,
            self._runtime,
            self._reader,
            self._clock,
            images=ImageVolumes(kept, self._runtime, images, files),
            on_paper=self._settings.on_paper,
        )
        cluster = self._settings.cluster.name
        return Tools(
            settings=self._settings,
            resources=self._resources,
            runtime=self._runtime,
            network=self._network,
            volumes=volumes,
            images=images,
            actions=actions,
            files=files,
            reader=self._reader,
            recorder=self._recorder,
            clock=self._clock,
            host=host,
            runtime_name=facts.info.name,
            allocatable=allocatable(facts),
            tokens=self._tokens,
            groups=None if self._settings.on_paper else PodGroups(cluster, facts.info, files),
        )

    async def _adopt(self, workers: PodWorkers) -> None:
        """What runs already, and what was left by pods that are gone."""
        observed = {found.pod.uid: found for found in await self._list_pods()}
        wanted = {uid_of(pod): pod for pod in self._pods.list() if self._is_ours(pod)}
        for uid, pod in wanted.items():
            workers.update(pod, observed.get(uid))
        for uid, found in observed.items():
            if uid not in wanted:
                workers.adopt(found)
        self._adopt_leftovers(workers)

    async def _list_pods(self) -> list[ObservedPod]:
        while True:
            try:
                return list(await self._runtime.list_pods())
            except RuntimeFailure as error:
                log.warning("the container runtime does not answer error=%s", error)
                await asyncio.sleep(_RETRY_SECONDS)

    def _adopt_leftovers(self, workers: PodWorkers) -> None:
        """Files and addresses of pods that neither the store nor the runtime knows."""
        pods_dir = self._settings.pods_dir
        found = {entry.name for entry in pods_dir.iterdir()} if pods_dir.is_dir() else set()
        for uid in (found | self._network.pod_uids()) - workers.uids():
            workers.adopt_leftovers(uid)

    # -- hearing -------------------------------------------------------------------------------

    def _subscribe(self, workers: PodWorkers) -> None:
        arrivals = Arrivals()

        def on_pod(old: Object | None, new: Object | None) -> None:
            seen_at = arrivals.hear(old, new)
            if old is not None and (new is None or uid_of(new) != uid_of(old)):
                workers.gone(uid_of(old))
            if new is not None and self._is_ours(new):
                workers.update(new, seen_at=seen_at)

        self._pods.subscribe(on_pod)
        kinds: tuple[tuple[Kind, ReferenceKind], ...] = (
            (CONFIG_MAP, "ConfigMap"),
            (SECRET, "Secret"),
            (PERSISTENT_VOLUME_CLAIM, "PersistentVolumeClaim"),
        )
        for kind, name in kinds:
            _subscribe_source(self._informers.of(kind), name, workers)
        _subscribe_namespaces(self._informers.of(NAMESPACE), workers)

    def _is_ours(self, pod: Object) -> bool:
        return get_path(pod, "spec", "nodeName") in self._served

    def _read_pod(self, namespace: str, name: str) -> Object | None:
        return self._resources.get_or_none(POD, namespace, name)

    async def _follow_events(self, workers: PodWorkers, nodes: NodeAgents) -> None:
        while True:
            try:
                async for event in self._runtime.events():
                    if event.pod_uid:
                        _hear(workers, event)
                    else:
                        nodes.look()
                        await self._compare(workers)
            except RuntimeFailure as error:
                log.warning("runtime events broke off error=%s", error)
            await asyncio.sleep(_RETRY_SECONDS)
            await self._compare(workers)

    async def _relist(self, workers: PodWorkers) -> None:
        """An event may be lost; a list can't be."""
        while True:
            await asyncio.sleep(_RELIST_SECONDS)
            await self._compare(workers)

    async def _compare(self, workers: PodWorkers) -> None:
        with suppress(RuntimeFailure):
            workers.compare(list(await self._runtime.list_pods()))


def _subscribe_source(informer: Informer, kind: ReferenceKind, workers: PodWorkers) -> None:
    def on_change(old: Object | None, new: Object | None) -> None:
        obj = new if new is not None else old
        if obj is not None:
            workers.changed(namespace_of(obj), (kind, name_of(obj)))

    informer.subscribe(on_change)


def _subscribe_namespaces(informer: Informer, workers: PodWorkers) -> None:
    def on_change(old: Object | None, new: Object | None) -> None:
        if old is None or new is None:
            return
        if annotations_of(old).get(RESTART_BACKOFF) != annotations_of(new).get(RESTART_BACKOFF):
            workers.look_in(name_of(new))

    informer.subscribe(on_change)


def _hear(workers: PodWorkers, event: RuntimeEvent) -> None:
    if event.action.partition(":")[0] in _OWN_DOING:
        return
    state = workers.state_of(event.pod_uid)
    if state is not None and event.action == "start":
        known = {c.id for c in state.observed.containers if is_running(c)}
        known |= {sandbox.id for sandbox in state.observed.sandboxes if sandbox.running}
        if event.container_id in known:
            return
    workers.look(event.pod_uid)
