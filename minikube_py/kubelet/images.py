"""Which image a container starts from, and whether it has to be pulled first.

Images that are on the host are used as they are: one that was built here (it has no digest of a
registry) is never asked for elsewhere, whatever the pull policy; one from a registry is refreshed
when the policy is Always, and used as it is when the registry can't be reached. Failed pulls back
off: 10 s, doubling to 300 s. What was pulled with credentials is only there for who has them.
"""

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from minikube_py.container_runtime.interface import (
    ContainerRuntime,
    ImageInfo,
    RuntimeFailure,
    RuntimeUnavailable,
)
from minikube_py.kubelet.facts import Waiting
from minikube_py.kubelet.host_files import FileProblem
from minikube_py.kubelet.pull_records import PullRecords
from minikube_py.kubelet.registry_auth import Credential, credentials
from minikube_py.meta.objects import Object, get_path, namespace_of
from minikube_py.meta.timestamps import Clock

_FIRST_DELAY = 10.0
_LONGEST_DELAY = 300.0
_SIDE_BY_SIDE = 4
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]+)?"
_REFERENCE = re.compile(
    rf"(?:{_HOST}/)?{_PART}(?:/{_PART})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?"
    r"(?:@sha256:[0-9a-f]{64})?|(?:sha256:)?[0-9a-f]{64}"
)


@dataclass(frozen=True)
class Present:
    """Start from it. `note` is the Pulled event's message."""

    image: ImageInfo
    note: str


@dataclass(frozen=True)
class NeedsPull:
    """`fallback` is what is on the host already, to be used if the pull fails."""

    reference: str
    fallback: ImageInfo | None = None


@dataclass(frozen=True)
class Refused:
    """The container waits; `until` is when to look again, None = when its spec changes."""

    waiting: Waiting
    until: datetime | None = None


ImageVerdict = Present | NeedsPull | Refused


@dataclass(frozen=True)
class Pulled:
    """How long it took, seconds, alone and with the wait for its turn; the image's size, bytes."""

    seconds: float
    with_waiting: float
    size_bytes: int

    def __str__(self) -> str:
        return (
            f"in {_duration(self.seconds)} ({_duration(self.with_waiting)} including waiting). "
            f"Image size: {self.size_bytes} bytes."
        )


class PullFailed(Exception):
    """The message is the registry's own."""


@dataclass(frozen=True)
class _Failure:
    message: str
    delay: float
    until: datetime


