import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import pytest

from minikube_py.container_runtime.interface import (
    ContainerRuntime,
    ImageInfo,
    ImageNotFound,
    RuntimeFailure,
    RuntimeUnavailable,
)
from minikube_py.kubelet.images import (
    Images,
    NeedsPull,
    Present,
    Pulled,
    PullFailed,
    Refused,
    pull_policy,
)
from minikube_py.kubelet.pull_records import PullRecords
from minikube_py.kubelet.registry_auth import repository_of
from tests.control_loop.harness import FakeClock
from tests.kubelet.pull_secrets import secret


@dataclass
class Engine:
    """Has some images; its registry has others."""

    present: dict[str, ImageInfo] = field(default_factory=dict)
    registry: set[str] = field(default_factory=set)
    pulls: list[tuple[str, Any]] = field(default_factory=list)
    passwords: set[str] = field(default_factory=set)
    dies: bool = False
    side_by_side: int = 0
    most: int = 0

    async def images(self) -> list[ImageInfo]:
        return list(self.present.values())

    async def image(self, reference: str) -> ImageInfo | None:
        return self.present.get(reference)

    async def pull_image(self, reference: str, *, auth: Mapping[str, str] | None = None) -> None:
        self.pulls.append((reference, auth))
        self.side_by_side += 1
        self.most = max(self.most, self.side_by_side)
        await asyncio.sleep(0)
        self.side_by_side -= 1
        if reference not in self.registry:
            raise ImageNotFound("no such manifest")
        if self.passwords and (auth or {}).get("password") not in self.passwords:
            raise RuntimeFailure("unauthorized: authentication required")
        dies, self.dies = self.dies, False
        self.present[reference] = ImageInfo(
            "sha256:2", tags=(reference,), digests=(f"{repository_of(reference)}@sha256:2",)
        )
        if dies:
            raise RuntimeUnavailable("gone before it answered")


BUILT_HERE = ImageInfo("sha256:1", tags=("app:latest",))
PULLED = ImageInfo("sha256:2", tags=("app:latest",), digests=("app@sha256:2",))


def images(
    engine: Engine, clock: FakeClock | None = None, records: PullRecords | None = None
) -> Images:
    return Images(cast(ContainerRuntime, engine), clock or FakeClock(), records)


async def test_an_image_built_here_is_used_whatever_the_policy() -> None:
    engine = Engine({"app": BUILT_HERE})

    for policy in ("Always", "IfNotPresent", "Never"):
        found = await images(engine).look({"image": "app", "imagePullPolicy": policy})
        assert isinstance(found, Present)

    assert engine.pulls == []


async def test_always_refreshes_what_came_from_a_registry_and_falls_back_to_it() -> None:
    clock, engine = FakeClock(), Engine({"app": PULLED})
    keeper = images(engine, clock)
    container = {"image": "app", "imagePullPolicy": "Always"}

    wanted = await keeper.look(container)
    with pytest.raises(PullFailed):
        await keeper.pull("app", [])

    assert wanted == NeedsPull("app", fallback=PULLED)
    assert isinstance(await keeper.look(container), Present)


async def test_never_refuses_what_is_not_there() -> None:
    found = await images(Engine()).look({"image": "app", "imagePullPolicy": "Never"})

    assert isinstance(found, Refused)
    assert found.waiting.reason == "ErrImageNeverPull"


@pytest.mark.parametrize("reference", ["", "app/UPPER", "a b", "app:", "app@sha256:12"])
async def test_a_name_that_is_none_is_refused(reference: str) -> None:
    found = await images(Engine()).look({"image": reference})

    assert isinstance(found, Refused)
    assert found.waiting.reason == "InvalidImageName"


async def test_failed_pulls_back_off_and_a_good_one_forgets_it() -> None:
    clock, engine = FakeClock(), Engine()
    keeper = images(engine, clock)
    waits = []
    for _ in range(3):
        with pytest.raises(PullFailed):
            await keeper.pull("app:1", [])
        refused = await keeper.look({"image": "app:1"})
        assert isinstance(refused, Refused)
        assert refused.waiting.reason == "ImagePullBackOff"
        assert refused.until is not None
        waits.append((refused.until - clock()) / timedelta(seconds=1))
        clock.now = refused.until

    engine.registry.add("app:1")
    await keeper.pull("app:1", [])

    assert waits == [10, 20, 40]
    assert isinstance(await keeper.look({"image": "app:1"}), Present)


@pytest.mark.parametrize(
    ("reference", "policy"),
    [
        ("app", "Always"),
        ("app:latest", "Always"),
        ("app:1", "IfNotPresent"),
        ("host:5000/app", "Always"),
        ("app@sha256:" + "0" * 64, "IfNotPresent"),
    ],
)
def test_the_tag_decides_the_policy_nobody_wrote(reference: str, policy: str) -> None:
    assert pull_policy({"image": reference}) == policy


async def test_who_waits_for_a_pull_is_served_by_it() -> None:
    engine = Engine(registry={"app:1"})
    clock = FakeClock()
    keeper = images(engine, clock)

    async def pull() -> None:
        await keeper.pull("app:1", [])

    first = asyncio.create_task(pull())
    second = asyncio.create_task(pull())
    await asyncio.sleep(0)
    clock.now += timedelta(seconds=1)
    await asyncio.gather(first, second)

    assert len(engine.pulls) == 1


async def test_few_images_are_pulled_side_by_side() -> None:
    names = [f"app:{number}" for number in range(12)]
    engine = Engine(registry=set(names))
    keeper = images(engine)

    await asyncio.gather(*(keeper.pull(name, []) for name in names))

    assert engine.most == 4


