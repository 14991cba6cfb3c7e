"""`mk apply`: server-side apply of all documents, checked as a whole before any is written."""

import argparse
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from minikube_py.cli import manifests
from minikube_py.cli.discovery import Resource
from minikube_py.cli.durations import parse_duration
from minikube_py.cli.errors import OK, USAGE, ApiFailure, CliError
from minikube_py.cli.explain_errors import explain
from minikube_py.cli.manifests import Document
from minikube_py.cli.output import Format, parse_format, print_object
from minikube_py.cli.progress import wait_until_ready
from minikube_py.cli.rest import APPLY
from minikube_py.cli.session import Session, open_session
from minikube_py.cli.targets import Target, add_manifest_flags
from minikube_py.cli.terminal import styled
from minikube_py.meta.objects import Object, get_path, name_of, namespace_of

FIELD_MANAGER = "mk"
_BOOKKEEPING = ("managedFields", "resourceVersion")
_FIRST = ("Namespace", "CustomResourceDefinition")  # others rest on them


def configure(parser: argparse.ArgumentParser) -> None:
    add_manifest_flags(parser)
    parser.add_argument("files", nargs="*", metavar="FILE", help="the same as -f FILE")
    parser.add_argument("--wait", action="store_true", help="until all is ready; shows progress")
    parser.add_argument("--timeout", default="5m", metavar="T", help="for --wait, e.g. 90s")
    parser.add_argument(
        "--dry-run",
        choices=["none", "server"],
        default="none",
        nargs="?",
        const="server",
        help="say what would happen, change nothing",
    )
    parser.add_argument(
        "--force-conflicts", action="store_true", help="take over fields others have set"
    )
    parser.add_argument("-o", "--output", metavar="FORMAT", help="name, yaml, json")
    parser.add_argument("--server-side", action="store_true", help="always so; for kubectl's sake")


@dataclass(frozen=True)
class Planned:
    """A document and where it goes; `old` is None for what does not exist yet."""

    document: Document
    target: Target
    old: Object | None
    verb: str = ""
    """What a dry run says will happen."""

    @property
    def title(self) -> str:
        return self.target.title


def run(args: argparse.Namespace) -> int:
    sources = [*args.filename, *args.files]
    if not sources:
        raise CliError("name a manifest: `mk apply -f FILE` (a folder, URL or - too)", code=USAGE)
    timeout = parse_duration(args.timeout)
    wanted = parse_format(args.output)
    documents = manifests.load(sources, recursive=args.recursive)
    session = open_session(args)
    applier = Applier(session, force=args.force_conflicts)
    planned = applier.check(documents)
    if args.dry_run == "server":
        for plan in planned:
            _say(plan, plan.verb, suffix=" (server dry run)")
        return OK
    applier.write(planned, wanted)
    if args.wait:
        wait_until_ready(session, [plan.target for plan in planned], timeout=timeout)
    return OK


