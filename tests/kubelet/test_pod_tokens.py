"""Tokens in pods' files: bound to their pod, renewed in time, nobody else's to read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from minikube_py.kinds.catalog import CONFIG_MAP
from minikube_py.kubelet.field_refs import PodPlace
from minikube_py.kubelet.host_files import HostFiles
from minikube_py.kubelet.pod_tokens import PodTokens
from minikube_py.kubelet.projections import File, ProjectionProblem, Projector
from minikube_py.meta.errors import NotFound
from minikube_py.meta.objects import Object
from minikube_py.meta.timestamps import Clock, system_clock
from minikube_py.resources.service_account_tokens import BoundObject, IssuedToken
from tests.control_loop.harness import FakeClock
from tests.kubelet.conftest import World, sleeper

HOUR: Object = {"path": "token", "expirationSeconds": 3600}


@dataclass
class FakeSource:
    """Counts what it issues; with `life` tokens live so many seconds, whatever is asked for."""

    clock: Clock
    life: float | None = None
    broken: bool = False
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    def issue(
        self,
        namespace: str,
        name: str,
        *,
        audiences: Sequence[str] = (),
        expiration_seconds: int = 3600,
        bound: BoundObject | None = None,
    ) -> IssuedToken:
        if self.broken:
            raise NotFound.of("", "serviceaccounts", name)
        self.asked.append((namespace, name, tuple(audiences), expiration_seconds, bound))
        life = timedelta(seconds=expiration_seconds if self.life is None else self.life)
        return IssuedToken(f"token-{len(self.asked)}", self.clock() + life)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def source(clock: FakeClock) -> FakeSource:
    return FakeSource(clock)


@pytest.fixture
def tokens(source: FakeSource, clock: FakeClock) -> PodTokens:
    return PodTokens(source, clock)


def pod(*sources: Object, **spec: Any) -> Object:
    projected = {"sources": [{"serviceAccountToken": each} for each in sources]}
    return {
        "metadata": {"name": "web", "namespace": "shop", "uid": "u1"},
        "spec": {
            "serviceAccountName": "robot",
            "volumes": [{"name": "access", "projected": projected}],
            **spec,
        },
    }


def test_a_token_is_bound_to_its_pod(tokens: PodTokens, source: FakeSource) -> None:
    tokens.token(pod(HOUR), {**HOUR, "audience": "vault"})

    assert source.asked == [("shop", "robot", ("vault",), 3600, BoundObject("Pod", "web", "u1"))]


def test_a_token_is_used_for_four_fifths_of_its_life(tokens: PodTokens, clock: FakeClock) -> None:
    first = tokens.token(pod(HOUR), HOUR)

    clock.forward(2879)
    assert tokens.token(pod(HOUR), HOUR) == first
    clock.forward(1)
    assert tokens.token(pod(HOUR), HOUR) != first


def test_a_long_lived_token_is_used_for_a_day(tokens: PodTokens, clock: FakeClock) -> None:
    year = {"path": "token", "expirationSeconds": 365 * 24 * 3600}
    first = tokens.token(pod(year), year)

    clock.forward(24 * 3600 - 1)
    assert tokens.token(pod(year), year) == first
    clock.forward(1)
    assert tokens.token(pod(year), year) != first


def test_the_earliest_of_a_pods_tokens_says_when_to_renew(
    tokens: PodTokens, clock: FakeClock
) -> None:
    two_hours = {"path": "other", "expirationSeconds": 7200}
    obj = pod(HOUR, two_hours)
    tokens.token(obj, two_hours)

    assert tokens.renew_at(obj) == clock()
    tokens.token(obj, HOUR)
    assert tokens.renew_at(obj) == clock() + timedelta(seconds=2880)
    assert tokens.renew_at(pod()) is None


def test_the_old_token_serves_while_no_new_one_can_be_had(
    tokens: PodTokens, source: FakeSource, clock: FakeClock
) -> None:
    first = tokens.token(pod(HOUR), HOUR)
    source.broken = True
    clock.forward(3000)

    assert tokens.token(pod(HOUR), HOUR) == first
    assert tokens.renew_at(pod(HOUR)) == clock() + timedelta(minutes=1)
    clock.forward(600)
    with pytest.raises(ProjectionProblem, match='serviceaccounts "robot" not found'):
        tokens.token(pod(HOUR), HOUR)


def test_a_pod_that_went_leaves_nothing(tokens: PodTokens, source: FakeSource) -> None:
    tokens.token(pod(HOUR), HOUR)
    tokens.forget("u1")

    assert tokens.token(pod(HOUR), HOUR) == "token-2"


def running_as(*users: int | None) -> list[Object]:
    return [
        {"name": f"c{number}", "securityContext": {} if user is None else {"runAsUser": user}}
        for number, user in enumerate(users)
    ]


@pytest.mark.parametrize(
    ("spec", "mode", "owner"),
    [
        pytest.param({"containers": running_as(None)}, 0o644, None, id="anybody"),
        pytest.param({"containers": running_as(5, 5)}, 0o600, 5, id="one-user"),
        pytest.param({"containers": running_as(5, 6)}, 0o644, None, id="two-users"),
        pytest.param({"containers": running_as(5, None)}, 0o644, None, id="one-does-not-say"),
        pytest.param(
            {"containers": running_as(None), "securityContext": {"runAsUser": 7}},
            0o600,
            7,
            id="the-pods-user",
        ),
        pytest.param(
            {"containers": running_as(None), "securityContext": {"fsGroup": 9}},
            0o600,
            None,
            id="the-pods-group",
        ),
    ],
)
def test_a_token_is_readable_by_who_is_known_to_need_it(
    tokens: PodTokens, spec: Object, mode: int, owner: int | None
) -> None:
    obj = pod(HOUR, **spec)
    projector = Projector(lambda *_: None, PodPlace("", "", {}), tokens.token)

    payload = projector.payload(obj, "projected", obj["spec"]["volumes"][0]["projected"])

    assert payload == {"token": File(b"token-1", mode, owner)}


@pytest.mark.root
def test_the_file_belongs_to_the_pods_user_and_group(tmp_path: Path) -> None:
    files, now = HostFiles(privileged=True), system_clock()
    try:
        files.project(tmp_path, {"token": File(b"t", 0o600, 5)}, now, 9)
    finally:
        files.close()

    written = (tmp_path / "token").stat()
    assert (written.st_uid, written.st_gid, written.st_mode & 0o777) == (5, 9, 0o640)


def test_without_root_files_stay_ours(tmp_path: Path) -> None:
    files = HostFiles(privileged=False)
    try:
        files.project(tmp_path, {"token": File(b"t", 0o600, 5)}, system_clock(), 9)
    finally:
        files.close()

    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600


async def test_a_running_pods_file_is_renewed_and_after_a_restart_again(
    paper_world: World,
) -> None:
    await paper_world.stop_kubelet()
    source = paper_world.tokens = FakeSource(system_clock, life=0.2)
    paper_world.start_kubelet()
    made = await paper_world.pod("web", containers=[sleeper()])
    await paper_world.ready("web")
    uid, volume = made["metadata"]["uid"], made["spec"]["volumes"][0]["name"]
    token = paper_world.data_dir / "pods" / uid / "volumes" / volume / "token"

    await paper_world.eventually(lambda: token.read_text() == "token-3", "renewed twice")
    await paper_world.stop_kubelet()
    source.life = None
    before = len(source.asked)
    paper_world.start_kubelet()

    await paper_world.eventually(
        lambda: token.read_text() == f"token-{before + 1}", "a fresh one after the restart"
    )


async def test_a_pod_waits_for_the_certificate_of_its_namespace(paper_world: World) -> None:
    """A namespace made just now: its pod starts as soon as the controller made the ConfigMap."""
    await paper_world.resources.delete(CONFIG_MAP, "default", "kube-root-ca.crt")
    await paper_world.pod("web", containers=[sleeper()])
    await paper_world.told("web", "FailedMount")

    await paper_world.create(CONFIG_MAP, "kube-root-ca.crt", data={"ca.crt": "one"})

    await paper_world.ready("web", seconds=5)
