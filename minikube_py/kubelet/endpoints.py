"""What a kubelet's own port would tell, for the API server to answer `nodes/<name>/proxy` with: the
running pods, what they use, in the kubelet's own shapes.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from minikube_py.container_runtime.interface import ContainerRuntime, ObservedPod
from minikube_py.container_runtime.usage import ContainerUsage, NodeUsage, part_of
from minikube_py.control_loop.informer import Informer
from minikube_py.kubelet.facts import is_running
from minikube_py.kubelet.tools import KubeletSettings, LogicalNode
from minikube_py.kubelet.usage import UsageReader
from minikube_py.meta.objects import Object, get_path, name_of, namespace_of, uid_of
from minikube_py.meta.timestamps import format_time


class KubeletEndpoints:
    def __init__(
        self,
        settings: KubeletSettings,
        node: LogicalNode,
        runtime: ContainerRuntime,
        pods: Informer,
        usage: UsageReader,
    ) -> None:
        self._settings = settings
        self._node = node
        self._runtime = runtime
        self._pods = pods
        self._usage = usage

    @property
    def node_name(self) -> str:
        return self._node.name

    async def usage(self) -> NodeUsage:
        """What this node uses. Raises RuntimeFailure."""
        usage = await self._usage.read()
        if not self._settings.more_nodes:
            return usage
        mine = {uid_of(pod) for pod in self._known_pods()}
        return part_of(usage, mine, with_rest=self.node_name == self._settings.node_name)

    def configuration(self) -> Object:
        """`/configz`: what of a KubeletConfiguration is true here."""
        settings = self._settings
        return {
            "kubeletconfig": {
                "kind": "KubeletConfiguration",
                "apiVersion": "kubelet.config.k8s.io/v1beta1",
                "clusterDomain": settings.cluster_domain,
                "clusterDNS": [settings.cluster_dns],
                "maxPods": settings.max_pods,
                "podCIDR": self._node.pod_cidr,
            }
        }

    async def running_pods(self) -> Object:
        """`/runningpods`: what the runtime runs, whatever the API knows of it."""
        observed = await self._observed()
        items = [pod for one in observed if (pod := _running_pod(one)) is not None]
        return {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items}

    async def summary(self) -> Object:
        """`/stats/summary`."""
        usage = await self.usage()
        at = format_time(usage.sample.at)
        by_pod = _by_pod(usage)
        return {
            "node": {
                "nodeName": self.node_name,
                "cpu": _cpu(at, usage.cpu_nanocores, usage.sample.cpu_nanoseconds),
                "memory": _memory(at, usage.sample.memory_working_set_bytes),
            },
            "pods": [
                _pod_summary(pod, by_pod[uid_of(pod)], at)
                for pod in self._known_pods()
                if uid_of(pod) in by_pod
            ],
        }

    async def resource_metrics(self) -> str:
        """`/metrics/resource`, in Prometheus' text format."""
        usage = await self.usage()
        return "".join(f"{line}\n" for line in self._resource_lines(usage))

    async def metrics(self) -> str:
        """`/metrics`: how much runs."""
        observed = await self._observed()
        running = sum(1 for pod in observed if any(box.running for box in pod.sandboxes))
        containers = sum(1 for pod in observed for one in pod.containers if is_running(one))
        return (
            "# TYPE kubelet_running_pods gauge\n"
            f"kubelet_running_pods {running}\n"
            "# TYPE kubelet_running_containers gauge\n"
            f'kubelet_running_containers{{container_state="running"}} {containers}\n'
            "# TYPE kubelet_node_name gauge\n"
            f'kubelet_node_name{{node="{self.node_name}"}} 1\n'
        )

    def _known_pods(self) -> list[Object]:
        mine = (pod for pod in self._pods.list() if self._is_here(pod))
        return sorted(mine, key=lambda pod: (namespace_of(pod), name_of(pod)))

    def _is_here(self, pod: Object) -> bool:
        return bool(get_path(pod, "spec", "nodeName") == self.node_name)

    async def _observed(self) -> list[ObservedPod]:
        """What runs here; of what nobody knows, nobody knows on which node."""
        observed = list(await self._runtime.list_pods())
        if not self._settings.more_nodes:
            return observed
        mine = {uid_of(pod) for pod in self._known_pods()}
        return [one for one in observed if one.pod.uid in mine]

    def _resource_lines(self, usage: NodeUsage) -> Iterator[str]:
        sample, by_pod = usage.sample, _by_pod(usage)
        yield "# TYPE node_cpu_usage_seconds_total counter"
        yield f"node_cpu_usage_seconds_total {sample.cpu_nanoseconds / 1e9:.6f}"
        yield "# TYPE node_memory_working_set_bytes gauge"
        yield f"node_memory_working_set_bytes {sample.memory_working_set_bytes}"
        pods = [(pod, by_pod[uid_of(pod)]) for pod in self._known_pods() if uid_of(pod) in by_pod]
        for what, kind, value in (
            ("cpu_usage_seconds_total", "counter", _cpu_seconds),
            ("memory_working_set_bytes", "gauge", _working_set),
        ):
            yield f"# TYPE container_{what} {kind}"
            for pod, used in pods:
                for one in used:
                    labels = f'container="{one.stats.container_name}",{_pod_labels(pod)}'
                    yield f"container_{what}{{{labels}}} {value([one])}"
            yield f"# TYPE pod_{what} {kind}"
            for pod, used in pods:
                yield f"pod_{what}{{{_pod_labels(pod)}}} {value(used)}"
        yield "# TYPE resource_scrape_error gauge"
        yield "resource_scrape_error 0"


