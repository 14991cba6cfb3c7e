"""Waiting for objects to be ready, and showing it: a live list on a terminal, a line a change
elsewhere.
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from minikube_py.cli.errors import ApiFailure, CliError
from minikube_py.cli.readiness import Readiness, is_hopeless, pod_problem, pod_state, readiness
from minikube_py.cli.session import Session
from minikube_py.cli.targets import Target
from minikube_py.cli.terminal import is_terminal, note
from minikube_py.meta.objects import Object, find_condition, get_path
from minikube_py.meta.selectors import format_label_selector

_POLL_SECONDS = 0.2
_WORKLOADS = ("Deployment", "StatefulSet", "ReplicaSet", "DaemonSet")


@dataclass(frozen=True)
class State:
    title: str
    readiness: Readiness
    detail: str = ""

    @property
    def text(self) -> str:
        return f"{self.readiness.why} ({self.detail})" if self.detail else self.readiness.why


class Display(Protocol):
    def show(self, states: Sequence[State]) -> None: ...

    def close(self) -> None: ...


def wait_until_ready(session: Session, targets: Sequence[Target], *, timeout: float) -> None:
    """Returns when all are ready; raises CliError that says which are not and why."""
    deadline = time.monotonic() + timeout
    display = _display()
    try:
        while True:
            states = [_state(session, target) for target in targets]
            display.show(states)
            waiting = [state for state in states if not state.readiness.ready]
            if not waiting:
                return
            hopeless = [state for state in waiting if state.readiness.failed]
            if hopeless or time.monotonic() > deadline:
                reason = "failed" if hopeless else f"not ready after {timeout:g} s"
                lines = [f"{state.title}: {reason}: {state.text}" for state in hopeless or waiting]
                raise CliError("\n".join(lines))
            time.sleep(_POLL_SECONDS)
    finally:
        display.close()


def _state(session: Session, target: Target) -> State:
    try:
        obj = session.client.get(target.path)
    except ApiFailure as error:
        if error.http_code != 404:
            raise
        return State(target.title, Readiness(False, "does not exist", failed=True))
    found = readiness(obj)
    detail = "" if found.ready or obj.get("kind") not in _WORKLOADS else _pods_detail(session, obj)
    return State(target.title, found, detail)


def _pods_detail(session: Session, workload: Object) -> str:
    """What the first pod that hangs says: the reason is nearly always there."""
    selector = format_label_selector(get_path(workload, "spec", "selector", default={}))
    namespace = workload["metadata"]["namespace"]
    pods = session.client.get(f"/api/v1/namespaces/{namespace}/pods", {"labelSelector": selector})
    for pod in pods.get("items") or []:
        if is_hopeless(pod_state(pod)) or _is_unschedulable(pod):
            return f"pod {pod['metadata']['name']} {pod_problem(pod)}"
    return ""


def _is_unschedulable(pod: Object) -> bool:
    scheduled = find_condition(pod, "PodScheduled") or {}
    return scheduled.get("status") == "False"


def _display() -> Display:
    return _Live() if is_terminal(sys.stderr) else _Lines()


class _Lines:
    """One line a change, for pipes and logs."""

    def __init__(self) -> None:
        self._shown: dict[str, str] = {}

    def show(self, states: Sequence[State]) -> None:
        for state in states:
            if self._shown.get(state.title) != state.text:
                self._shown[state.title] = state.text
                note(f"{state.title}: {'ready: ' if state.readiness.ready else ''}{state.text}")

    def close(self) -> None: ...


class _Live:
    """A list that redraws itself; rich is imported only here."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        self._live: Any = Live(console=Console(stderr=True), auto_refresh=False)
        self._began = time.monotonic()
        self._live.start()

    def show(self, states: Sequence[State]) -> None:
        from rich.table import Table

        table = Table.grid(padding=(0, 2))
        for state in states:
            mark, style = _mark(state.readiness)
            table.add_row(f"[{style}]{mark}[/]", state.title, f"[dim]{_escaped(state.text)}[/]")
        table.add_row("", f"[dim]{time.monotonic() - self._began:.0f} s[/]", "")
        self._live.update(table, refresh=True)

    def close(self) -> None:
        self._live.stop()


def _mark(found: Readiness) -> tuple[str, str]:
    if found.ready:
        return "✓", "green"
    return ("✗", "red") if found.failed else ("…", "yellow")


def _escaped(text: str) -> str:
    return text.replace("[", "\\[")
