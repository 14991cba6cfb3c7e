"""`mk describe`: objects in detail, with their events."""

import argparse

from minikube_py.cli.describe import describe
from minikube_py.cli.errors import OK
from minikube_py.cli.session import open_session
from minikube_py.cli.targets import add_manifest_flags, find_targets, manifest_targets
from minikube_py.cli.terminal import note
from minikube_py.meta.objects import Object


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="*", metavar="TYPE [NAME…] | TYPE/NAME…")
    parser.add_argument("-l", "--selector", metavar="LABELS")
    parser.add_argument("-A", "--all-namespaces", action="store_true")
    add_manifest_flags(parser)


def run(args: argparse.Namespace) -> int:
    session = open_session(args)
    if args.filename:
        targets = manifest_targets(session, args.filename, recursive=args.recursive)
    else:
        targets = find_targets(session, args.what, every_namespace=args.all_namespaces)
    objects: list[Object] = []
    for target in targets:
        if target.name:
            objects.append(session.client.get(target.path))
            continue
        listed = session.client.get(target.path, {"labelSelector": args.selector})
        kind = {"apiVersion": listed.get("apiVersion"), "kind": target.resource.kind}
        objects += [{**kind, **item} for item in listed.get("items") or []]
    if not objects:
        note("No resources found")
    for index, obj in enumerate(objects):
        if index:
            print("\n")
        print(describe(session.client, obj), end="")
    return OK