async def test_who_has_other_secrets_does_not_wait_for_anothers_back_off() -> None:
    engine = Engine()
    keeper = images(engine)

    with pytest.raises(PullFailed):
        await keeper.pull("app:1", [], "shop/")

    assert isinstance(await keeper.look({"image": "app:1"}, scope="shop/"), Refused)
    assert isinstance(await keeper.look({"image": "app:1"}, scope="shop/login"), NeedsPull)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0412, "41ms"), (1.2345, "1.234s"), (75.5, "1m15.5s")],
)
def test_the_event_says_how_long_a_pull_took(seconds: float, text: str) -> None:
    expected = f"in {text} ({text} including waiting). Image size: 5 bytes."

    assert str(Pulled(seconds, seconds, 5)) == expected


PRIVATE = "shop.example/app:1"
OURS = [secret("ours", {"shop.example": ("me", "s3cr3t")})]
THEIRS = [secret("theirs", {"shop.example": ("you", "guess")})]
CONTAINER = {"image": PRIVATE}


async def test_an_image_pulled_with_credentials_is_only_there_for_who_has_them() -> None:
    engine = Engine(registry={PRIVATE}, passwords={"s3cr3t"})
    keeper = images(engine)
    await keeper.pull(PRIVATE, OURS)

    own = await keeper.look(CONTAINER, secrets=lambda: OURS)
    others = [await keeper.look(CONTAINER), await keeper.look(CONTAINER, secrets=lambda: THEIRS)]

    assert isinstance(own, Present)
    assert others == [NeedsPull(PRIVATE), NeedsPull(PRIVATE)]


@pytest.mark.parametrize("policy", ["IfNotPresent", "Always"])
async def test_who_may_not_use_what_is_there_fails_by_the_registrys_words(policy: str) -> None:
    engine = Engine(registry={PRIVATE}, passwords={"s3cr3t"})
    keeper = images(engine)
    await keeper.pull(PRIVATE, OURS)
    container = {**CONTAINER, "imagePullPolicy": policy}

    with pytest.raises(PullFailed, match="unauthorized"):
        await keeper.pull(PRIVATE, [], "other/")

    refused = await keeper.look(container, scope="other/")
    assert isinstance(refused, Refused)
    assert refused.waiting.reason == "ImagePullBackOff"


async def test_never_says_that_the_pull_secret_is_missing() -> None:
    engine = Engine(registry={PRIVATE}, passwords={"s3cr3t"})
    keeper = images(engine)
    await keeper.pull(PRIVATE, OURS)
    never = {**CONTAINER, "imagePullPolicy": "Never"}

    refused = await keeper.look(never)

    assert isinstance(refused, Refused)
    assert refused.waiting.reason == "ErrImageNeverPull"
    assert "name the pull secret in imagePullSecrets" in refused.waiting.message
    assert isinstance(await keeper.look(never, secrets=lambda: OURS), Present)


async def test_anothers_pull_serves_only_who_has_its_credentials() -> None:
    engine, clock = Engine(registry={PRIVATE}, passwords={"s3cr3t"}), FakeClock()
    keeper = images(engine, clock)

    first = asyncio.create_task(keeper.pull(PRIVATE, OURS))
    same = asyncio.create_task(keeper.pull(PRIVATE, OURS))
    without = asyncio.create_task(keeper.pull(PRIVATE, [], "other/"))
    await asyncio.sleep(0)
    clock.now += timedelta(seconds=1)
    outcomes = await asyncio.gather(first, same, without, return_exceptions=True)

    assert [isinstance(one, PullFailed) for one in outcomes] == [False, False, True]
    assert len(engine.pulls) == 2


async def test_credentials_are_tried_until_the_registry_takes_one() -> None:
    engine = Engine(registry={PRIVATE}, passwords={"s3cr3t"})
    keeper = images(engine)

    await keeper.pull(PRIVATE, [*THEIRS, secret("same", {"shop.example": ("you", "guess")}), *OURS])

    assert [auth["password"] for _, auth in engine.pulls] == ["guess", "s3cr3t"]
    assert isinstance(await keeper.look(CONTAINER, secrets=lambda: OURS), Present)
    assert isinstance(await keeper.look(CONTAINER, secrets=lambda: THEIRS), NeedsPull)


async def test_a_registry_that_takes_no_credential_is_quoted_once() -> None:
    engine = Engine(registry={PRIVATE}, passwords={"s3cr3t"})
    more = secret("more", {"shop.example": ("you", "guess again")})

    with pytest.raises(PullFailed, match=r"^unauthorized: authentication required$"):
        await images(engine).pull(PRIVATE, [*THEIRS, more])

    assert len(engine.pulls) == 2


async def test_an_image_that_anybody_may_pull_is_everybodys_from_then_on() -> None:
    engine = Engine(registry={PRIVATE}, passwords={"s3cr3t"})
    keeper = images(engine)
    await keeper.pull(PRIVATE, OURS)

    engine.passwords.clear()
    await keeper.pull(PRIVATE, [], "other/")

    assert isinstance(await keeper.look(CONTAINER), Present)


async def test_a_pull_whose_end_nobody_saw_makes_the_image_nobodys() -> None:
    engine, kept = Engine(registry={PRIVATE}), _Kept()
    keeper = images(engine, records=PullRecords(save=kept.save))
    engine.dies = True
    with pytest.raises(PullFailed):
        await keeper.pull(PRIVATE, OURS)

    again = images(engine, records=PullRecords(kept.content))
    before = await again.look(CONTAINER, secrets=lambda: OURS)
    await again.pull(PRIVATE, OURS)

    assert before == NeedsPull(PRIVATE)
    assert isinstance(await again.look(CONTAINER, secrets=lambda: OURS), Present)
    assert isinstance(await again.look(CONTAINER), NeedsPull)


class _Kept:
    content = b""

    async def save(self, text: str) -> None:
        self.content = text.encode()
