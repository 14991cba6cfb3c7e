"""Which objects a command line means: `pods`, `pod/web-0`, `deploy web api`, `po,svc`, `all`, or
those of a manifest.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from minikube_py.cli import manifests
from minikube_py.cli.discovery import Resource
from minikube_py.cli.errors import USAGE, CliError
from minikube_py.cli.session import Session
from minikube_py.meta.objects import name_of, namespace_of


@dataclass(frozen=True)
class Target:
    """`name` None = all of the kind; `namespace` None = cluster-scoped or every namespace."""

    resource: Resource
    namespace: str | None
    name: str | None = None

    @property
    def path(self) -> str:
        return self.resource.path(self.namespace, self.name or "")

    @property
    def title(self) -> str:
        return f"{self.resource.display_kind}/{self.name}"


def add_manifest_flags(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    parser.add_argument(
        "-f",
        "--filename",
        action="append",
        default=[],
        metavar="FILE",
        required=required,
        help="file, folder, URL or - for stdin; may be given several times",
    )
    parser.add_argument("-R", "--recursive", action="store_true", help="also folders below")


def find_targets(
    session: Session, words: Sequence[str], *, every_namespace: bool = False
) -> list[Target]:
    """From words as kubectl takes them; raises CliError."""
    if not words:
        raise CliError("name a resource type, e.g. `mk get pods` (or -f FILE)", code=USAGE)
    if any("/" in word for word in words):
        return [_named(session, word) for word in words]
    kinds, names = words[0], words[1:]
    targets = []
    for resource in _resources(session, kinds):
        namespace = session.namespace if resource.namespaced and not every_namespace else None
        wanted: Sequence[str | None] = names or [None]
        targets += [Target(resource, namespace, name) for name in wanted]
    return targets


def manifest_targets(session: Session, files: Sequence[str], *, recursive: bool) -> list[Target]:
    """The objects a manifest names, in its order."""
    targets = []
    for document in manifests.load(files, recursive=recursive):
        obj = document.object
        resource = session.discovery.by_kind(obj["apiVersion"], obj["kind"])
        if resource is None:
            advice = session.discovery.kind_advice(obj["apiVersion"], obj["kind"])
            raise CliError(f"{document.place}: {advice}")
        if not name_of(obj):
            raise CliError(f"{document.place}: metadata.name is missing")
        namespace = namespace_of(obj) or session.namespace if resource.namespaced else None
        targets.append(Target(resource, namespace, name_of(obj)))
    return targets


def named_targets(session: Session, args: argparse.Namespace, example: str) -> list[Target]:
    """Of -f or of the words, each with a name; raises CliError."""
    if args.filename:
        return manifest_targets(session, args.filename, recursive=args.recursive)
    if not args.what:
        raise CliError(f"name an object, e.g. `{example}`", code=USAGE)
    targets = find_targets(session, args.what)
    if any(target.name is None for target in targets):
        raise CliError(f"name an object, e.g. `{example}`", code=USAGE)
    return targets


def one_target(session: Session, words: Sequence[str], example: str) -> Target:
    """Exactly one named object."""
    targets = find_targets(session, words)
    if len(targets) != 1 or targets[0].name is None:
        raise CliError(f"name one object, e.g. `{example}`", code=USAGE)
    return targets[0]


def _named(session: Session, word: str) -> Target:
    kind, slash, name = word.partition("/")
    if not slash or not kind or not name or "/" in name:
        raise CliError(f"{word!r} is not TYPE/NAME, and both forms don't mix", code=USAGE)
    resource = session.discovery.resolve(kind)
    return Target(resource, session.namespace if resource.namespaced else None, name)


def _resources(session: Session, kinds: str) -> Iterator[Resource]:
    for word in kinds.split(","):
        category = session.discovery.category(word)
        if category:
            yield from (resource for resource in category if "list" in resource.verbs)
        elif word:
            yield session.discovery.resolve(word)
