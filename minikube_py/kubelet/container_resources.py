"""What a container may use of the host, in the runtime's numbers, as kubelet computes them. Pure
(`MilliCPUToShares`, `MilliCPUToQuota`, `GetContainerOOMScoreAdjust`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from minikube_py.container_runtime.interface import Resources
from minikube_py.kubelet.podspec import members_of, qos_class
from minikube_py.meta.objects import Object, get_path
from minikube_py.meta.quantity import parse_quantity, to_bytes, to_milli

_MIN_SHARES = 2
_MAX_SHARES = 262_144
_MIN_QUOTA_US = 1000
_PERIOD_US = 100_000
_GUARANTEED = -997
_BEST_EFFORT = 1000
_CRITICAL_PRIORITY = 2_000_000_000


@dataclass(frozen=True)
class HostFacts:
    """`may_lower_oom_score`: the engine has CAP_SYS_RESOURCE, else scores below 0 can't be set.
    `unsafe_sysctls` are patterns a user has allowed beside the safe ones.
    """

    memory_bytes: int
    may_lower_oom_score: bool = True
    apparmor: bool = False
    cluster_domain: str = "cluster.local"
    unsafe_sysctls: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Amounts:
    """cpu in thousandths, memory in bytes; 0 is not said."""

    cpu: int
    cpu_limit: int
    memory: int
    memory_limit: int


def container_resources(pod: Object, container: Mapping[str, Any], host: HostFacts) -> Resources:
    """A container without limits of its own has its pod's (KEP-2837)."""
    own = _amounts(container.get("resources") or {})
    of_pod = get_path(pod, "spec", "resources", default={})
    cpu_limit = own.cpu_limit or _milli(of_pod, "limits")
    memory_limit = own.memory_limit or _bytes(of_pod, "limits")
    cpu = own.cpu or own.cpu_limit
    score = oom_score(pod, container, host.memory_bytes)
    return Resources(
        cpu_shares=cpu_shares(cpu),
        cpu_quota_us=cpu_quota(cpu_limit),
        memory_bytes=memory_limit,
        oom_score_adj=score if host.may_lower_oom_score else max(0, score),
    )


def cpu_shares(milli: int) -> int:
    return min(max(_MIN_SHARES, milli * 1024 // 1000), _MAX_SHARES)


def cpu_quota(milli: int) -> int:
    """Microseconds in each period, 0 for no limit."""
    return max(_MIN_QUOTA_US, milli * _PERIOD_US // 1000) if milli else 0


def _amounts(resources: Mapping[str, Any]) -> _Amounts:
    limit = _bytes(resources, "limits")
    return _Amounts(
        cpu=_milli(resources, "requests"),
        cpu_limit=_milli(resources, "limits"),
        memory=_bytes(resources, "requests") or limit,
        memory_limit=limit,
    )


def _milli(resources: Mapping[str, Any], field: str) -> int:
    return to_milli(parse_quantity(get_path(resources, field, "cpu", default="0")))


def _bytes(resources: Mapping[str, Any], field: str) -> int:
    return to_bytes(parse_quantity(get_path(resources, field, "memory", default="0")))


def oom_score(pod: Object, container: Mapping[str, Any], capacity: int) -> int:
    """Who is killed first when memory runs out, -1000 (never) to 1000. A sidecar is no worse off
    than the pod's main containers.
    """
    qos = qos_class(pod)
    if qos == "Guaranteed" or _is_critical(pod):
        return _GUARANTEED
    if qos == "BestEffort":
        return _BEST_EFFORT
    score = _burstable_score(pod, container, capacity)
    if any(one.container is container for one in members_of(pod, "sidecar")):
        others = [one.container for one in members_of(pod, "main")]
        score = min([score, *(_burstable_score(pod, one, capacity) for one in others)])
    return score


def _is_critical(pod: Object) -> bool:
    return int(get_path(pod, "spec", "priority", default=0) or 0) >= _CRITICAL_PRIORITY


def _burstable_score(pod: Object, container: Mapping[str, Any], capacity: int) -> int:
    memory = _amounts(container.get("resources") or {}).memory + _share_of_rest(pod)
    score = _BEST_EFFORT - _BEST_EFFORT * memory // max(capacity, 1)
    return min(max(_BEST_EFFORT + _GUARANTEED, score), _BEST_EFFORT - 1)


def _share_of_rest(pod: Object) -> int:
    """What the pod asks for beyond its containers counts for each of them in equal parts."""
    asked = _bytes(get_path(pod, "spec", "resources", default={}), "requests")
    if not asked:
        return 0
    running = members_of(pod, "main", "sidecar")
    taken = sum(_amounts(one.container.get("resources") or {}).memory for one in running)
    return max(0, asked - taken) // max(1, len(running))