def _running_pod(observed: ObservedPod) -> Object | None:
    containers = [one for one in observed.containers if is_running(one)]
    if not containers:
        return None
    return {
        "metadata": {
            "name": observed.pod.name,
            "namespace": observed.pod.namespace,
            "uid": observed.pod.uid,
        },
        "spec": {"containers": [{"name": one.name, "image": one.image} for one in containers]},
        "status": {},
    }


def _by_pod(usage: NodeUsage) -> Mapping[str, list[ContainerUsage]]:
    found: dict[str, list[ContainerUsage]] = {}
    for one in usage.containers:
        found.setdefault(one.stats.pod_uid, []).append(one)
    return found


def _pod_summary(pod: Object, used: list[ContainerUsage], at: str) -> Object:
    cores = sum(one.cpu_nanocores for one in used)
    return {
        "podRef": {"name": name_of(pod), "namespace": namespace_of(pod), "uid": uid_of(pod)},
        "cpu": _cpu(at, cores, sum(one.stats.cpu_nanoseconds for one in used)),
        "memory": _memory(at, int(_working_set(used))),
        "containers": [
            {
                "name": one.stats.container_name,
                "cpu": _cpu(at, one.cpu_nanocores, one.stats.cpu_nanoseconds),
                "memory": _memory(at, one.stats.memory_working_set_bytes),
            }
            for one in used
        ],
    }


def _cpu(at: str, nanocores: int, nanoseconds: int) -> dict[str, Any]:
    return {"time": at, "usageNanoCores": nanocores, "usageCoreNanoSeconds": nanoseconds}


def _memory(at: str, working_set: int) -> dict[str, Any]:
    return {"time": at, "workingSetBytes": working_set}


def _cpu_seconds(used: list[ContainerUsage]) -> str:
    return f"{sum(one.stats.cpu_nanoseconds for one in used) / 1e9:.6f}"


def _working_set(used: list[ContainerUsage]) -> str:
    return str(sum(one.stats.memory_working_set_bytes for one in used))


def _pod_labels(pod: Object) -> str:
    return f'namespace="{namespace_of(pod)}",pod="{name_of(pod)}"'
