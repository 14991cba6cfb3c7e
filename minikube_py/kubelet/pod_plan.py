"""What `plan_pod` answers with: data that can be logged, compared and carried out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from minikube_py.kubelet.facts import Waiting
from minikube_py.kubelet.podspec import Role

Verdict = Literal["run", "stop", "ended", "rest", "remove"]
"""run: keep it going. stop: wait until its containers are gone. ended: nothing will run again, free
sandbox, address and volumes, keep the containers for their logs. rest: the node goes down, the pod
comes back with it: free its sandbox, keep its containers for their logs. remove: nothing may be
left.
"""


@dataclass(frozen=True)
class Start:
    """Create and start attempt `attempt`; `delay` is the back-off before it (None: first)."""

    name: str
    role: Role
    attempt: int
    delay: float | None = None


@dataclass(frozen=True)
class Kill:
    container_id: str
    name: str
    grace_seconds: float
    message: str


@dataclass(frozen=True)
class Failure:
    """Why the pod as a whole failed: status.reason and status.message. `disrupted`: the pod is not
    to blame.
    """

    reason: str
    message: str
    disrupted: bool = False


@dataclass(frozen=True)
class PodPlan:
    verdict: Verdict
    create_sandbox: int | None = None
    """The new sandbox's attempt; None = keep what there is."""
    kill: tuple[Kill, ...] = ()
    start: tuple[Start, ...] = ()
    """May start now, side by side, in the given order where a postStart hook asks for it."""
    waiting: Mapping[str, Waiting] = field(default_factory=dict)
    remove_containers: tuple[str, ...] = ()
    remove_sandboxes: tuple[str, ...] = ()
    removes_first: bool = False
    """Nothing else is done or told before what is to be removed is gone."""
    look_again_at: datetime | None = None
    failure: Failure | None = None