class Applier:
    def __init__(self, session: Session, *, force: bool) -> None:
        self._session = session
        self._force = force

    def check(self, documents: Sequence[Document]) -> list[Planned]:
        """Dry-runs every document; raises CliError with all problems, and nothing is written."""
        planned: list[Planned] = []
        problems: list[str] = []
        ordered = sorted(documents, key=lambda document: document.object["kind"] not in _FIRST)
        coming = _Coming.of(ordered)
        for document in ordered:
            try:
                plan = self._plan(document, coming)
                planned.append(replace(plan, verb=self._dry_run(plan, coming)))
            except ApiFailure as error:
                problems += explain(self._session, document, error)
            except CliError as error:
                problems.append(f"{document.place}: {error.message}")
        if problems:
            bad = len({problem.partition(")")[0] for problem in problems})
            problems.append(
                f"nothing was applied: {bad} of {len(documents)} documents "
                f"{'is' if bad == 1 else 'are'} not valid"
            )
            raise CliError("\n".join(problems))
        return planned

    def write(self, planned: Sequence[Planned], wanted: Format) -> None:
        """In order; on a failure says what was applied and what was not."""
        for index, plan in enumerate(planned):
            try:
                resource_known = plan.target if plan.target.resource.plural else self._late(plan)
                code, answer = self._patch(resource_known, plan.document.object)
            except CliError as error:
                raise self._stopped(planned, index, error) from error
            if wanted.name == "name":
                print(plan.title)
            elif wanted.is_table:
                _say(plan, _verb(code, plan.old, answer))
            else:
                print_object(answer, wanted)

    def _stopped(self, planned: Sequence[Planned], index: int, error: CliError) -> CliError:
        lines = [f"{planned[index].document.place}: {error.message}"]
        if isinstance(error, ApiFailure):
            lines = explain(self._session, planned[index].document, error)
        done = ", ".join(plan.title for plan in planned[:index]) or "none"
        left = ", ".join(plan.title for plan in planned[index:])
        return CliError("\n".join([*lines, f"applied: {done}; not applied: {left}"]))

    def _plan(self, document: Document, coming: "_Coming") -> Planned:
        obj = document.object
        resource = self._session.discovery.by_kind(obj["apiVersion"], obj["kind"])
        if resource is None:
            if (obj["apiVersion"], obj["kind"]) in coming.kinds:
                return Planned(document, _unknown_yet(document, self._session), None)
            raise CliError(self._session.discovery.kind_advice(obj["apiVersion"], obj["kind"]))
        name, namespace = name_of(obj), namespace_of(obj)
        if not name:
            why = (
                "generateName can't be applied, "
                if get_path(obj, "metadata", "generateName")
                else ""
            )
            raise CliError(f"{why}metadata.name is missing")
        if resource.namespaced:
            self._check_namespace(namespace)
            namespace = namespace or self._session.namespace
        elif namespace:
            raise CliError(f"{resource.kind} has no namespace: remove metadata.namespace")
        target = Target(resource, namespace or None, name)
        return Planned(document, target, self._current(target))

    def _check_namespace(self, namespace: str) -> None:
        if self._session.namespace_given and namespace not in ("", self._session.namespace):
            raise CliError(
                f'metadata.namespace is "{namespace}", but -n says "{self._session.namespace}"'
            )

    def _current(self, target: Target) -> Object | None:
        try:
            found: Object = self._session.client.get(target.path)
        except ApiFailure as error:
            if error.http_code == 404:
                return None
            raise
        return found

    def _dry_run(self, plan: Planned, coming: "_Coming") -> str:
        """What would happen; raises CliError on what the server refuses."""
        if not plan.target.resource.plural:
            return "created"  # its kind comes with this manifest: nobody can check it yet
        try:
            code, answer = self._patch(plan.target, plan.document.object, dry_run=True)
            return _verb(code, plan.old, answer)
        except ApiFailure as error:
            namespace = plan.target.namespace
            if error.details.get("kind") != "namespaces" or namespace is None:
                raise
            if namespace not in coming.namespaces:
                raise CliError(
                    f'metadata.namespace: there is no namespace "{namespace}": create it with '
                    "a Namespace document in this manifest, or choose one of `mk get namespaces`"
                ) from error
            self._dry_run_elsewhere(plan)
            return "created"

    def _dry_run_elsewhere(self, plan: Planned) -> None:
        """Its namespace comes with this manifest: checked in `default`, under a name that is
        free there.
        """
        target = Target(plan.target.resource, "default", plan.target.name)
        if self._current(target) is not None:
            target = Target(plan.target.resource, "default", f"mk-check-{secrets.token_hex(4)}")
        obj = plan.document.object
        metadata = {**obj["metadata"], "namespace": "default", "name": target.name}
        self._patch(target, {**obj, "metadata": metadata}, dry_run=True)

    def _patch(
        self, target: Target, obj: dict[str, Any], *, dry_run: bool = False
    ) -> tuple[int, Any]:
        query = {
            "fieldManager": FIELD_MANAGER,
            "fieldValidation": "Strict",
            "force": self._force or None,
            "dryRun": "All" if dry_run else None,
        }
        if target.namespace and not namespace_of(obj):
            metadata = {**(obj.get("metadata") or {}), "namespace": target.namespace}
            obj = {**obj, "metadata": metadata}
        try:
            return self._session.client.exchange(
                "PATCH", target.path, query, obj, content_type=APPLY
            )
        except ApiFailure as error:
            if not _only_own_conflicts(error):
                raise _with_advice(error) from error
            query["force"] = True
            return self._session.client.exchange(
                "PATCH", target.path, query, obj, content_type=APPLY
            )

    def _late(self, plan: Planned) -> Target:
        """A kind that this manifest's own definition has just brought."""
        fresh = type(self._session.discovery)(self._session.client)
        obj = plan.document.object
        resource = fresh.by_kind(obj["apiVersion"], obj["kind"])
        if resource is None:
            raise CliError(fresh.kind_advice(obj["apiVersion"], obj["kind"]))
        namespace = plan.target.namespace if resource.namespaced else None
        return Target(resource, namespace, plan.target.name)


