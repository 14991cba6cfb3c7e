"""`mk patch`: changes some fields of objects: merge patch, strategic one or JSON operations."""

import argparse
from pathlib import Path
from typing import Any

import yaml

from minikube_py.cli.errors import OK, USAGE, CliError
from minikube_py.cli.output import parse_format, print_object
from minikube_py.cli.rest import JSON_PATCH, MERGE, STRATEGIC
from minikube_py.cli.session import open_session
from minikube_py.cli.targets import add_manifest_flags, named_targets

_TYPES = {"strategic": STRATEGIC, "merge": MERGE, "json": JSON_PATCH}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="*", metavar="TYPE NAME… | TYPE/NAME…")
    parser.add_argument("-p", "--patch", metavar="PATCH", help="JSON or YAML")
    parser.add_argument("--patch-file", metavar="FILE", help="the same, from a file")
    parser.add_argument(
        "--type",
        choices=list(_TYPES),
        default="strategic",
        help="strategic (default) merges lists by their keys, merge replaces them, "
        'json is a list of operations: [{"op": "replace", "path": "/spec/replicas", "value": 2}]',
    )
    parser.add_argument("--subresource", choices=["status", "scale"], default="")
    parser.add_argument("--dry-run", choices=["none", "server"], default="none")
    parser.add_argument("-o", "--output", metavar="FORMAT", help="name, yaml, json")
    add_manifest_flags(parser)


def run(args: argparse.Namespace) -> int:
    patch = _read_patch(args)
    if isinstance(patch, list) != (args.type == "json"):
        shape = "a list of operations" if args.type == "json" else "an object of fields"
        raise CliError(f"a patch of --type {args.type} is {shape}", code=USAGE)
    wanted = parse_format(args.output)
    session = open_session(args)
    query = {
        "fieldManager": "mk",
        "fieldValidation": "Strict",
        "dryRun": "All" if args.dry_run == "server" else None,
    }
    for target in named_targets(session, args, "mk patch deploy/web -p '{…}'"):
        path = target.resource.path(target.namespace, target.name or "", args.subresource)
        before = session.client.get(path)
        after = session.client.request("PATCH", path, query, patch, content_type=_TYPES[args.type])
        if wanted.name == "name":
            print(target.title)
        elif wanted.is_table:
            same = before["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"]
            print(f"{target.title} patched{' (no change)' if same and not query['dryRun'] else ''}")
        else:
            print_object(after, wanted)
    return OK


def _read_patch(args: argparse.Namespace) -> Any:
    if (args.patch is None) == (args.patch_file is None):
        raise CliError("say what to change: -p PATCH or --patch-file FILE", code=USAGE)
    text = args.patch
    try:
        if text is None:
            text = Path(args.patch_file).read_text()
        patch = yaml.safe_load(text)
    except OSError as error:
        raise CliError(f"cannot read {args.patch_file}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise CliError(
            f"the patch is neither JSON nor YAML: {' '.join(str(error).split())}"
        ) from error
    if not isinstance(patch, (dict, list)):
        raise CliError(f"the patch must be an object or a list, not {text!r}", code=USAGE)
    return patch
