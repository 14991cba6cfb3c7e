"""`mk rollout`: status, restart, undo, history, pause, resume of Deployments, StatefulSets."""

import argparse
import time
from datetime import datetime

from minikube_py.cli.durations import parse_duration
from minikube_py.cli.errors import OK, USAGE, CliError
from minikube_py.cli.output import layout, to_yaml
from minikube_py.cli.readiness import readiness
from minikube_py.cli.rest import JSON_PATCH, MERGE, STRATEGIC
from minikube_py.cli.revisions import CHANGE_CAUSE, Revision, list_revisions
from minikube_py.cli.session import Session, open_session
from minikube_py.cli.targets import Target, add_manifest_flags, find_targets, manifest_targets
from minikube_py.meta.objects import Object, get_path
from minikube_py.meta.timestamps import Clock, format_time, system_clock

_POLL_SECONDS = 0.1
_RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
_KINDS = ("Deployment", "StatefulSet", "DaemonSet")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", choices=["status", "restart", "undo", "history", "pause", "resume"]
    )
    parser.add_argument("what", nargs="*", metavar="TYPE NAME | TYPE/NAME")
    parser.add_argument("--timeout", default="0", metavar="T", help="status: give up after T")
    parser.add_argument("--watch", default="true", choices=["true", "false"], help="status: wait")
    parser.add_argument("--to-revision", type=int, default=0, metavar="N", help="undo: to N")
    parser.add_argument("--revision", type=int, default=0, metavar="N", help="history: show N")
    add_manifest_flags(parser)


def run(args: argparse.Namespace) -> int:
    session = open_session(args)
    if args.filename:
        targets = manifest_targets(session, args.filename, recursive=args.recursive)
        targets = [target for target in targets if target.resource.kind in _KINDS]
    else:
        targets = find_targets(session, args.what)
    if not targets or any(target.name is None for target in targets):
        raise CliError(f"name one, e.g. `mk rollout {args.action} deployment/web`", code=USAGE)
    for target in targets:
        if target.resource.kind not in _KINDS:
            raise CliError(f"{target.title} has no rollouts: only {', '.join(_KINDS)} have")
        if args.action == "status":
            _status(session, target, wait=args.watch == "true", timeout=args.timeout)
        elif args.action == "restart":
            _restart(session, target, system_clock)
        elif args.action == "undo":
            _undo(session, target, args.to_revision)
        elif args.action == "history":
            _history(session, target, args.revision)
        else:
            _pause(session, target, paused=args.action == "pause")
    return OK


def _status(session: Session, target: Target, *, wait: bool, timeout: str) -> None:
    seconds = parse_duration(timeout)
    deadline = time.monotonic() + seconds if seconds else None
    shown = ""
    kind = target.resource.kind.lower()
    while True:
        found = readiness(session.client.get(target.path))
        if found.ready:
            print(f'{kind} "{target.name}" successfully rolled out')
            return
        if found.failed:
            raise CliError(f'{kind} "{target.name}" {found.why}')
        if found.why != shown:
            shown = found.why
            print(f'Waiting for {kind} "{target.name}" rollout to finish: {shown}...', flush=True)
        if not wait:
            return
        if deadline is not None and time.monotonic() > deadline:
            raise CliError(f"{target.title} is not rolled out after {timeout}: {shown}")
        time.sleep(_POLL_SECONDS)


def _restart(session: Session, target: Target, clock: Clock) -> None:
    if get_path(session.client.get(target.path), "spec", "paused"):
        raise CliError(f"{target.title} is paused: `mk rollout resume {target.title}` first")
    moment: datetime = clock()
    annotations = {_RESTARTED_AT: format_time(moment)}
    body = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
    _patch(session, target, body, STRATEGIC)
    print(f"{target.title} restarted")


def _pause(session: Session, target: Target, *, paused: bool) -> None:
    if target.resource.kind != "Deployment":
        raise CliError(f"{target.title} can't be paused: only Deployments can")
    word = "paused" if paused else "resumed"
    if bool(get_path(session.client.get(target.path), "spec", "paused")) is paused:
        raise CliError(f"{target.title} is already {word}")
    _patch(session, target, {"spec": {"paused": True if paused else None}}, MERGE)
    print(f"{target.title} {word}")


def _undo(session: Session, target: Target, number: int) -> None:
    obj = session.client.get(target.path)
    if get_path(obj, "spec", "paused"):
        raise CliError(f"{target.title} is paused: `mk rollout resume {target.title}` first")
    revisions = list_revisions(session, target, obj)
    chosen = _chosen(target, revisions, number)
    if chosen.template == get_path(obj, "spec", "template"):
        print(f"{target.title} skipped rollback (its template is that of revision {chosen.number})")
        return
    operations: list[Object] = [
        {"op": "replace", "path": "/spec/template", "value": chosen.template}
    ]
    cause = chosen.cause
    if cause:
        annotations = {**(get_path(obj, "metadata", "annotations") or {}), CHANGE_CAUSE: cause}
        operations.append({"op": "add", "path": "/metadata/annotations", "value": annotations})
    _patch(session, target, operations, JSON_PATCH)
    print(f"{target.title} rolled back to revision {chosen.number}")


def _chosen(target: Target, revisions: list[Revision], number: int) -> Revision:
    if number:
        for revision in revisions:
            if revision.number == number:
                return revision
        known = ", ".join(str(revision.number) for revision in revisions)
        raise CliError(f"{target.title} has no revision {number}; there is {known or 'none'}")
    if len(revisions) < 2:
        raise CliError(f"{target.title} has no earlier revision to go back to")
    return revisions[-2]


def _history(session: Session, target: Target, number: int) -> None:
    revisions = list_revisions(session, target, session.client.get(target.path))
    if number:
        print(to_yaml(_chosen(target, revisions, number).template), end="")
        return
    print(target.title)
    rows = [["REVISION", "CHANGE-CAUSE"]]
    rows += [[str(revision.number), revision.cause or "<none>"] for revision in revisions]
    print(layout(rows), end="")


def _patch(session: Session, target: Target, body: object, content_type: str) -> None:
    query = {"fieldManager": "mk-rollout"}
    session.client.request("PATCH", target.path, query, body, content_type=content_type)
