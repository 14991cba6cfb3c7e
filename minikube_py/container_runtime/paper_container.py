"""A container that only exists on paper: its record, what it has said, and its life in time.

Time runs by the event loop's timers, so tests may let it fly; after a restart of the daemon the
program is read again from its start and catches up with the clock.
"""

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from minikube_py.container_runtime.interface import (
    ContainerSpec,
    ContainerState,
    LogStream,
    ObservedContainer,
    PodIdentity,
)
from minikube_py.container_runtime.paper_programs import (
    FOREVER,
    Ends,
    Says,
    Step,
    Surroundings,
    steps_of,
    stop_code,
)
from minikube_py.meta.timestamps import parse_time

_LOG_LINES = 10_000
_SERVER = ["server"]  # an image's own command, whatever it is, serves until stopped
_FIRST_PID = 1 << 23  # above any real process, so nobody finds one by it


@dataclass
class PaperRecord:
    """What outlives the daemon; everything in it is JSON."""

    id: str
    number: int
    pod: dict[str, str]
    sandbox_id: str
    name: str
    image: str
    attempt: int
    hostname: str
    command: list[str]
    env: dict[str, str]
    files: dict[str, str]
    created_at: str
    annotations: dict[str, str]
    spec_hash: str
    tty: bool = False
    state: ContainerState = "created"
    started_at: str = ""
    finished_at: str = ""
    exit_code: int = 0


def record_of(spec: ContainerSpec, number: int, now: datetime) -> PaperRecord:
    """`files` keeps which host file or folder stands where."""
    command = [*(spec.command or ()), *(spec.args or ())] or _SERVER
    return PaperRecord(
        id=f"{number:064x}",
        number=number,
        pod=asdict(spec.pod),
        sandbox_id=spec.sandbox_id,
        name=spec.name,
        image=spec.image,
        attempt=spec.attempt,
        hostname=spec.hostname,
        command=command,
        env=dict(spec.env),
        files={mount.target: mount.source for mount in spec.mounts if not mount.is_volume},
        created_at=now.isoformat(),
        annotations=dict(spec.annotations),
        spec_hash=spec.spec_hash,
        tty=spec.tty,
    )


@dataclass
class PaperContainer:
    """`changed` is told (container, action) when it starts and ends by itself."""

    record: PaperRecord
    clock: Callable[[], datetime]
    changed: Callable[["PaperContainer", str], None]
    lines: deque[tuple[datetime, LogStream, str]] = field(
        default_factory=lambda: deque(maxlen=_LOG_LINES)
    )
    said: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)
    _steps: Iterator[Step] = field(default_factory=lambda: iter(()))
    _offset: float = 0.0
    _timer: asyncio.TimerHandle | None = None
    _around: Surroundings | None = None

    @property
    def is_running(self) -> bool:
        return self.record.state == "running"

    @property
    def around(self) -> Surroundings:
        """What its processes see; made once, so files that were written stay."""
        if self._around is None:
            self._around = Surroundings(self.record.hostname, self.record.env, self._read)
        return self._around

    def start(self) -> None:
        now = self.clock()
        self.record.state, self.record.started_at = "running", now.isoformat()
        self.changed(self, "start")
        self._begin(elapsed=0.0)

    def resume(self) -> None:
        """After a restart of the daemon: also what ended meanwhile is found to have ended."""
        started = datetime.fromisoformat(self.record.started_at)
        self._begin(elapsed=(self.clock() - started).total_seconds())

    def replay(self) -> None:
        """Says again what one that has ended had said."""
        started = datetime.fromisoformat(self.record.started_at)
        finished = datetime.fromisoformat(self.record.finished_at)
        elapsed = (finished - started).total_seconds()
        for offset, step in _timed(self._program()):
            if offset > elapsed or isinstance(step, Ends):
                return
            if isinstance(step, Says):
                self._say(offset, step)

    def stop(self, signal: str) -> bool:
        """False when the program ignores the signal."""
        code = stop_code(self.record.command, signal)
        if code is not None and self.is_running:
            self._end(code, self.clock())
        return code is not None

    def discard(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def observed(self) -> ObservedContainer:
        record = self.record
        return ObservedContainer(
            id=record.id,
            pod=PodIdentity(**record.pod),
            sandbox_id=record.sandbox_id,
            name=record.name,
            image=record.image,
            image_id=image_id(record.image),
            attempt=record.attempt,
            state=record.state,
            created_at=parse_time(record.created_at),
            pid=_FIRST_PID + record.number if self.is_running else 0,
            started_at=parse_time(record.started_at) if record.started_at else None,
            finished_at=parse_time(record.finished_at) if record.finished_at else None,
            exit_code=record.exit_code,
            spec_hash=record.spec_hash,
            annotations=dict(record.annotations),
        )

    def _program(self) -> Iterator[Step]:
        return steps_of(self.record.command, self.around, main=True)

    def _begin(self, elapsed: float) -> None:
        self._steps, self._offset = self._program(), 0.0
        self._advance(elapsed)

    def _advance(self, until: float) -> None:
        """Does all that happens up to `until` seconds after the start, then sets the timer."""
        self._timer = None
        for step in self._steps:
            if isinstance(step, Says):
                self._say(self._offset, step)
            elif isinstance(step, Ends):
                self._end(step.code, self._moment(self._offset))
                return
            elif step.seconds == FOREVER:
                return
            else:
                self._offset += step.seconds
                if self._offset > until:
                    self._wake_in(self._offset - until)
                    return

    def _wake_in(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(seconds, self._advance, self._offset)

    def _end(self, code: int, at: datetime) -> None:
        self.discard()
        self.record.state, self.record.exit_code = "exited", code
        self.record.finished_at = at.isoformat()
        self._tell()
        self.changed(self, "die")

    def _say(self, offset: float, step: Says) -> None:
        at = self._moment(offset)
        for line in step.text.splitlines():
            self.lines.append((at, step.stream, f"{line}\n"))
            self.said += 1
        self._tell()

    def _tell(self) -> None:
        news, self.news = self.news, asyncio.Event()
        news.set()

    def _moment(self, offset: float) -> datetime:
        return datetime.fromisoformat(self.record.started_at) + timedelta(seconds=offset)

    def _read(self, path: str) -> str | None:
        """A file mounted from the host; an image on paper has none but /etc/hostname."""
        for target, source in self.record.files.items():
            if path == target or path.startswith(f"{target}/"):
                try:
                    return Path(source + path.removeprefix(target)).read_text()
                except (OSError, UnicodeDecodeError):
                    return None
        return f"{self.record.hostname}\n" if path == "/etc/hostname" else None


def image_id(reference: str) -> str:
    """The same for the same name, as a digest would be."""
    return f"sha256:{hashlib.sha256(reference.encode()).hexdigest()}"


def _timed(steps: Iterator[Step]) -> Iterator[tuple[float, Step]]:
    offset = 0.0
    for step in steps:
        yield offset, step
        if not isinstance(step, Says | Ends):
            offset += step.seconds


def record_from(data: dict[str, Any]) -> PaperRecord:
    return PaperRecord(**data)
