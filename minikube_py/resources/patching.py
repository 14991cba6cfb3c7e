"""PATCH: the stored object, changed by a patch, goes through the same pipeline as an update.

Server-side apply is one of the patch types; it alone makes an object that isn't there, and brings
its own ownership.
"""

from typing import Any

from minikube_py.kinds import fields
from minikube_py.kinds.kind import Kind
from minikube_py.kinds.schema import did_you_mean, schema_for, unknown_fields
from minikube_py.meta.errors import (
    AlreadyExists,
    BadRequest,
    Conflict,
    Invalid,
    NotFound,
    UnsupportedMediaType,
)
from minikube_py.meta.objects import Object, uid_of
from minikube_py.resources.apply.server_side import apply_configuration
from minikube_py.resources.carry_over import check_identity
from minikube_py.resources.decode import decode_object
from minikube_py.resources.options import Patch, Written
from minikube_py.resources.patch import patched
from minikube_py.resources.scale import scale_of, with_scale
from minikube_py.resources.write import Draft, Request, Writes
from minikube_py.store.interface import WriteConflict

_APPLY_ATTEMPTS = 5
_SHOWN = 256
_NO_STRATEGIC = (
    "the body of the request was in an unknown format - accepted media types include: "
    "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
)


async def patch_object(writes: Writes, request: Request, patch: Patch) -> Written:
    """Raises NotFound, Conflict, BadRequest, Invalid."""
    if request.subresource == "scale":
        return await _patch_scale(writes, request, patch)
    if patch.type == "apply":
        return await _apply(writes, request, patch.body)
    if patch.type == "strategic" and request.kind.is_custom:
        raise UnsupportedMediaType(_NO_STRATEGIC)

    def produce(old: Object) -> Draft:
        document = patched(old, patch, request.kind)
        try:
            return Draft(*decode_object(request.kind, document, request.options.field_validation))
        except BadRequest as error:
            raise _no_object_any_more(patch, error) from error

    return await writes.rewrite(request, produce)


def _no_object_any_more(patch: Patch, error: BadRequest) -> Invalid:
    """The patch is well-formed; what it makes of the object is not."""
    shown = fields.show(patch.body)
    if len(shown) > _SHOWN:
        shown = shown[:_SHOWN] + "..."
    return Invalid.of("", "", "", [fields.invalid("patch", shown, error.message)])


async def update_scale(writes: Writes, request: Request, scale: Any) -> Written:
    """The answer is a Scale again."""
    written = await writes.rewrite(request, lambda old: Draft(with_scale(request.kind, old, scale)))
    return Written(scale_of(request.kind, written.object), warnings=written.warnings)


async def _patch_scale(writes: Writes, request: Request, patch: Patch) -> Written:
    if patch.type == "apply":
        raise UnsupportedMediaType(
            "server-side apply of /scale is not served; send a merge patch, or apply the object "
            "itself"
        )
    kind = request.kind

    def produce(old: Object) -> Draft:
        # A Scale has no lists: its strategic merge patch is a merge patch.
        simple = Patch("json" if patch.type == "json" else "merge", patch.body)
        return Draft(with_scale(kind, old, patched(scale_of(kind, old), simple, kind)))

    written = await writes.rewrite(request, produce)
    return Written(scale_of(kind, written.object), warnings=written.warnings)


async def _apply(writes: Writes, request: Request, body: Any) -> Written:
    _check_apply(request, body)
    _refuse_unknown(request, body)
    config, warnings = decode_object(request.kind, body, request.options.field_validation)
    check_identity(request.target, config)
    config = _served_part(request.kind, config, request.subresource)
    met: WriteConflict | None = None
    for _ in range(_APPLY_ATTEMPTS):
        try:
            return await writes.rewrite(
                request, lambda old: _applied(writes, request, old, config, warnings), after=met
            )
        except NotFound:
            if request.subresource:
                raise
            _refuse_uid(request, config)
        try:
            draft = _applied(writes, request, None, config, warnings)
            return await writes.create_draft(request.kind, draft, request.options)
        except AlreadyExists as error:
            met = error.__cause__ if isinstance(error.__cause__, WriteConflict) else None
    raise request.target.modified()


def _applied(
    writes: Writes,
    request: Request,
    live: Object | None,
    config: Object,
    warnings: tuple[str, ...],
) -> Draft:
    applied = apply_configuration(
        live,
        config,
        schema_for(request.kind),
        writes.writer(request),
        force=request.options.force,
    )
    return Draft(applied.obj, warnings, applied.managed_fields)


def _check_apply(request: Request, body: Any) -> None:
    if not request.options.field_manager:
        errors = [fields.required("fieldManager", "is required for apply patch")]
        raise Invalid.of("meta.k8s.io", "PatchOptions", "", errors)
    if not isinstance(body, dict) or not body.get("apiVersion") or not body.get("kind"):
        raise BadRequest("an apply configuration must be an object with apiVersion and kind")
    metadata = body.get("metadata")
    if isinstance(metadata, dict) and metadata.get("managedFields"):
        raise BadRequest("metadata.managedFields must be nil")


def _refuse_unknown(request: Request, body: Object) -> None:
    """Whatever fieldValidation says: nobody can own a field that doesn't exist."""
    kind, target = request.kind, request.target
    unknown = unknown_fields(body, kind)
    if not unknown:
        return
    place = f"{target.namespace}/{target.name}" if target.namespace else f"/{target.name}"
    problems = [f".{path}: field not declared in schema{_hint(kind, path)}" for path in unknown]
    raise BadRequest(
        f"failed to create typed patch object ({place}; {kind.api_version}, Kind={kind.kind}): "
        + "; ".join(problems)
    )


def _hint(kind: Kind, path: str) -> str:
    meant = did_you_mean(path, kind)
    return f' (did you mean "{meant}"?)' if meant else ""


def _served_part(kind: Kind, config: Object, subresource: str) -> Object:
    """Without the half of the object that is written elsewhere: nobody owns what is ignored."""
    if not kind.has_status:
        return config
    ignored = "spec" if subresource == "status" else "status"
    return {name: value for name, value in config.items() if name != ignored}


def _refuse_uid(request: Request, config: Object) -> None:
    target, uid = request.target, uid_of(config)
    if uid:
        why = (
            f"uid mismatch: the provided object specified uid {uid}, and no existing object was "
            "found"
        )
        raise Conflict.of(target.kind.group, target.kind.plural, target.name, why)
