"""Rates from two samples of what containers have used. Pure: who samples, and how often, is the
kubelet's to say.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Stats:
    """Of one container: cumulative CPU time, the memory that can't be reclaimed, and how many
    processes and threads it has (0 where that is not counted).
    """

    container_id: str
    pod_uid: str
    container_name: str
    cpu_nanoseconds: int
    memory_working_set_bytes: int
    read_at: datetime
    processes: int = 0


@dataclass(frozen=True)
class Sample:
    """The node's own CPU time so far and working set, and those of each running container."""

    at: datetime
    cpu_nanoseconds: int
    memory_working_set_bytes: int
    containers: Sequence[Stats] = ()


@dataclass(frozen=True)
class ContainerUsage:
    stats: Stats
    cpu_nanocores: int


@dataclass(frozen=True)
class NodeUsage:
    """What is used now: CPU as the mean over `window_seconds`, memory at `sample.at`."""

    sample: Sample
    window_seconds: float
    cpu_nanocores: int
    containers: Sequence[ContainerUsage] = ()


def usage_between(before: Sample, after: Sample) -> NodeUsage:
    """A container that started in between has used all of its time in between."""
    seconds = max((after.at - before.at).total_seconds(), 1e-9)
    earlier = {one.container_id: one.cpu_nanoseconds for one in before.containers}
    return NodeUsage(
        after,
        seconds,
        _rate(before.cpu_nanoseconds, after.cpu_nanoseconds, seconds),
        tuple(
            ContainerUsage(
                one, _rate(earlier.get(one.container_id, 0), one.cpu_nanoseconds, seconds)
            )
            for one in after.containers
        ),
    )


def part_of(usage: NodeUsage, pod_uids: Container[str], *, with_rest: bool) -> NodeUsage:
    """What one of several nodes that share a host uses: its own pods, and `with_rest` also what no
    pod of any node does, so that all parts add up to the whole.
    """
    own = [one for one in usage.containers if one.stats.pod_uid in pod_uids]
    cpu, spent, memory = _sums(own)
    if with_rest:
        all_cpu, all_spent, all_memory = _sums(usage.containers)
        cpu = max(cpu, usage.cpu_nanocores - all_cpu + cpu)
        spent = max(spent, usage.sample.cpu_nanoseconds - all_spent + spent)
        memory = max(memory, usage.sample.memory_working_set_bytes - all_memory + memory)
    sample = Sample(usage.sample.at, spent, memory, tuple(one.stats for one in own))
    return NodeUsage(sample, usage.window_seconds, cpu, tuple(own))


def _sums(containers: Sequence[ContainerUsage]) -> tuple[int, int, int]:
    """Nanocores, nanoseconds so far, bytes."""
    return (
        sum(one.cpu_nanocores for one in containers),
        sum(one.stats.cpu_nanoseconds for one in containers),
        sum(one.stats.memory_working_set_bytes for one in containers),
    )


def _rate(before: int, after: int, seconds: float) -> int:
    return max(0, int((after - before) / seconds))
