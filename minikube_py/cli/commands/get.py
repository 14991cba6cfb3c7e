"""`mk get`: objects as tables, YAML, JSON, names or columns of one's own; -w follows them."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from minikube_py.cli.errors import OK, USAGE, ApiFailure, CliError, joined
from minikube_py.cli.output import (
    FORMATS,
    Format,
    TablePrinter,
    parse_format,
    print_names,
    print_object,
    sort_objects,
    sort_rows,
)
from minikube_py.cli.rest import TABLE
from minikube_py.cli.session import Session, open_session
from minikube_py.cli.targets import Target, add_manifest_flags, find_targets, manifest_targets
from minikube_py.cli.terminal import note
from minikube_py.meta.objects import Object


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="*", metavar="TYPE [NAME…] | TYPE/NAME…")
    parser.add_argument("-A", "--all-namespaces", action="store_true")
    parser.add_argument("-o", "--output", metavar="FORMAT", help=FORMATS)
    parser.add_argument("-l", "--selector", metavar="LABELS")
    parser.add_argument("--field-selector", metavar="FIELDS")
    parser.add_argument("-w", "--watch", action="store_true", help="then show changes")
    parser.add_argument("--watch-only", action="store_true", help="show changes only")
    parser.add_argument("-L", "--label-columns", action="append", default=[], metavar="LABEL")
    parser.add_argument("--show-labels", action="store_true")
    parser.add_argument("--sort-by", metavar="PATH", help="e.g. .metadata.creationTimestamp")
    parser.add_argument("--no-headers", action="store_true")
    parser.add_argument("--ignore-not-found", action="store_true")
    parser.add_argument(
        "--show-managed-fields", action="store_true", help="in YAML and JSON: who set which field"
    )
    add_manifest_flags(parser)


def run(args: argparse.Namespace) -> int:
    session = open_session(args)
    wanted = parse_format(args.output)
    if args.filename:
        targets = manifest_targets(session, args.filename, recursive=args.recursive)
    else:
        targets = find_targets(session, args.what, every_namespace=args.all_namespaces)
    if args.all_namespaces and any(target.name for target in targets):
        raise CliError("a name needs a namespace: use -n instead of -A", code=USAGE)
    if args.watch or args.watch_only:
        return _watch(session, args, targets, wanted)
    if wanted.is_table:
        return _tables(session, args, targets, wanted)
    return _objects(session, args, targets, wanted)


def _tables(
    session: Session, args: argparse.Namespace, targets: Sequence[Target], wanted: Format
) -> int:
    several = len({target.resource for target in targets}) > 1
    tables: dict[str, tuple[Target, Object]] = {}
    failed: CliError | None = None
    for target in targets:
        try:
            table = _fetch(session, args, target, accept=TABLE)
        except ApiFailure as error:
            if error.http_code != 404 or len(targets) == 1:
                raise
            failed = joined(failed, error)
            continue
        if table is None or not table.get("rows"):
            continue
        _, whole = tables.setdefault(target.resource.display_kind, (target, {**table, "rows": []}))
        whole["rows"] += table["rows"]
    for index, (kind, (target, table)) in enumerate(tables.items()):
        if index:
            print()
        if args.sort_by:
            sort_rows(table, args.sort_by)
        _printer(args, target, wanted, prefix=kind if several else "").print(table)
    if failed is not None:
        raise failed
    if not tables and not args.ignore_not_found:
        _note_nothing(session, args, targets)
    return OK


def _note_nothing(session: Session, args: argparse.Namespace, targets: Sequence[Target]) -> None:
    if args.all_namespaces or not any(target.resource.namespaced for target in targets):
        note("No resources found")
    else:
        note(f"No resources found in {session.namespace} namespace.")


def _printer(
    args: argparse.Namespace, target: Target, wanted: Format, *, prefix: str = ""
) -> TablePrinter:
    labels = [label for group in args.label_columns for label in group.split(",")]
    return TablePrinter(
        wide=wanted.name == "wide",
        with_namespace=args.all_namespaces and target.resource.namespaced,
        kind_prefix=prefix,
        show_labels=args.show_labels,
        label_columns=labels,
        headers=not args.no_headers,
    )


def _objects(
    session: Session, args: argparse.Namespace, targets: Sequence[Target], wanted: Format
) -> int:
    found: list[tuple[str, Object]] = []
    for target in targets:
        answer = _fetch(session, args, target)
        if answer is None:
            continue
        if target.name:
            found.append((target.resource.display_kind, answer))
            continue
        kind, api_version = target.resource.kind, answer.get("apiVersion")
        found += [
            (target.resource.display_kind, {"apiVersion": api_version, "kind": kind, **item})
            for item in answer.get("items") or []
        ]
    objects = [obj for _, obj in found]
    if not args.show_managed_fields:
        for obj in objects:
            obj["metadata"].pop("managedFields", None)
    if wanted.name == "name":
        print_names(found)
    elif len(targets) == 1 and targets[0].name:
        if objects:
            print_object(objects[0], wanted)
    else:
        if args.sort_by:
            objects = sort_objects(objects, args.sort_by)
        shown = {"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}}
        print_object({**shown, "items": objects}, wanted)
    return OK


def _fetch(
    session: Session, args: argparse.Namespace, target: Target, accept: str = "application/json"
) -> Any:
    query: dict[str, Any] = {}
    if not target.name:
        query = {"labelSelector": args.selector, "fieldSelector": args.field_selector}
    if accept == TABLE and args.sort_by:
        query["includeObject"] = "Object"
    try:
        return session.client.get(target.path, query, accept=accept)
    except CliError as error:
        if args.ignore_not_found and getattr(error, "http_code", 0) == 404:
            return None
        raise


def _watch(
    session: Session, args: argparse.Namespace, targets: Sequence[Target], wanted: Format
) -> int:
    if len(targets) != 1:
        raise CliError("-w follows one resource type at a time", code=USAGE)
    target = targets[0]
    path = target.resource.path(target.namespace)
    query: dict[str, Any] = {
        "labelSelector": args.selector,
        "fieldSelector": f"metadata.name={target.name}" if target.name else args.field_selector,
    }
    accept = TABLE if wanted.is_table else "application/json"
    first = session.client.get(path, query, accept=accept)
    printer = _printer(args, target, wanted)
    if not args.watch_only:
        _show(first, printer, wanted, target)
    query["resourceVersion"] = first["metadata"]["resourceVersion"]
    for event in session.client.watch(path, query, accept=accept):
        if event["type"] != "BOOKMARK":
            _show(event["object"], printer, wanted, target)
    return OK


def _show(value: Object, printer: TablePrinter, wanted: Format, target: Target) -> None:
    if wanted.is_table:
        printer.print(value)
    elif wanted.name == "name":
        items = value.get("items", [value])
        print_names([(target.resource.display_kind, item) for item in items])
    else:
        for item in value["items"] if isinstance(value.get("items"), list) else [value]:
            kind = {"apiVersion": value.get("apiVersion"), "kind": target.resource.kind}
            item["metadata"].pop("managedFields", None)
            print_object({**kind, **item}, wanted)
    sys.stdout.flush()
