"""Where the time of a pod's start goes, in milliseconds per step.

It is told with the status that first says the pod runs, in an annotation of that same write: no
step is paid for being measured. Only a pod's own first start has one; a daemon that finds pods
started by another one measures nothing.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from minikube_py.kinds.dev_annotations import START_TRACE
from minikube_py.meta.objects import Object, annotations_of, get_path, uid_of

log = logging.getLogger(__name__)


class PodTrace:
    """Steps may overlap: volumes are set up while the sandbox starts. A step done for several
    containers at once counts once. `seen_at`: when this process first heard of the pod, if that was
    before it had a node. `finished` from the beginning: another daemon has begun to start the pod.
    """

    def __init__(self, name: str, *, seen_at: float | None = None, finished: bool = False) -> None:
        self._name = name
        now = perf_counter()
        self._heard_at: float | None = now
        self._began = now if seen_at is None else seen_at
        self._open: dict[str, tuple[int, float]] = {}
        self.steps: dict[str, float] = {}
        self.finished = finished
        if seen_at is not None:
            self.steps["schedule"] = _milliseconds(seen_at)

    def taken_up(self) -> None:
        """The pod's worker has got round to it."""
        if self._heard_at is not None:
            self.steps["watch"] = _milliseconds(self._heard_at)
            self._heard_at = None

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        many, since = self._open.get(name, (0, perf_counter()))
        self._open[name] = (many + 1, since)
        try:
            yield
        finally:
            many, since = self._open.pop(name)
            if many > 1:
                self._open[name] = (many - 1, since)
            elif not self.finished:
                self.steps[name] = self.steps.get(name, 0.0) + _milliseconds(since)

    def tell(self, pod: Object) -> None:
        """Adds the annotation to `pod`, about to be written, if it says that all containers run."""
        if self.finished or not has_started(pod):
            return
        steps = {**self.steps, "total": _milliseconds(self._began)}
        whole = {name: round(value) for name, value in steps.items()}
        metadata = pod["metadata"]
        metadata["annotations"] = {**annotations_of(pod), START_TRACE: json.dumps(whole)}

    def finish(self) -> None:
        """The pod runs, and its status says so."""
        if self.finished:
            return
        self.finished = True
        self.steps["total"] = _milliseconds(self._began)
        log.debug("pod started pod=%s trace=%s", self._name, self)

    def __str__(self) -> str:
        return " ".join(f"{name}={milliseconds:.0f}ms" for name, milliseconds in self.steps.items())


class Arrivals:
    """When pods that have no node yet were first heard of: being scheduled is part of their
    start.
    """

    def __init__(self) -> None:
        self._seen: dict[str, float] = {}

    def hear(self, old: Object | None, new: Object | None) -> float | None:
        """When a pod that now has a node was first heard of without one; that is then forgotten."""
        if new is None or get_path(new, "spec", "nodeName"):
            pod = new or old
            return self._seen.pop(uid_of(pod), None) if pod else None
        self._seen.setdefault(uid_of(new), perf_counter())
        return None


def has_started(pod: Object) -> bool:
    """None of its containers waits any more."""
    states = [
        entry.get("state") or {}
        for entry in get_path(pod, "status", "containerStatuses", default=[])
    ]
    return bool(states) and not any("waiting" in state for state in states)


def _milliseconds(since: float) -> float:
    return (perf_counter() - since) * 1000