class Images:
    def __init__(
        self, runtime: ContainerRuntime, clock: Clock, records: PullRecords | None = None
    ) -> None:
        self._runtime = runtime
        self._clock = clock
        self._records = records or PullRecords()
        self._failures: dict[tuple[str, str], _Failure] = {}
        self._pulling: dict[str, asyncio.Lock] = {}
        self._pulled_at: dict[str, datetime] = {}
        self._turns = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def look(
        self,
        container: Mapping[str, Any],
        *,
        pulled: bool = False,
        asked_at: datetime | None = None,
        scope: str = "",
        secrets: Callable[[], Iterable[Object]] = tuple,
    ) -> ImageVerdict:
        """`pulled`: this very start has pulled it already. Failures before `asked_at` don't count:
        the user wants it tried now. `scope` is that of `pull`, `secrets` are the pod's.
        """
        reference = str(container.get("image") or "")
        if not _REFERENCE.fullmatch(reference):
            message = f'Failed to apply default image tag "{reference}": invalid reference format'
            return Refused(Waiting("InvalidImageName", message))
        policy = pull_policy(container)
        found = await self._runtime.image(reference)
        usable = found is not None and self._records.may_use(found, reference, secrets)
        image = found if usable else None
        if image is not None and (pulled or policy != "Always" or not image.digests):
            return Present(image, f'Container image "{reference}" already present on machine')
        if policy == "Never":
            return Refused(Waiting("ErrImageNeverPull", _never(reference, there=found is not None)))
        if asked_at is not None and asked_at <= self._clock():
            self._forgive((reference, scope), asked_at)
        return self._backed_off((reference, scope), image) or NeedsPull(reference, fallback=image)

    def _forgive(self, key: tuple[str, str], asked_at: datetime) -> None:
        failure = self._failures.get(key)
        if failure is not None and failure.until - timedelta(seconds=failure.delay) < asked_at:
            del self._failures[key]

    def _backed_off(self, key: tuple[str, str], image: ImageInfo | None) -> ImageVerdict | None:
        reference, failure = key[0], self._failures.get(key)
        if failure is None or failure.until <= self._clock():
            return None
        if image is not None:
            note = f'Container image "{reference}" could not be refreshed, using the present one'
            return Present(image, note)
        message = f'Back-off pulling image "{reference}": ErrImagePull: {failure.message}'
        return Refused(Waiting("ImagePullBackOff", message), failure.until)

    async def pull(self, reference: str, secrets: Iterable[Object], scope: str = "") -> Pulled:
        """One pull of an image at a time, for all who wait for it; few images side by side. Raises
        PullFailed, after which look() backs off. A failure counts for its `scope` alone: who has
        other secrets may succeed.
        """
        key = (reference, scope)
        asked = self._clock()
        async with self._pulling.setdefault(reference, asyncio.Lock()), self._turns:
            began = self._clock()
            failure = self._failures.get(key)
            if failure is not None and failure.until > began:
                raise PullFailed(failure.message)
            own = list(secrets)
            if not await self._is_served(reference, own, asked):
                try:
                    await self._fetch(reference, credentials(reference, own) or [None])
                except (RuntimeFailure, FileProblem) as error:
                    self._remember(key, str(error))
                    raise PullFailed(str(error)) from error
                self._failures.pop(key, None)
                self._pulled_at[reference] = self._clock()
            image = await self._runtime.image(reference)
            ended = self._clock()
        return Pulled(
            (ended - began).total_seconds(),
            (ended - asked).total_seconds(),
            image.size_bytes if image is not None else 0,
        )

    async def _is_served(self, reference: str, secrets: list[Object], asked: datetime) -> bool:
        """By another's pull meanwhile, and with credentials that these secrets have too."""
        if self._pulled_at.get(reference, datetime.min.replace(tzinfo=UTC)) <= asked:
            return False
        image = await self._runtime.image(reference)
        return image is not None and self._records.may_use(image, reference, lambda: secrets)

    async def _fetch(self, reference: str, ways: Iterable[Credential | None]) -> None:
        """With the first that the registry takes. Raises RuntimeFailure with what it said to each;
        FileProblem where it can't be kept who may use the image.
        """
        refusals: dict[tuple[str, ...], str] = {}
        for credential in ways:
            login = tuple(credential.auth.values()) if credential is not None else ()
            if login in refusals:
                continue
            try:
                return await self._fetch_with(reference, credential)
            except RuntimeUnavailable:
                raise
            except RuntimeFailure as error:
                refusals[login] = str(error)
        said = list(dict.fromkeys(refusals.values()))
        raise RuntimeFailure(said[0] if len(said) == 1 else f"[{', '.join(said)}]")

    async def _fetch_with(self, reference: str, credential: Credential | None) -> None:
        if credential is not None:
            await self._records.begin(reference, await self._runtime.image(reference))
        try:
            auth = credential.auth if credential is not None else None
            await self._runtime.pull_image(reference, auth=auth)
        except RuntimeUnavailable:  # perhaps it was pulled
            raise
        except RuntimeFailure:
            await self._records.failed(reference)
            raise
        image = await self._runtime.image(reference)
        if image is None:
            return
        if credential is not None:
            self._records.forget_others([one.id for one in await self._runtime.images()])
        await self._records.pulled(reference, image, credential)

    def _remember(self, key: tuple[str, str], message: str) -> None:
        before = self._failures.get(key)
        delay = min(before.delay * 2, _LONGEST_DELAY) if before else _FIRST_DELAY
        until = self._clock() + timedelta(seconds=delay)
        self._failures[key] = _Failure(message, delay, until)


def _duration(seconds: float) -> str:
    """As Go writes it, to the millisecond."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    minutes, rest = divmod(round(seconds, 3), 60)
    return f"{int(minutes)}m{rest:g}s" if minutes else f"{rest:g}s"


def pull_scope(pod: Object) -> str:
    """Pods of one namespace with the same secrets share their luck."""
    names = [one.get("name", "") for one in get_path(pod, "spec", "imagePullSecrets", default=[])]
    return f"{namespace_of(pod)}/{','.join(sorted(names))}"


def pull_policy(container: Mapping[str, Any]) -> str:
    """As written, or by tag: Always for `:latest` and none, IfNotPresent otherwise."""
    policy = container.get("imagePullPolicy")
    if policy:
        return str(policy)
    reference = str(container.get("image") or "")
    name, _, digest = reference.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return "Always" if not digest and tag in ("", "latest") else "IfNotPresent"


def _never(reference: str, *, there: bool) -> str:
    if not there:
        return f'Container image "{reference}" is not present with pull policy of Never'
    return (
        f'Container image "{reference}" was pulled with credentials that this pod does not have, '
        "and its pull policy is Never: name the pull secret in imagePullSecrets"
    )
