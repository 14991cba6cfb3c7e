"""The paths part of the OpenAPI documents: which operations a resource has, with which parameters.

kubectl looks here for `fieldValidation` (does the server check fields itself?) and, for `explain`,
for the kind behind a resource; fuzzers read all of it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from minikube_py.apiserver.served import ServedResource, ServedSubresource
from minikube_py.meta.objects import GroupVersionKind

Node = dict[str, Any]
Reference = Callable[[GroupVersionKind, bool], Node]
"""The schema of a kind, or (True) of its list."""

_OPTIONS: dict[str, tuple[str, str]] = {
    "allowWatchBookmarks": ("boolean", "Ask for BOOKMARK events in a watch."),
    "continue": ("string", "Where a limited list goes on: the token of its last page."),
    "dryRun": ("string", "`All`: check everything, keep nothing."),
    "fieldManager": ("string", "Who owns the fields that are written."),
    "fieldSelector": ("string", "Only objects whose fields match."),
    "fieldValidation": (
        "string",
        "What unknown and doubled fields lead to: Ignore, Warn or Strict.",
    ),
    "force": ("boolean", "Take fields over from other managers; apply patches only."),
    "gracePeriodSeconds": ("integer", "How long a pod may take to stop."),
    "labelSelector": ("string", "Only objects whose labels match."),
    "limit": ("integer", "At most so many objects in one answer."),
    "orphanDependents": ("boolean", "Deprecated: use propagationPolicy."),
    "pretty": ("string", "`true` indents the answer."),
    "propagationPolicy": ("string", "Background, Foreground or Orphan."),
    "resourceVersion": ("string", "Which state to read, or where a watch begins."),
    "resourceVersionMatch": ("string", "Exact or NotOlderThan."),
    "sendInitialEvents": ("boolean", "Begin a watch with what exists."),
    "timeoutSeconds": ("integer", "When a list or watch ends at the latest."),
    "watch": ("boolean", "Changes as they happen instead of a list."),
}
_LISTING = (
    "allowWatchBookmarks", "continue", "fieldSelector", "labelSelector", "limit", "resourceVersion",
    "resourceVersionMatch", "sendInitialEvents", "timeoutSeconds", "watch",
)  # fmt: skip
_DELETING = ("dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy")
_WRITING = ("dryRun", "fieldManager", "fieldValidation")
_DELETE_OPTIONS = GroupVersionKind("", "v1", "DeleteOptions")
_PATCH = GroupVersionKind("", "v1", "Patch")
_STATUS = GroupVersionKind("", "v1", "Status")
_STRATEGIC = "application/strategic-merge-patch+json"
_PATCH_TYPES = (
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    _STRATEGIC,
)
_OBJECT_TYPES = ("application/json", "application/yaml")


@dataclass(frozen=True)
class _Verb:
    """`answers_list`: a list of the kind; `body`: the kind that is sent, None for none."""

    method: str
    action: str
    options: tuple[str, ...]
    answers_list: bool = False
    body: GroupVersionKind | None = None
    creates: bool = False


def paths_of(resource: ServedResource, reference: Reference, *, version: int) -> Mapping[str, Node]:
    """By path. `version` is OpenAPI's: 2 or 3."""
    gvk = resource.gvk
    root = f"/apis/{gvk.group}/{gvk.version}" if gvk.group else f"/api/{gvk.version}"
    scope = "/namespaces/{namespace}" if resource.namespaced else ""
    collection = f"{root}{scope}/{resource.plural}"
    found = {
        collection: list(_collection_verbs(resource)),
        f"{collection}/{{name}}": list(_object_verbs(resource)),
    }
    writer = _PathWriter(resource, reference, version)
    paths = {path: writer.path(path, verbs, gvk) for path, verbs in found.items() if verbs}
    if resource.namespaced and "list" in resource.verbs:
        everywhere = f"{root}/{resource.plural}"
        paths[everywhere] = writer.path(everywhere, [_list_verb()], gvk)
    for subresource in resource.subresources:
        path = f"{collection}/{{name}}/{subresource.name}"
        paths[path] = writer.path(path, list(_subresource_verbs(subresource)), subresource.responds)
    return paths


def _list_verb() -> _Verb:
    return _Verb("get", "list", _LISTING, answers_list=True)


def _collection_verbs(resource: ServedResource) -> Iterator[_Verb]:
    if "list" in resource.verbs:
        yield _list_verb()
    if "create" in resource.verbs:
        yield _Verb("post", "post", _WRITING, body=resource.gvk, creates=True)
    if "deletecollection" in resource.verbs:
        options = tuple(dict.fromkeys((*_LISTING, *_DELETING)))
        yield _Verb("delete", "deletecollection", options, body=_DELETE_OPTIONS)


