"""`mk logs`: what containers wrote; -f goes on, of one pod or of several at once."""

import argparse
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from minikube_py.cli.durations import parse_duration
from minikube_py.cli.errors import OK, USAGE, CliError
from minikube_py.cli.pods import container_names, default_container, find_pods, pods_path
from minikube_py.cli.session import Session, open_session
from minikube_py.cli.terminal import note
from minikube_py.meta.objects import Object, name_of

_MAX_STREAMS = 20


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", nargs="?", metavar="POD | TYPE/NAME")
    parser.add_argument("container_word", nargs="?", metavar="CONTAINER")
    parser.add_argument("-c", "--container")
    parser.add_argument("-l", "--selector", metavar="LABELS", help="of all pods with these labels")
    parser.add_argument("-f", "--follow", action="store_true")
    parser.add_argument("-p", "--previous", action="store_true", help="of the one before")
    parser.add_argument("--tail", type=int, metavar="N", help="only the last N lines")
    parser.add_argument("--since", metavar="T", help="only newer than e.g. 5m")
    parser.add_argument("--since-time", metavar="RFC3339")
    parser.add_argument("--limit-bytes", type=int, metavar="N")
    parser.add_argument("--timestamps", action="store_true")
    parser.add_argument("--all-containers", action="store_true")
    parser.add_argument("--all-pods", action="store_true", help="of TYPE/NAME, not one of them")
    parser.add_argument("--prefix", action="store_true", help="say which pod wrote a line")


@dataclass(frozen=True)
class _Source:
    pod: str
    container: str | None

    @property
    def prefix(self) -> bytes:
        name = f"{self.pod}/{self.container}" if self.container else self.pod
        return f"[{name}] ".encode()


def run(args: argparse.Namespace) -> int:
    session = open_session(args)
    sources = _sources(session, args)
    if len(sources) > _MAX_STREAMS and args.follow:
        raise CliError(
            f"{len(sources)} logs at once are too many: choose with -l or -c", code=USAGE
        )
    query = _query(args)
    if args.follow and len(sources) > 1:
        return _follow_all(session, args, sources, query)
    for source in sources:
        _print_log(session, source, query, prefix=args.prefix)
    return OK


def _sources(session: Session, args: argparse.Namespace) -> list[_Source]:
    container = args.container or args.container_word
    if args.selector:
        listed = session.client.get(pods_path(session.namespace), {"labelSelector": args.selector})
        pods: Sequence[Object] = listed.get("items") or []
        if not pods:
            note(f"No resources found in {session.namespace} namespace.")
    elif args.target:
        pods = find_pods(session, args.target)
        pods = pods if args.all_pods else pods[:1]
    else:
        raise CliError("name a pod, TYPE/NAME, or labels with -l", code=USAGE)
    sources = []
    for pod in pods:
        if args.all_containers:
            sources += [_Source(name_of(pod), name) for name in container_names(pod, init=True)]
        else:
            sources.append(_Source(name_of(pod), container or _default(pod)))
    return sources


def _default(pod: Object) -> str | None:
    chosen = default_container(pod)
    if chosen:
        names = ", ".join(container_names(pod, init=True))
        note(f"Defaulted container {chosen!r} out of: {names}")
    return chosen


def _query(args: argparse.Namespace) -> dict[str, Any]:
    tail = args.tail
    if tail is None and args.selector:
        tail = 10
    return {
        "follow": args.follow or None,
        "previous": args.previous or None,
        "timestamps": args.timestamps or None,
        "tailLines": None if tail is None or tail < 0 else tail,
        "sinceSeconds": int(parse_duration(args.since)) if args.since else None,
        "sinceTime": args.since_time,
        "limitBytes": args.limit_bytes,
    }


def _follow_all(
    session: Session, args: argparse.Namespace, sources: Sequence[_Source], query: dict[str, Any]
) -> int:
    """A thread a log; each has a connection of its own."""
    failures: list[CliError] = []

    def follow(source: _Source) -> None:
        try:
            _print_log(session, source, query, prefix=args.prefix)
        except CliError as error:
            failures.append(error)

    threads = [threading.Thread(target=follow, args=(one,), daemon=True) for one in sources]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return OK


def _print_log(session: Session, source: _Source, query: dict[str, Any], *, prefix: bool) -> None:
    path = pods_path(session.namespace, source.pod, "log")
    chunks = session.client.stream(path, {**query, "container": source.container}, accept="*/*")
    out = sys.stdout.buffer
    if not prefix:
        for chunk in chunks:
            out.write(chunk)
            out.flush()
        return
    pending = b""
    for chunk in chunks:
        *lines, pending = (pending + chunk).split(b"\n")
        for line in lines:
            out.write(source.prefix + line + b"\n")
        out.flush()
    if pending:
        out.write(source.prefix + pending + b"\n")
        out.flush()
