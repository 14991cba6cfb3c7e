"""What `label` and `annotate` share: `KEY=VALUE` sets, `KEY-` removes."""

import argparse
from collections.abc import Sequence

from minikube_py.cli.errors import OK, USAGE, CliError
from minikube_py.cli.rest import MERGE
from minikube_py.cli.session import Session, open_session
from minikube_py.cli.targets import Target, add_manifest_flags, named_targets
from minikube_py.meta.objects import name_of, namespace_of


def configure_marks(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="*", metavar="TYPE NAME… KEY=VALUE… KEY-…")
    parser.add_argument("-l", "--selector", metavar="LABELS")
    parser.add_argument("--all", action="store_true", help="all of the type in the namespace")
    parser.add_argument("--overwrite", action="store_true", help="also keys that are set")
    add_manifest_flags(parser)


def run_marks(args: argparse.Namespace, field: str, *, done: str, undone: str) -> int:
    """`field` is "labels" or "annotations"; raises CliError before anything is written when a key
    is set and --overwrite is not.
    """
    args.what, changes = _split(args.what)
    if not changes:
        raise CliError("say what to set (KEY=VALUE) or remove (KEY-)", code=USAGE)
    session = open_session(args)
    planned = []
    for target in _targets(session, args):
        old = session.client.get(target.path)["metadata"].get(field) or {}
        taken = [key for key, value in changes.items() if value and old.get(key, value) != value]
        if taken and not args.overwrite:
            key = taken[0]
            raise CliError(f"{target.title} has {key}={old[key]}: --overwrite replaces it")
        planned.append((target, old))
    for target, old in planned:
        body = {"metadata": {field: changes}}
        session.client.request(
            "PATCH", target.path, {"fieldManager": "mk"}, body, content_type=MERGE
        )
        if all(old.get(key) == value for key, value in changes.items()):
            print(f"{target.title} not {done}")
        else:
            removed = all(value is None for value in changes.values())
            print(f"{target.title} {undone if removed else done}")
    return OK


def _split(words: Sequence[str]) -> tuple[list[str], dict[str, str | None]]:
    """(objects, key → value or None to remove)."""
    objects: list[str] = []
    changes: dict[str, str | None] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if equals:
            changes[key] = value
        elif word.endswith("-"):
            changes[word[:-1]] = None
        else:
            objects.append(word)
    return objects, changes


def _targets(session: Session, args: argparse.Namespace) -> list[Target]:
    if not (args.all or args.selector):
        return named_targets(session, args, "mk label pod/web-0 tier=front")
    resource = session.discovery.resolve(args.what[0] if args.what else "")
    path = resource.path(session.namespace)
    items = session.client.get(path, {"labelSelector": args.selector}).get("items") or []
    return [Target(resource, namespace_of(item) or None, name_of(item)) for item in items]
