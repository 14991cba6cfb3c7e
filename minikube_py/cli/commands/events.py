"""`mk events`: what happened, oldest first; -w goes on."""

import argparse
import sys
from typing import Any

from minikube_py.cli.describe_events import event_row, event_time
from minikube_py.cli.errors import OK
from minikube_py.cli.output import layout, parse_format, print_object
from minikube_py.cli.session import open_session
from minikube_py.cli.targets import one_target
from minikube_py.cli.terminal import note
from minikube_py.meta.objects import Object, namespace_of
from minikube_py.meta.timestamps import system_clock


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-A", "--all-namespaces", action="store_true")
    parser.add_argument("--for", dest="subject", metavar="TYPE/NAME", help="about one object")
    parser.add_argument("--types", metavar="Warning,Normal", help="only these")
    parser.add_argument("-w", "--watch", action="store_true", help="then show new ones")
    parser.add_argument("-o", "--output", metavar="FORMAT", help="yaml, json, …")
    parser.add_argument("--no-headers", action="store_true")


def run(args: argparse.Namespace) -> int:
    session = open_session(args)
    path = "/api/v1/events"
    if not args.all_namespaces:
        path = f"/api/v1/namespaces/{session.namespace}/events"
    query: dict[str, Any] = {}
    if args.subject:
        target = one_target(session, [args.subject], "mk events --for pod/web-0")
        query["fieldSelector"] = (
            f"involvedObject.kind={target.resource.kind},involvedObject.name={target.name}"
        )
    listed = session.client.get(path, query)
    types = {word.strip().lower() for word in (args.types or "").split(",") if word}
    events = sorted((e for e in listed.get("items") or [] if _wanted(e, types)), key=event_time)
    wanted = parse_format(args.output)
    if not wanted.is_table:
        print_object({"apiVersion": "v1", "kind": "List", "items": events}, wanted)
        return OK
    if not events and not args.watch:
        note("No events found")
        return OK
    _print(args, events, headers=not args.no_headers)
    if args.watch:
        query["resourceVersion"] = listed["metadata"]["resourceVersion"]
        for change in session.client.watch(path, query):
            if change["type"] in ("ADDED", "MODIFIED") and _wanted(change["object"], types):
                _print(args, [change["object"]], headers=False)
    return OK


def _wanted(event: Object, types: set[str]) -> bool:
    return not types or str(event.get("type", "")).lower() in types


def _print(args: argparse.Namespace, events: list[Object], *, headers: bool) -> None:
    rows = [["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]] if headers else []
    rows += [event_row(event, system_clock()) for event in events]
    if args.all_namespaces:
        first = [["NAMESPACE"]] if headers else []
        names = [*first, *([namespace_of(event)] for event in events)]
        rows = [[*name, *row] for name, row in zip(names, rows, strict=True)]
    print(layout(rows, [12, 7, 18, 24]), end="")
    sys.stdout.flush()
