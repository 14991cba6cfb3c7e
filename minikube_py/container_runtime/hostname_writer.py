"""A small process that gives containers their hostname before their first instruction runs.

A container that joins a sandbox gets the sandbox's hostname from the engine, and a warm sandbox
was made before anyone knew the pod. Between the engine's "start" and the container's first
instruction lie two moments, both seen by inotify in the container's task directory: `config.json`
has been written and its reader, runc, has not been started (the hostname is changed in the file);
and runc has made the namespaces, written `init.pid` and waits to be told to go on (the hostname is
set in the UTS namespace). Whether user code can have run with another name is proved, not assumed:

    edited  the file was changed before runc opened its log, the first thing it does
    set     after the hostname was set the process still was runc's own init
    missed  neither; the caller has to start the container again

Runs alone, without the package or its dependencies (`python -I -S`), so that no other work of the
daemon delays it. Lines of JSON on stdin: {"id", "hostname"}, or {"id"} to forget; on stdout one
{"id", "verdict"} for each armed container that started.
"""

import contextlib
import ctypes
import json
import os
import select
import socket
import struct
import sys

CREATE, CLOSE_WRITE, MOVED_TO, IS_DIR = 0x100, 0x8, 0x80, 0x40000000
NEW_UTS = 0x04000000
_EVENT = struct.Struct("iIII")
_libc = ctypes.CDLL(None, use_errno=True)


class Writer:
    """`tasks` is the directory in which the engine's containerd keeps one folder a container."""

    def __init__(self, tasks: str) -> None:
        self._tasks = tasks
        self._inotify = _checked(_libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK))
        self._own_uts = os.open("/proc/self/ns/uts", os.O_RDONLY | os.O_CLOEXEC)
        self._hostnames: dict[str, str] = {}
        self._edited: dict[str, bool] = {}
        self._watches: dict[int, str] = {}
        self._watch(tasks, CREATE)

    def run(self) -> None:
        """Until stdin ends: the daemon is gone."""
        pending = b""
        while True:
            ready, _, _ = select.select([self._inotify, 0], [], [])
            # Requests first: a container is always named before it is started.
            if 0 in ready:
                chunk = os.read(0, 65536)
                if not chunk:
                    return
                *lines, pending = (pending + chunk).split(b"\n")
                for line in lines:
                    self._accept(json.loads(line))
            if self._inotify in ready:
                self._notice(os.read(self._inotify, 65536))

    def _accept(self, request: dict[str, str]) -> None:
        container = request["id"]
        if "hostname" in request:
            self._hostnames[container] = request["hostname"]
            self._edited.pop(container, None)
            _say(container, "armed")
        else:
            self._hostnames.pop(container, None)

    def _notice(self, events: bytes) -> None:
        at = 0
        while at < len(events):
            watch, mask, _, length = _EVENT.unpack_from(events, at)
            start = at + _EVENT.size
            name = events[start : start + length].rstrip(b"\0").decode()
            at = start + length
            if mask & IS_DIR and name in self._hostnames:
                self._enter(name)
            elif (container := self._watches.get(watch)) in self._hostnames:
                self._step(container, name)

    def _enter(self, container: str) -> None:
        """The task directory exists; what was written into it before the watch is looked for."""
        folder = f"{self._tasks}/{container}"
        with contextlib.suppress(OSError):
            self._watches[self._watch(folder, CLOSE_WRITE | MOVED_TO)] = container
            for name in ("config.json", "init.pid"):
                if os.path.exists(f"{folder}/{name}"):  # noqa: PTH110 - this process starts lean
                    self._step(container, name)

    def _step(self, container: str | None, name: str) -> None:
        if container is None or container not in self._hostnames:
            return
        if name == "config.json" and container not in self._edited:
            with contextlib.suppress(OSError, ValueError):
                self._edited[container] = self._edit(container)
        elif name == "init.pid":
            verdict = self._set(container)
            self._hostnames.pop(container, None)
            self._edited.pop(container, None)
            self._watches = {k: v for k, v in self._watches.items() if v != container}
            _say(container, verdict)

    def _edit(self, container: str) -> bool:
        """True if runc has certainly not read the file before. A half-written one raises
        ValueError; its closing comes as an event of its own.
        """
        path = f"{self._tasks}/{container}/config.json"
        with open(path, "rb") as file:  # noqa: PTH123
            spec = json.loads(file.read())
            mode = os.fstat(file.fileno()).st_mode & 0o777
        spec["hostname"] = self._hostnames[container]
        descriptor = os.open(f"{path}.mk", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        try:
            os.write(descriptor, json.dumps(spec).encode())
        finally:
            os.close(descriptor)
        os.rename(f"{path}.mk", path)  # noqa: PTH104
        return not os.path.exists(f"{self._tasks}/{container}/log.json")  # noqa: PTH110

    def _set(self, container: str) -> str:
        hostname = self._hostnames[container]
        proven = "edited" if self._edited.get(container) else "missed"
        try:
            with open(f"{self._tasks}/{container}/init.pid") as file:  # noqa: PTH123
                pid = int(file.read())
            namespace = os.open(f"/proc/{pid}/ns/uts", os.O_RDONLY | os.O_CLOEXEC)
        except (OSError, ValueError):  # ended already
            return proven
        try:
            if os.path.sameopenfile(namespace, self._own_uts):
                return proven  # not a container's: its number may be another process's by now
            self._enter_and_set(namespace, hostname)
        except OSError:
            return proven
        finally:
            os.close(namespace)
        if proven == "edited":
            return proven
        return "set" if _is_runc(pid) else "missed"

    def _enter_and_set(self, namespace: int, hostname: str) -> None:
        _checked(_libc.setns(namespace, NEW_UTS))
        try:
            if socket.gethostname() != hostname:
                socket.sethostname(hostname)
        finally:
            _checked(_libc.setns(self._own_uts, NEW_UTS))

    def _watch(self, path: str, mask: int) -> int:
        return _checked(_libc.inotify_add_watch(self._inotify, path.encode(), mask))


def _is_runc(pid: int) -> bool:
    """Whether the process still is runc's init; user code replaces its command line."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123
            words = file.read().split(b"\0")
    except OSError:
        return False
    return len(words) > 1 and words[0].endswith((b"runc", b"exe")) and words[1] == b"init"


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _say(container: str, verdict: str) -> None:
    os.write(1, json.dumps({"id": container, "verdict": verdict}).encode() + b"\n")


def _hurry() -> None:
    """Ahead of everything else that wants the processor: it works for microseconds at a time."""
    with contextlib.suppress(OSError):
        os.nice(-20)
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


if __name__ == "__main__":
    _hurry()
    Writer(sys.argv[1]).run()
