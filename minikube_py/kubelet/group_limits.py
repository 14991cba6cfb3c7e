"""What the containers of a pod may use together, in the words of control groups and of systemd.
Pure (ResourceConfigForPod, KEP-2837).
"""

from dataclasses import replace

from minikube_py.container_runtime.interface import Resources
from minikube_py.kubelet.container_resources import cpu_quota, cpu_shares
from minikube_py.kubelet.podspec import members_of
from minikube_py.meta.objects import Object, get_path
from minikube_py.meta.quantity import parse_quantity, to_bytes, to_milli
from minikube_py.resources.pod_totals import pod_totals

_PERIOD_US = 100_000
_NONE = parse_quantity("0")
File = tuple[str, str, str]
"""Controller, file, what is written into it."""


def group_resources(pod: Object) -> Resources | None:
    """None for a pod without cpu and memory of its own: its containers' limits are all it has.

    What the pod itself does not limit is limited where each of its containers is, by their sum.
    """
    own = get_path(pod, "spec", "resources", default={})
    named = {name for field in ("requests", "limits") for name in own.get(field) or {}}
    if not named & {"cpu", "memory"}:
        return None
    limits = pod_totals(pod, "limits")
    cpu = limits.get("cpu", _NONE) if _is_limited(pod, "cpu") else _NONE
    memory = limits.get("memory", _NONE) if _is_limited(pod, "memory") else _NONE
    return Resources(
        cpu_shares=cpu_shares(to_milli(pod_totals(pod, "requests").get("cpu", _NONE))),
        cpu_quota_us=cpu_quota(to_milli(cpu)),
        memory_bytes=to_bytes(memory),
    )


def _is_limited(pod: Object, name: str) -> bool:
    holders = [pod["spec"], *(one.container for one in members_of(pod, "main", "init", "sidecar"))]
    said = [bool(get_path(one, "resources", "limits", name)) for one in holders]
    return said[0] or all(said[1:])


def wider(before: Resources | None, wanted: Resources) -> Resources:
    """What holds as long as some containers have what they had and some what they are to have;
    0 is no limit. What was before may not be known.
    """
    if before is None:
        return replace(wanted, cpu_quota_us=0, memory_bytes=0)

    def widest(one: int, other: int) -> int:
        return max(one, other) if one and other else 0

    return replace(
        wanted,
        cpu_quota_us=widest(before.cpu_quota_us, wanted.cpu_quota_us),
        memory_bytes=widest(before.memory_bytes, wanted.memory_bytes),
    )


def group_files(limits: Resources, version: int) -> list[File]:
    """In the order in which they are written. Swap is not limited: no container with a limit of
    memory has any.
    """
    memory = str(limits.memory_bytes)
    if version == 1:
        return [
            ("cpu", "cpu.shares", str(limits.cpu_shares)),
            ("cpu", "cpu.cfs_period_us", str(_PERIOD_US)),
            ("cpu", "cpu.cfs_quota_us", str(limits.cpu_quota_us or -1)),
            ("memory", "memory.limit_in_bytes", memory if limits.memory_bytes else "-1"),
        ]
    quota = str(limits.cpu_quota_us or "max")
    return [
        ("", "cpu.weight", str(_weight(limits.cpu_shares))),
        ("", "cpu.max", f"{quota} {_PERIOD_US}"),
        ("", "memory.max", memory if limits.memory_bytes else "max"),
    ]


def group_name(cluster: str, pod_uid: str) -> str:
    return f"mk-{cluster}-pod{pod_uid}"


def slice_name(parent: str, name: str) -> str:
    """Below the slice `parent`; in a slice's name dashes lead from parent to child."""
    prefix = "" if parent in ("-.slice", "") else parent.removesuffix(".slice") + "-"
    return f"{prefix}{name.replace('-', '_')}.slice"


def is_named(found: str, marker: str) -> bool:
    """Whether a group's or a slice's name is that of a pod, or, with the pod's uid left out of
    `marker`, of some pod of its cluster.
    """
    before, _, after = found.partition(marker)
    uid = not after.startswith(("-", "_"))
    return marker in found and uid and (not before or before.endswith("-"))


def slice_properties(limits: Resources) -> list[str]:
    """As `systemctl set-property` takes them; an empty quota is none."""
    quota = f"{limits.cpu_quota_us * 100 / _PERIOD_US:.2f}".rstrip("0").rstrip(".")
    return [
        f"CPUWeight={_weight(limits.cpu_shares)}",
        f"CPUQuota={quota}%" if limits.cpu_quota_us else "CPUQuota=",
        f"MemoryMax={limits.memory_bytes or 'infinity'}",
    ]


def _weight(shares: int) -> int:
    """Version 2's word for version 1's shares, as runc turns one into the other."""
    return 1 + (max(shares, 2) - 2) * 9999 // 262_142
