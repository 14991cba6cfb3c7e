"""`mk create`: objects of a manifest that must not exist yet, or a namespace, configmap or secret
from the command line.
"""

import argparse
import base64
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from minikube_py.cli import manifests
from minikube_py.cli.errors import OK, USAGE, ApiFailure, CliError
from minikube_py.cli.explain_errors import explain
from minikube_py.cli.output import parse_format, print_object
from minikube_py.cli.session import Session, open_session
from minikube_py.cli.targets import Target, add_manifest_flags
from minikube_py.meta.objects import Object, name_of, namespace_of

_FORMS = "-f FILE, namespace NAME, configmap NAME, secret generic NAME, secret tls NAME"
_SHORT = {"ns": "namespace", "cm": "configmap"}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.usage = f"mk create {' | '.join(_FORMS.split(', '))} [flags]"
    parser.add_argument("what", nargs="*", metavar="TYPE NAME")
    parser.add_argument("--from-literal", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument(
        "--from-file", action="append", default=[], metavar="[KEY=]FILE", help="or a folder"
    )
    parser.add_argument("--cert", metavar="FILE", help="secret tls: the certificate in PEM")
    parser.add_argument("--key", metavar="FILE", help="secret tls: its key in PEM")
    parser.add_argument("--type", metavar="TYPE", help="secret generic: its type")
    parser.add_argument("--dry-run", choices=["none", "server"], default="none")
    parser.add_argument("-o", "--output", metavar="FORMAT", help="name, yaml, json")
    add_manifest_flags(parser)


def run(args: argparse.Namespace) -> int:
    wanted = parse_format(args.output)
    session = open_session(args)
    for document in _documents(args):
        obj = document.object
        resource = session.discovery.by_kind(obj["apiVersion"], obj["kind"])
        if resource is None:
            advice = session.discovery.kind_advice(obj["apiVersion"], obj["kind"])
            raise CliError(f"{document.place}: {advice}")
        namespace = namespace_of(obj) or session.namespace if resource.namespaced else None
        created = _create(session, Target(resource, namespace), document, args.dry_run)
        title = Target(resource, namespace, name_of(created)).title
        if wanted.name == "name":
            print(title)
        elif wanted.is_table:
            print(f"{title} created{' (server dry run)' if args.dry_run == 'server' else ''}")
        else:
            print_object(created, wanted)
    return OK


def _create(session: Session, target: Target, document: manifests.Document, dry_run: str) -> Object:
    query = {
        "fieldManager": "mk",
        "fieldValidation": "Strict",
        "dryRun": "All" if dry_run == "server" else None,
    }
    try:
        created: Object = session.client.request("POST", target.path, query, document.object)
    except ApiFailure as error:
        raise CliError("\n".join(explain(session, document, error))) from error
    return created


def _documents(args: argparse.Namespace) -> Sequence[manifests.Document]:
    if args.filename:
        return manifests.load(args.filename, recursive=args.recursive)
    kind, *names = args.what or [""]
    kind = _SHORT.get(kind, kind)
    if kind == "secret" and names and names[0] in ("generic", "tls"):
        kind = f"secret {names.pop(0)}"
    makers = {
        "namespace": _namespace,
        "configmap": _config_map,
        "secret generic": _secret,
        "secret tls": _tls_secret,
    }
    if kind not in makers or len(names) != 1:
        raise CliError(f"there is {_FORMS}; everything else is created from a manifest", code=USAGE)
    obj = makers[kind](args)
    obj["metadata"] = {"name": names[0]}
    return [manifests.Document(obj, f"mk create {kind}", 1, None)]


def _namespace(_args: argparse.Namespace) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace"}


def _config_map(args: argparse.Namespace) -> dict[str, Any]:
    texts: dict[str, str] = {}
    binary: dict[str, str] = {}
    for key, value in _pairs(args):
        try:
            texts[key] = value.decode()
        except UnicodeDecodeError:
            binary[key] = base64.b64encode(value).decode()
    found = {"apiVersion": "v1", "kind": "ConfigMap", "data": texts}
    return {**found, "binaryData": binary} if binary else found


def _secret(args: argparse.Namespace) -> dict[str, Any]:
    data = {key: base64.b64encode(value).decode() for key, value in _pairs(args)}
    return {"apiVersion": "v1", "kind": "Secret", "type": args.type or "Opaque", "data": data}


def _tls_secret(args: argparse.Namespace) -> dict[str, Any]:
    if not (args.cert and args.key):
        raise CliError("a TLS secret needs --cert FILE and --key FILE", code=USAGE)
    data = {"tls.crt": _read(Path(args.cert)), "tls.key": _read(Path(args.key))}
    encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "data": encoded}


def _pairs(args: argparse.Namespace) -> Iterator[tuple[str, bytes]]:
    for text in args.from_literal:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise CliError(f"--from-literal {text!r} is not KEY=VALUE", code=USAGE)
        yield key, value.encode()
    for text in args.from_file:
        key, equals, name = text.rpartition("=")
        path = Path(name)
        if path.is_dir() and not equals:
            for child in sorted(child for child in path.iterdir() if child.is_file()):
                yield child.name, _read(child)
        else:
            yield key or path.name, _read(path)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CliError(f"cannot read {path}: {error.strerror}") from error