def _object_verbs(resource: ServedResource) -> Iterator[_Verb]:
    if "get" in resource.verbs:
        yield _Verb("get", "get", ())
    if "update" in resource.verbs:
        yield _Verb("put", "put", _WRITING, body=resource.gvk)
    if "patch" in resource.verbs:
        yield _Verb("patch", "patch", (*_WRITING, "force"), body=_PATCH)
    if "delete" in resource.verbs:
        yield _Verb("delete", "delete", _DELETING, body=_DELETE_OPTIONS)


def _subresource_verbs(subresource: ServedSubresource) -> Iterator[_Verb]:
    kind = subresource.responds
    if "get" in subresource.verbs:
        yield _Verb("get", "get" if "patch" in subresource.verbs else "connect", ())
    if "update" in subresource.verbs:
        yield _Verb("put", "put", _WRITING, body=kind)
    if "patch" in subresource.verbs:
        yield _Verb("patch", "patch", (*_WRITING, "force"), body=_PATCH)
    if "create" in subresource.verbs:
        is_stream = kind.kind.endswith("Options")
        action = "connect" if is_stream else "post"
        yield _Verb("post", action, (), body=None if is_stream else kind, creates=not is_stream)


class _PathWriter:
    def __init__(self, resource: ServedResource, reference: Reference, version: int) -> None:
        self._resource = resource
        self._reference = reference
        self._version = version

    def path(self, path: str, verbs: list[_Verb], gvk: GroupVersionKind) -> Node:
        node: Node = {verb.method: self._operation(path, verb, gvk) for verb in verbs}
        node["parameters"] = [
            self._parameter(name, "path", "string", f"The {name} of the {gvk.kind}.")
            for name in ("name", "namespace")
            if f"{{{name}}}" in path
        ] + [self._parameter("pretty", "query", *_OPTIONS["pretty"])]
        return node

    def _operation(self, path: str, verb: _Verb, gvk: GroupVersionKind) -> Node:
        words = [part for part in path.replace("{", "").replace("}", "").split("/") if part]
        node: Node = {
            "operationId": verb.action + "".join(word.title().replace(".", "") for word in words),
            "tags": [f"{self._resource.gvk.group or 'core'}_{self._resource.gvk.version}"],
            "description": f"{verb.action} {gvk.kind}",
            "parameters": [
                self._parameter(name, "query", *_OPTIONS[name]) for name in verb.options
            ],
            "responses": self._responses(verb, gvk),
            "x-kubernetes-action": verb.action,
            "x-kubernetes-group-version-kind": {
                "group": gvk.group,
                "version": gvk.version,
                "kind": gvk.kind,
            },
        }
        if verb.body is not None:
            self._add_body(node, verb, verb.body)
        return node

    def _responses(self, verb: _Verb, gvk: GroupVersionKind) -> Node:
        answers = _STATUS if verb.action in ("delete", "deletecollection") else gvk
        schema = self._reference(answers, verb.answers_list)
        codes = (
            {"200": "OK", "201": "Created"}
            if verb.creates or verb.method in ("put", "patch")
            else {"200": "OK"}
        )
        responses = {code: self._response(text, schema) for code, text in codes.items()}
        responses["401"] = {"description": "Unauthorized"}
        return responses

    def _response(self, text: str, schema: Node) -> Node:
        if self._version == 2:
            return {"description": text, "schema": schema}
        return {"description": text, "content": {"application/json": {"schema": schema}}}

    def _parameter(self, name: str, place: str, type_: str, description: str) -> Node:
        node: Node = {"name": name, "in": place, "description": description, "uniqueItems": True}
        if place == "path":
            node["required"] = True
        if self._version == 2:
            return {**node, "type": type_}
        del node["uniqueItems"]
        return {**node, "schema": {"type": type_, "uniqueItems": True}}

    def _patch_types(self) -> tuple[str, ...]:
        """kubectl patches with the strategic one where it is offered."""
        if self._resource.custom is None:
            return _PATCH_TYPES
        return tuple(name for name in _PATCH_TYPES if name != _STRATEGIC)

    def _add_body(self, node: Node, verb: _Verb, kind: GroupVersionKind) -> None:
        schema = self._reference(kind, False)
        types = self._patch_types() if verb.method == "patch" else _OBJECT_TYPES
        required = kind != _DELETE_OPTIONS
        if self._version == 2:
            body = {"name": "body", "in": "body", "required": required, "schema": schema}
            node["parameters"].append(body)
            node["consumes"] = list(types)
            return
        node["requestBody"] = {
            "content": {type_: {"schema": schema} for type_ in types},
            "required": required,
        }
