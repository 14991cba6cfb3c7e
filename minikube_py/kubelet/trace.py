"""Where the time of a pod's start goes, in milliseconds per step."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

log = logging.getLogger(__name__)


class PodTrace:
    """Steps may overlap: volumes are set up while the sandbox starts. `steps` keeps first starts
    only, so it stays what the pod's own start cost.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._began = perf_counter()
        self.steps: dict[str, float] = {}
        self.finished = False

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        began = perf_counter()
        try:
            yield
        finally:
            if not self.finished:
                self.steps[name] = self.steps.get(name, 0.0) + (perf_counter() - began) * 1000

    def finish(self) -> None:
        """The pod runs, and its status says so."""
        if self.finished:
            return
        self.finished = True
        self.steps["total"] = (perf_counter() - self._began) * 1000
        log.debug("pod started pod=%s trace=%s", self._name, self)

    def __str__(self) -> str:
        return " ".join(f"{name}={milliseconds:.0f}ms" for name, milliseconds in self.steps.items())
