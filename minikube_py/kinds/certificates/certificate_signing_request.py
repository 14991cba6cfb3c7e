"""A CertificateSigningRequest: somebody asks for a certificate, another approves, a signer signs.

Three writers, three doors: the request itself never changes, /approval writes the conditions that
allow or deny, /status the certificate. Who asks is stamped by admission.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from minikube_py.kinds.certificates.pem import certificate_problem, request_problem
from minikube_py.kinds.certificates.signer_name import selectable_signer, validate_signer_name
from minikube_py.kinds.columns import AGE, NAME, NONE, from_object, from_path
from minikube_py.kinds.fields import (
    check_unique,
    duplicate,
    forbidden,
    invalid,
    not_supported,
    required,
)
from minikube_py.kinds.kind import Column, Kind, Part
from minikube_py.kinds.stamps import written_at
from minikube_py.meta.errors import FieldError
from minikube_py.meta.names import path_segment_problem
from minikube_py.meta.objects import Object, get_path
from minikube_py.meta.timestamps import human_age

_USAGES = (
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
)
_DECISIONS = ("Approved", "Denied")
_LASTING = (*_DECISIONS, "Failed")
_LEGACY_SIGNER = "kubernetes.io/legacy-unknown"
_MIN_SECONDS = 600
_CONDITIONS = "status.conditions"


def prepare(new: Object, old: Object | None) -> None:
    """The request stays as it was made; decisions get the time at which they were written."""
    if old is None:
        new["status"] = {}
        return
    new["spec"] = old.get("spec") or {}
    known = {condition.get("type"): condition for condition in _conditions(old)}
    for condition in _conditions(new):
        before = known.get(condition.get("type"))
        _stamp(condition, before, written_at(new))


def _stamp(condition: Object, before: Object | None, now: str) -> None:
    if not condition.get("lastUpdateTime"):
        condition["lastUpdateTime"] = (before or {}).get("lastUpdateTime") or now
    if condition.get("lastTransitionTime"):
        return
    same = before is not None and before.get("status") == condition.get("status")
    condition["lastTransitionTime"] = (same and before and before.get("lastTransitionTime")) or now


def validate_create(obj: Object) -> Sequence[FieldError]:
    spec = obj.get("spec") or {}
    errors = _validate_request(spec)
    errors += _validate_usages(spec.get("usages") or [], "spec.usages")
    signer = spec.get("signerName") or ""
    if signer == _LEGACY_SIGNER:
        detail = "the legacy signerName is not allowed via this API version"
        errors.append(invalid("spec.signerName", signer, detail))
    else:
        errors += validate_signer_name(signer, "spec.signerName")
    seconds = spec.get("expirationSeconds")
    if seconds is not None and seconds < _MIN_SECONDS:
        detail = "may not specify a duration less than 600 seconds (10 minutes)"
        errors.append(invalid("spec.expirationSeconds", seconds, detail))
    return errors + _validate_conditions(_conditions(obj))


def _validate_request(spec: Object) -> list[FieldError]:
    request = spec.get("request") or ""
    problem = request_problem(request)
    return [invalid("spec.request", request, problem)] if problem else []


def _validate_usages(usages: Sequence[str], path: str) -> list[FieldError]:
    if not usages:
        return [required(path)]
    unknown = [
        not_supported(f"{path}[{index}]", usage, _USAGES)
        for index, usage in enumerate(usages)
        if usage not in _USAGES
    ]
    return unknown + check_unique(path, usages)


def _validate_conditions(conditions: Sequence[Object]) -> list[FieldError]:
    errors, seen = [], set()
    for index, condition in enumerate(conditions):
        path, type_ = f"{_CONDITIONS}[{index}]", condition.get("type") or ""
        if not type_:
            errors.append(required(f"{path}.type"))
        errors += _validate_condition_status(condition.get("status"), type_, path)
        if type_ in seen:
            errors.append(duplicate(f"{path}.type", type_))
        other = {"Approved": "Denied", "Denied": "Approved"}.get(type_)
        if other in seen:
            detail = "Approved and Denied conditions are mutually exclusive"
            errors.append(invalid(_CONDITIONS, type_, detail))
        seen.add(type_)
    return errors


def _validate_condition_status(status: str | None, type_: str, path: str) -> list[FieldError]:
    if not status:
        return [required(f"{path}.status")]
    allowed = ("True",) if type_ in _LASTING else ("True", "False", "Unknown")
    return [] if status in allowed else [not_supported(f"{path}.status", status, allowed)]


def validate_approval(new: Object, old: Object) -> Sequence[FieldError]:
    """Through /approval."""
    return _validate_kept(new, old)


def validate_status(new: Object, old: Object) -> Sequence[FieldError]:
    """Through /status: a certificate, once; the decision is not the signer's."""
    errors = _validate_conditions(_conditions(new))
    errors += _validate_kept(new, old) + _validate_decisions(new, old)
    path, ahead = "status.certificate", get_path(new, "status", "certificate")
    before = get_path(old, "status", "certificate")
    if ahead == before:
        return errors
    if before:
        errors.append(forbidden(path, "updates may not modify existing certificate content"))
    problem = certificate_problem(ahead) if ahead else None
    return [*errors, invalid(path, "<certificate data>", problem)] if problem else errors


def _validate_kept(new: Object, old: Object) -> list[FieldError]:
    return [
        forbidden(_CONDITIONS, f'updates may not remove a condition of type "{type_}"')
        for type_ in _LASTING
        if _of_type(old, type_) and not _of_type(new, type_)
    ]


def _validate_decisions(new: Object, old: Object) -> list[FieldError]:
    errors = []
    for type_ in _DECISIONS:
        ahead, before = _of_type(new, type_), _of_type(old, type_)
        if ahead and ahead != before:
            what = "modify" if before else "add"
            detail = f'updates may not {what} a condition of type "{type_}"'
            errors.append(forbidden(_CONDITIONS, detail))
    return errors


def _conditions(obj: Object) -> list[Object]:
    found: list[Object] = get_path(obj, "status", "conditions", default=[])
    return found


def _of_type(obj: Object, type_: str) -> list[Object]:
    return [condition for condition in _conditions(obj) if condition.get("type") == type_]


def _condition(obj: Object) -> str:
    text = "Pending"
    if _of_type(obj, "Denied"):
        text = "Denied"
    elif _of_type(obj, "Approved"):
        text = "Approved"
    if _of_type(obj, "Failed"):
        text += ",Failed"
    return f"{text},Issued" if get_path(obj, "status", "certificate") else text


def _duration(obj: Object) -> Any:
    seconds = get_path(obj, "spec", "expirationSeconds")
    return NONE if seconds is None else human_age(timedelta(seconds=seconds))


KIND = Kind(
    group="certificates.k8s.io",
    version="v1",
    kind="CertificateSigningRequest",
    plural="certificatesigningrequests",
    columns=(
        NAME,
        AGE,
        Column(
            "SignerName",
            from_path("spec", "signerName", default=NONE),
            description="Who is asked to sign.",
        ),
        Column("Requestor", from_path("spec", "username"), description="Who asks."),
        Column("RequestedDuration", from_object(_duration), description="For how long."),
        Column("Condition", from_object(_condition), description="What became of it."),
    ),
    short_names=("csr",),
    namespaced=False,
    has_generation=False,
    subresources=("approval",),
    parts={"approval": Part(("status", "conditions"), validate_approval)},
    name_problem=path_segment_problem,
    prepare=prepare,
    validate_create=validate_create,
    validate_status=validate_status,
    selectable_fields=selectable_signer,
)
