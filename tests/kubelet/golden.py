"""Reads and writes the golden pairs of a pod's life: pod and observed → plan and status.

`UPDATE_GOLDEN=1 pytest tests/kubelet/test_golden.py` rewrites what came out; look at the difference
before you commit it.
"""

import os
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from minikube_py.container_runtime.interface import (
    ObservedContainer,
    ObservedPod,
    PodIdentity,
    Sandbox,
)
from minikube_py.kubelet.backoff import DELAY_ANNOTATION, restarts
from minikube_py.kubelet.facts import Health, PodFacts
from minikube_py.kubelet.plan import plan_pod
from minikube_py.kubelet.pod_plan import PodPlan
from minikube_py.kubelet.podspec import identity, member
from minikube_py.kubelet.status import StatusFacts, pod_status
from minikube_py.meta.objects import Object
from minikube_py.meta.timestamps import parse_time

FOLDER = Path(__file__).parent.parent / "golden" / "pod_lifecycle"
UPDATE = bool(os.environ.get("UPDATE_GOLDEN"))


def run(case: dict[str, Any]) -> dict[str, Any]:
    """What plan and status say of a case, as plain data."""
    pod, now = case["pod"], parse_time(case["now"])
    observed = read_observed(pod, case.get("observed") or {})
    known = case.get("facts") or {}
    health = {id_: Health(**values) for id_, values in (known.get("health") or {}).items()}
    facts = PodFacts(
        health=health,
        restarts=restarts(pod, observed),
        hooks_running=frozenset(known.get("hooksRunning") or []),
        gone=bool(known.get("gone")),
        resting=known.get("resting"),
    )
    plan = plan_pod(pod, observed, now, facts)
    status = pod_status(
        pod,
        observed,
        now,
        StatusFacts(
            host_ip="192.0.2.1",
            pod_ip=known.get("podIP", "10.244.0.9" if observed.sandboxes else ""),
            waiting=plan.waiting,
            health=health,
            messages=known.get("messages") or {},
            over=plan.verdict in ("ended", "remove"),
            failure=plan.failure,
        ),
    )
    return {"plan": plan_as_data(plan), "status": status}


def read_observed(pod: Object, data: dict[str, Any]) -> ObservedPod:
    who = identity(pod)
    return ObservedPod(
        who,
        sandboxes=tuple(_sandbox(who, entry) for entry in data.get("sandboxes") or []),
        containers=tuple(_container(pod, entry) for entry in data.get("containers") or []),
    )


def _sandbox(who: PodIdentity, data: dict[str, Any]) -> Sandbox:
    running = data.get("running", True)
    return Sandbox(
        id=data["id"],
        pod=who,
        attempt=data.get("attempt", 0),
        running=running,
        pid=4242 if running else 0,
        created_at=parse_time("2026-01-01T00:00:00Z"),
    )


def _container(pod: Object, data: dict[str, Any]) -> ObservedContainer:
    found = member(pod, data["name"])
    default_hash = found.hash if found is not None else ""
    annotations = {DELAY_ANNOTATION: str(data["delay"])} if "delay" in data else {}
    return ObservedContainer(
        id=data["id"],
        pod=identity(pod),
        sandbox_id=data.get("sandbox", "s0"),
        name=data["name"],
        image="app:1",
        image_id="sha256:11",
        attempt=data.get("attempt", 0),
        state=data["state"],
        created_at=parse_time(data.get("created", "2026-01-01T00:00:05Z")),
        started_at=_time(data.get("started", "2026-01-01T00:00:05Z")),
        finished_at=_time(data.get("finished")),
        exit_code=data.get("exitCode", 0),
        oom_killed=data.get("oomKilled", False),
        error=data.get("error", ""),
        spec_hash=data.get("hash", default_hash),
        annotations=annotations,
    )


def _time(text: str | None) -> datetime | None:
    return parse_time(text) if text else None


def plan_as_data(plan: PodPlan) -> dict[str, Any]:
    """Only what the plan asks for."""
    data: dict[str, Any] = {"verdict": plan.verdict}
    if plan.create_sandbox is not None:
        data["createSandbox"] = plan.create_sandbox
    if plan.start:
        data["start"] = [
            {"name": s.name, "attempt": s.attempt} | ({} if s.delay is None else {"delay": s.delay})
            for s in plan.start
        ]
    if plan.kill:
        data["kill"] = [
            {"id": k.container_id, "grace": k.grace_seconds, "message": k.message}
            for k in plan.kill
        ]
    if plan.remove_containers:
        data["removeContainers"] = list(plan.remove_containers)
    if plan.remove_sandboxes:
        data["removeSandboxes"] = list(plan.remove_sandboxes)
    if plan.look_again_at is not None:
        data["lookAgainAt"] = plan.look_again_at.isoformat()
    return data


def rewrite(path: Path, case: dict[str, Any], result: dict[str, Any]) -> None:
    text = path.read_text().split("# --- expected")[0].rstrip("\n")
    dumped = yaml.safe_dump({"expected": result}, sort_keys=False, width=100)
    path.write_text(f"{text}\n# --- expected\n{dumped}")
