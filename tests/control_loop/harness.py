"""A control plane on a real store for tests of what runs on it, and a kubelet made of paper."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from minikube_py.control_loop.controller import Controller
from minikube_py.control_loop.informer import Informers
from minikube_py.control_loop.recorder import Recorder
from minikube_py.kinds.catalog import EVENT, NAMESPACE, NODE, POD, builtin_catalog
from minikube_py.kinds.kind import Kind
from minikube_py.meta.errors import ApiError
from minikube_py.meta.objects import (
    Object,
    get_path,
    is_deleting,
    name_of,
    namespace_of,
    uid_of,
    with_condition,
)
from minikube_py.meta.timestamps import format_time
from minikube_py.resources.allocate import ServiceAllocator
from minikube_py.resources.options import WriteOptions
from minikube_py.resources.resources import Resources
from minikube_py.store.sqlite import SqliteStore

T = TypeVar("T")
NewController = Callable[[Resources, Informers, Recorder, Callable[[], datetime]], Controller]
DEADLINE_SECONDS = 10.0


@dataclass
class FakeClock:
    now: datetime = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class ControlPlane:
    resources: Resources
    informers: Informers
    recorder: Recorder
    clock: FakeClock
    _tasks: asyncio.TaskGroup
    _running: list[asyncio.Task[Any]] = field(default_factory=list)

    def start(self, *parts: Controller | Any) -> None:
        """Runs parts (anything with `async def run()`) until the test ends."""
        self._running += [self._tasks.create_task(part.run()) for part in parts]

    def start_controllers(self, *makers: NewController) -> list[Controller]:
        made = [make(self.resources, self.informers, self.recorder, self.clock) for make in makers]
        self.start(*made)
        return made

    async def create(self, kind: Kind, obj: Object, namespace: str = "default") -> Object:
        obj = {"apiVersion": kind.api_version, "kind": kind.kind, **obj}
        options = WriteOptions(field_validation="Strict")
        where = namespace if kind.namespaced else None
        return (await self.resources.create(kind, where, obj, options)).object

    def get(self, kind: Kind, name: str, namespace: str = "default") -> Object:
        return self.resources.get(kind, namespace if kind.namespaced else None, name)

    def find(self, kind: Kind, name: str, namespace: str = "default") -> Object | None:
        return self.resources.get_or_none(kind, namespace if kind.namespaced else None, name)

    def all(self, kind: Kind, namespace: str | None = "default") -> list[Object]:
        return self.resources.list(kind, namespace if kind.namespaced else None).objects()

    def names(self, kind: Kind, namespace: str | None = "default") -> set[str]:
        return {name_of(obj) for obj in self.all(kind, namespace)}

    async def change(
        self, kind: Kind, name: str, change: Callable[[Object], None], namespace: str = "default"
    ) -> Object:
        where = namespace if kind.namespaced else None
        return await self.resources.modify(kind, where, name, change)

    async def scale(self, kind: Kind, name: str, replicas: int) -> Object:
        return await self.change(kind, name, lambda obj: obj["spec"].update(replicas=replicas))

    async def delete(self, kind: Kind, name: str, namespace: str = "default") -> None:
        await self.resources.delete(kind, namespace if kind.namespaced else None, name)

    async def eventually(
        self,
        check: Callable[[], T | bool | None],
        what: str = "",
        *,
        seconds: float = DEADLINE_SECONDS,
    ) -> T:
        """Waits until `check` gives something true (asked again after every write), or fails."""
        watch = self.resources.store.watch("/", self.resources.store.revision)
        try:
            async with asyncio.timeout(seconds):
                while not (result := _try(check)):
                    await watch.next_batch()
        except TimeoutError:
            raise AssertionError(f"not within {seconds} s: {what or check}") from None
        finally:
            watch.close()
        return result  # type: ignore[return-value]

    async def settled(self) -> None:
        """Until no write has come for a moment: for claims that nothing more happens."""
        watch = self.resources.store.watch("/", self.resources.store.revision)
        try:
            while True:
                async with asyncio.timeout(0.15):
                    await watch.next_batch()
        except TimeoutError:
            return
        finally:
            watch.close()

    def events(self, reason: str) -> list[str]:
        """Messages of the events with this reason, oldest first."""
        found = [event for event in self.all(EVENT, None) if event["reason"] == reason]
        return [event["message"] for event in sorted(found, key=lambda event: name_of(event))]

    def stop(self) -> None:
        for task in self._running:
            task.cancel()


@asynccontextmanager
async def control_plane(path: Path) -> AsyncIterator[ControlPlane]:
    clock = FakeClock()
    store = await SqliteStore.open(path / "state.db")
    allocator = ServiceAllocator("10.96.0.0/16")
    async with AsyncExitStack() as stack:
        stack.push_async_callback(store.close)
        resources = Resources(store, builtin_catalog(), clock=clock, allocator=allocator)
        for name in ("default", "kube-system"):
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            await resources.create(NAMESPACE, None, body)
        informers = Informers(resources)
        recorder = Recorder(resources, "test", clock)
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        plane = ControlPlane(resources, informers, recorder, clock, tasks)
        stack.callback(plane.stop)
        plane.start(informers, recorder)
        yield plane


@dataclass
class PaperKubelet:
    """Runs pods by saying so. `holds(pod)` keeps a pod from becoming ready."""

    plane: ControlPlane
    node: str = "node-1"
    binds: bool = True
    holds: Callable[[Object], bool] = lambda _pod: False
    lets_go: Callable[[Object], bool] = lambda _pod: True
    _addresses: int = 0

    async def run(self) -> None:
        pods = self.plane.informers.of(POD)
        controller = Controller("paper kubelet", self._reconcile, workers=1)
        controller.watches(pods)
        self.controller = controller
        await controller.run()

    def look_again(self) -> None:
        for pod in self.plane.informers.of(POD).list():
            self.controller.enqueue(f"{namespace_of(pod)}/{name_of(pod)}")  # type: ignore[arg-type]

    async def _reconcile(self, key: str) -> None:
        namespace, _, name = key.partition("/")
        resources = self.plane.resources
        pod = resources.get_or_none(POD, namespace, name)
        if pod is None or get_path(pod, "status", "phase") in ("Succeeded", "Failed"):
            return
        try:
            if is_deleting(pod):
                if self.lets_go(pod):
                    await resources.finish_pod_deletion(namespace, name, uid_of(pod))
            elif not get_path(pod, "spec", "nodeName"):
                if self.binds:
                    await resources.bind_pod(namespace, name, self.node)
            else:
                await resources.update_status(POD, namespace, name, self._run)
        except ApiError:
            return

    def _run(self, pod: Object) -> None:
        ready = "False" if self.holds(pod) else "True"
        status = pod.setdefault("status", {})
        if "podIP" not in status:
            self._addresses += 1
            status["podIP"] = f"10.244.0.{self._addresses}"
            status["podIPs"] = [{"ip": status["podIP"]}]
        status["phase"] = "Running"
        now = format_time(self.plane.clock())
        conditions = status.get("conditions") or []
        for type_ in ("ContainersReady", "Ready"):
            conditions = with_condition(conditions, {"type": type_, "status": ready}, now=now)
        status["conditions"] = conditions


def node(name: str = "node-1", **changes: Any) -> Object:
    """A node that is ready and has room."""
    room = {"cpu": "4", "memory": "8Gi", "pods": "110", "ephemeral-storage": "100Gi"}
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "spec": {},
        "status": {
            "capacity": room,
            "allocatable": room,
            "conditions": [{"type": "Ready", "status": "True"}],
        },
        **changes,
    }


async def add_node(plane: ControlPlane, body: Object) -> Object:
    await plane.create(NODE, {key: value for key, value in body.items() if key != "status"})
    return await plane.resources.update_status(
        NODE, None, name_of(body), lambda fresh: fresh.update(status=body["status"])
    )


def workload(name: str, replicas: int = 1, image: str = "app:1", **spec: Any) -> Object:
    """A Deployment, ReplicaSet or StatefulSet body of one container."""
    labels = {"app": name}
    return {
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "app", "image": image}]},
            },
            **spec,
        },
    }


def set_image(image: str) -> Callable[[Object], None]:
    def change(obj: Object) -> None:
        obj["spec"]["template"]["spec"]["containers"][0]["image"] = image

    return change


def pod(name: str, *, labels: dict[str, str] | None = None, **spec: Any) -> Object:
    containers = [{"name": "app", "image": "app:1"}]
    return {
        "metadata": {"name": name, "labels": labels or {}},
        "spec": {"containers": containers, **spec},
    }


def all_ready(pods: Iterable[Object]) -> bool:
    return all(
        any(
            condition["type"] == "Ready" and condition["status"] == "True"
            for condition in get_path(pod, "status", "conditions", default=[])
        )
        for pod in pods
    )


def _try(check: Callable[[], T | bool | None]) -> T | bool | None:
    try:
        return check()
    except (ApiError, KeyError):
        return None
