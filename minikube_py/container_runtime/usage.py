"""Rates from two samples of what containers have used. Pure: who samples, and how often, is the
kubelet's to say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from minikube_py.container_runtime.interface import Stats


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


def _rate(before: int, after: int, seconds: float) -> int:
    return max(0, int((after - before) / seconds))
