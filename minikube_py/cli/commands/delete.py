"""`mk delete`: objects by name, selector or manifest; waits until they are gone."""

import argparse
import time
from collections.abc import Sequence
from typing import Any

from minikube_py.cli.durations import parse_duration
from minikube_py.cli.errors import OK, USAGE, ApiFailure, CliError
from minikube_py.cli.session import Session, open_session
from minikube_py.cli.targets import Target, add_manifest_flags, find_targets, manifest_targets
from minikube_py.cli.terminal import note
from minikube_py.meta.objects import namespace_of, uid_of

_POLL_SECONDS = 0.1


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="*", metavar="TYPE NAME… | TYPE/NAME…")
    parser.add_argument("-l", "--selector", metavar="LABELS")
    parser.add_argument("--field-selector", metavar="FIELDS")
    parser.add_argument("--all", action="store_true", help="all of the type in the namespace")
    parser.add_argument("-A", "--all-namespaces", action="store_true")
    parser.add_argument("--ignore-not-found", action="store_true")
    parser.add_argument("--now", action="store_true", help="grace period of one second")
    parser.add_argument("--grace-period", type=int, metavar="S", help="seconds")
    parser.add_argument("--force", action="store_true", help="with --grace-period 0: at once")
    parser.add_argument(
        "--cascade", choices=["background", "foreground", "orphan"], default="background"
    )
    parser.add_argument(
        "--wait", default="true", choices=["true", "false"], nargs="?", const="true"
    )
    parser.add_argument("--timeout", default="0", metavar="T", help="e.g. 30s; 0 = no limit")
    parser.add_argument("--dry-run", choices=["none", "server"], default="none")
    parser.add_argument("-o", "--output", choices=["name"])
    add_manifest_flags(parser)


def run(args: argparse.Namespace) -> int:
    session = open_session(args)
    if args.filename:
        targets = manifest_targets(session, args.filename, recursive=args.recursive)
        targets.reverse()  # what came last rests on what came before
    else:
        targets = _chosen(session, args)
    gone: list[tuple[Target, str]] = []
    missing = []
    for target in targets:
        try:
            answer = session.client.request("DELETE", target.path, body=_options(args))
        except ApiFailure as error:
            if error.http_code != 404:
                raise
            if not (args.ignore_not_found or args.all or args.selector):
                missing.append(error.message)
            continue
        gone.append((target, _uid(answer)))
        _say(args, target)
    if args.wait == "true" and args.dry_run == "none":
        _wait(session, gone, parse_duration(args.timeout))
    if missing:
        raise CliError("\n".join(missing))
    if not targets:
        note("No resources found")
    return OK


def _chosen(session: Session, args: argparse.Namespace) -> list[Target]:
    targets = find_targets(session, args.what, every_namespace=args.all_namespaces)
    if all(target.name for target in targets):
        return targets
    if not (args.all or args.selector or args.field_selector):
        raise CliError("name the objects, or give -l LABELS or --all", code=USAGE)
    found = []
    query = {"labelSelector": args.selector, "fieldSelector": args.field_selector}
    for target in targets:
        for item in session.client.get(target.path, query).get("items") or []:
            namespace = namespace_of(item) or None
            found.append(Target(target.resource, namespace, item["metadata"]["name"]))
    return found


def _options(args: argparse.Namespace) -> dict[str, Any]:
    options: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "propagationPolicy": args.cascade.capitalize(),
    }
    if args.now:
        options["gracePeriodSeconds"] = 1
    elif args.grace_period is not None and args.grace_period >= 0:
        if args.grace_period == 0 and not args.force:
            raise CliError("--grace-period 0 also needs --force: the pod is not waited for", code=2)
        options["gracePeriodSeconds"] = args.grace_period
    elif args.force:
        options["gracePeriodSeconds"] = 0
    if args.dry_run == "server":
        options["dryRun"] = ["All"]
    return options


def _uid(answer: Any) -> str:
    if not isinstance(answer, dict):
        return ""
    if answer.get("kind") == "Status":
        return str((answer.get("details") or {}).get("uid") or "")
    return uid_of(answer)


def _say(args: argparse.Namespace, target: Target) -> None:
    if args.output == "name":
        print(target.title)
        return
    how = "force deleted" if args.force else "deleted"
    where = f" from {target.namespace} namespace" if target.namespace else ""
    dry = " (server dry run)" if args.dry_run == "server" else ""
    print(f'{target.resource.display_kind} "{target.name}" {how}{where}{dry}', flush=True)


def _wait(session: Session, gone: Sequence[tuple[Target, str]], seconds: float) -> None:
    deadline = time.monotonic() + seconds if seconds else None
    for target, uid in gone:
        while True:
            try:
                current = session.client.get(target.path)
            except ApiFailure as error:
                if error.http_code == 404:
                    break
                raise
            if uid and uid_of(current) != uid:
                break
            if deadline is not None and time.monotonic() > deadline:
                raise CliError(f"{target.title} is still being deleted: `mk describe` tells why")
            time.sleep(_POLL_SECONDS)