@dataclass(frozen=True)
class _Coming:
    """What the manifest itself brings before the rest is written."""

    namespaces: frozenset[str]
    kinds: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, documents: Sequence[Document]) -> "_Coming":
        objects = [document.object for document in documents]
        kinds = set()
        for obj in objects:
            if obj["kind"] == "CustomResourceDefinition":
                spec = obj.get("spec") or {}
                for version in spec.get("versions") or []:
                    api_version = f"{spec.get('group')}/{version.get('name')}"
                    kinds.add((api_version, (spec.get("names") or {}).get("kind", "")))
        namespaces = {name_of(obj) for obj in objects if obj["kind"] == "Namespace"}
        return cls(frozenset(namespaces), frozenset(kinds))


def _unknown_yet(document: Document, session: Session) -> Target:
    """A stand-in until the kind's definition is applied; its plural is not known yet."""
    obj = document.object
    group = obj["apiVersion"].rpartition("/")[0]
    resource = Resource(group, "", "", "", obj["kind"], (), (), True, ())
    return Target(resource, namespace_of(obj) or session.namespace, name_of(obj))


def _only_own_conflicts(error: ApiFailure) -> bool:
    """`mk scale` set what the manifest sets too: the same hand, the newer wish wins."""
    if error.http_code != 409 or error.reason != "Conflict" or not error.causes:
        return False
    own = (f'conflict with "{FIELD_MANAGER}"', f'conflict with "{FIELD_MANAGER}-')
    return all(cause.get("message", "").startswith(own) for cause in error.causes)


def _with_advice(error: ApiFailure) -> ApiFailure:
    if error.http_code == 409 and error.causes and error.reason == "Conflict":
        fields = "; ".join(f"{c.get('field')}: {c.get('message')}" for c in error.causes)
        message = (
            f"{fields}: remove the fields from the manifest, or take them with --force-conflicts"
        )
        return ApiFailure({"message": message, "reason": "Conflict", "code": 409}, 409)
    return error


def _verb(code: int, old: Object | None, new: Object) -> str:
    if code == 201 or old is None:
        return "created"
    return "unchanged" if _substance(old) == _substance(new) else "configured"


def _substance(obj: Object) -> Object:
    """Without the bookkeeping of who set what."""
    metadata = {k: v for k, v in obj["metadata"].items() if k not in _BOOKKEEPING}
    return {**obj, "metadata": metadata}


def _say(plan: Planned, verb: str, suffix: str = "") -> None:
    style = {"created": "green", "configured": "yellow"}.get(verb, "dim")
    print(f"{plan.title} {styled(verb, style)}{suffix}", flush=True)
