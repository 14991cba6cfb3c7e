"""`mk wait`: until a condition holds, a value is there, or objects are gone."""

import argparse
import time
from collections.abc import Callable

from minikube_py.cli.durations import parse_duration
from minikube_py.cli.errors import OK, USAGE, ApiFailure, CliError
from minikube_py.cli.readiness import pod_problem, readiness
from minikube_py.cli.session import Session, open_session
from minikube_py.cli.targets import Target, add_manifest_flags, find_targets, manifest_targets
from minikube_py.meta.jsonpath import BadJsonPath, format_value, parse_path
from minikube_py.meta.objects import Object, find_condition, namespace_of

_POLL_SECONDS = 0.1
Check = Callable[[Object | None], bool]


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="*", metavar="TYPE NAME… | TYPE/NAME…")
    parser.add_argument(
        "--for",
        dest="condition",
        required=True,
        metavar="CONDITION",
        help="condition=Ready, condition=Ready=false, jsonpath={.a}=x, delete, create, ready",
    )
    parser.add_argument("--timeout", default="30s", metavar="T")
    parser.add_argument("-l", "--selector", metavar="LABELS")
    parser.add_argument("--all", action="store_true")
    add_manifest_flags(parser)


def run(args: argparse.Namespace) -> int:
    check = parse_check(args.condition)
    deadline = time.monotonic() + parse_duration(args.timeout)
    session = open_session(args)
    for target in _targets(session, args, deadline):
        while not check(_current(session, target)):
            if time.monotonic() > deadline:
                raise CliError(_timed_out(session, target, args.condition))
            time.sleep(_POLL_SECONDS)
        word = args.condition if args.condition == "delete" else "condition"
        print(f"{target.title} {'deleted' if word == 'delete' else 'condition met'}", flush=True)
    return OK


def _timed_out(session: Session, target: Target, condition: str) -> str:
    obj = _current(session, target)
    if obj is None:
        return f"timed out waiting for {condition} on {target.title}: it does not exist"
    why = pod_problem(obj) if obj.get("kind") == "Pod" else ""
    return (
        f"timed out waiting for {condition} on {target.title}{f' ({why})' if why else ''}; "
        f"`mk describe {target.title}` tells more"
    )


def parse_check(text: str) -> Check:
    """Raises CliError on what is no condition."""
    word, _, rest = text.partition("=")
    if text == "delete":
        return lambda obj: obj is None
    if text == "create":
        return lambda obj: obj is not None
    if text == "ready":
        return lambda obj: obj is not None and readiness(obj).ready
    if word == "condition" and rest:
        name, _, status = rest.partition("=")
        return lambda obj: _has_condition(obj, name, status or "true")
    if word == "jsonpath" and rest:
        return _jsonpath_check(rest)
    raise CliError(
        f'"{text}" is no condition: write condition=NAME, jsonpath={{.path}}=VALUE, delete, '
        "create or ready",
        code=USAGE,
    )


def _jsonpath_check(text: str) -> Check:
    expression, brace, value = text.rpartition("}")
    wanted = value.removeprefix("=") if value else None
    try:
        path = parse_path((expression + brace).strip("'\""))
    except BadJsonPath as error:
        raise CliError(f"bad jsonpath: {error}", code=USAGE) from error

    def check(obj: Object | None) -> bool:
        found = [format_value(found) for found in path.find(obj)] if obj else []
        return bool(found) if wanted is None else wanted in found

    return check


def _has_condition(obj: Object | None, name: str, status: str) -> bool:
    for condition in ((obj or {}).get("status") or {}).get("conditions") or []:
        if str(condition.get("type", "")).lower() == name.lower():
            found = find_condition(obj or {}, condition["type"]) or {}
            return str(found.get("status", "")).lower() == status.lower()
    return False


def _targets(session: Session, args: argparse.Namespace, deadline: float) -> list[Target]:
    if args.filename:
        return manifest_targets(session, args.filename, recursive=args.recursive)
    targets = find_targets(session, args.what)
    if all(target.name for target in targets):
        return targets
    if not (args.all or args.selector):
        raise CliError("name the objects, or give -l LABELS or --all", code=USAGE)
    while True:
        found = [
            Target(target.resource, namespace_of(item) or None, item["metadata"]["name"])
            for target in targets
            for item in session.client.get(target.path, {"labelSelector": args.selector}).get(
                "items", []
            )
        ]
        if found or args.condition == "delete":
            return found
        if time.monotonic() > deadline:
            raise CliError("no matching resources found")
        time.sleep(_POLL_SECONDS)


def _current(session: Session, target: Target) -> Object | None:
    try:
        found: Object = session.client.get(target.path)
    except ApiFailure as error:
        if error.http_code == 404:
            return None
        raise
    return found
