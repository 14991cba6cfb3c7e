"""LimitRange: fills in what containers leave open, then holds Pods and claims to its bounds
(plugin/pkg/admission/limitranger). One step in each of the two chains.
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from minikube_py.kinds.catalog import LIMIT_RANGE, PERSISTENT_VOLUME_CLAIM, POD
from minikube_py.meta.objects import Object, get_path
from minikube_py.meta.quantity import format_quantity, parse_quantity
from minikube_py.resources.admission.request import AdmissionRequest, Lookup
from minikube_py.resources.pod_totals import Quantities, container_totals, parsed

ANNOTATION = "kubernetes.io/limit-ranger"

Bounds = Mapping[str, Any]
Check = Callable[["Subject", str, str], str | None]


def default_limits(request: AdmissionRequest, lookup: Lookup) -> None:
    """Containers get the namespace's default requests and limits; an annotation tells which."""
    if not request.is_a(POD, "CREATE"):
        return
    told: list[str] = []
    for limit_range in lookup.find_all(LIMIT_RANGE, request.namespace):
        for item in _items(limit_range, "Container"):
            for words, container in _containers(request.obj):
                told += _fill_in(words, container, item)
    if told:
        annotations = request.obj["metadata"].setdefault("annotations", {})
        annotations[ANNOTATION] = f"LimitRanger plugin set: {'; '.join(told)}"


def enforce_limits(request: AdmissionRequest, lookup: Lookup) -> None:
    if not _is_bounded(request):
        return
    problems: list[str] = []
    for limit_range in lookup.find_all(LIMIT_RANGE, request.namespace):
        for item in get_path(limit_range, "spec", "limits", default=[]):
            for subject in _subjects(request, item["type"]):
                problems += _problems(subject, item)
    if problems:
        raise request.forbidden(problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]")


def _is_bounded(request: AdmissionRequest) -> bool:
    if request.kind is POD:
        # What a Pod asks for changes only when it is resized.
        return request.is_a(POD, "CREATE") or request.subresource == "resize"
    writes = request.operation in ("CREATE", "UPDATE") and not request.subresource
    return request.kind is PERSISTENT_VOLUME_CLAIM and writes


# --- filling in -----------------------------------------------------------------------------------


def _fill_in(words: str, container: dict[str, Any], item: Bounds) -> list[str]:
    """What was set, as the annotation says it."""
    resources = container.get("resources") or {}
    told = []
    for field, bound in (("requests", "defaultRequest"), ("limits", "default")):
        listed = resources.get(field) or {}
        missing = {
            name: value for name, value in (item.get(bound) or {}).items() if name not in listed
        }
        if missing:
            resources[field] = {**listed, **missing}
            told.append(
                f"{', '.join(sorted(missing))} {field[:-1]} for {words} {container.get('name', '')}"
            )
    if told:
        container["resources"] = resources
    return told


def _containers(pod: Object) -> Iterator[tuple[str, dict[str, Any]]]:
    spec = pod.get("spec") or {}
    for container in spec.get("containers") or []:
        yield "container", container
    for container in spec.get("initContainers") or []:
        yield "init container", container


# --- bounds ---------------------------------------------------------------------------------------


class Subject:
    """Something with requests and limits that a bound is about."""

    def __init__(self, type_: str, requests: Quantities, limits: Quantities) -> None:
        self.type = type_
        self.requests = requests
        self.limits = limits


def _subjects(request: AdmissionRequest, type_: str) -> Iterator[Subject]:
    obj = request.obj
    if request.kind is PERSISTENT_VOLUME_CLAIM:
        if type_ == "PersistentVolumeClaim":
            yield Subject(type_, parsed(get_path(obj, "spec", "resources", "requests")), {})
    elif type_ == "Pod":
        yield Subject(type_, container_totals(obj, "requests"), container_totals(obj, "limits"))
    elif type_ == "Container":
        for _, container in _containers(obj):
            resources = container.get("resources") or {}
            yield Subject(type_, parsed(resources.get("requests")), parsed(resources.get("limits")))


def _problems(subject: Subject, item: Bounds) -> Iterator[str]:
    most = _above_request if subject.type == "PersistentVolumeClaim" else _above
    checks: tuple[tuple[str, Check], ...] = (
        ("min", _below),
        ("max", most),
        ("maxLimitRequestRatio", _too_far_apart),
    )
    for bound, check in checks:
        for name, value in (item.get(bound) or {}).items():
            problem = check(subject, name, value)
            if problem:
                yield problem


def _below(subject: Subject, name: str, bound: str) -> str | None:
    said = f"minimum {name} usage per {subject.type} is {bound}"
    request, limit, least = _three(subject, name, bound)
    if request is None:
        return f"{said}.  No request is specified"
    if request < least:
        return f"{said}, but request is {_text(request, bound)}"
    if limit is not None and limit < least:
        return f"{said}, but limit is {_text(limit, bound)}"
    return None


def _above(subject: Subject, name: str, bound: str) -> str | None:
    said = f"maximum {name} usage per {subject.type} is {bound}"
    request, limit, most = _three(subject, name, bound)
    if limit is None:
        return f"{said}.  No limit is specified"
    if limit > most:
        return f"{said}, but limit is {_text(limit, bound)}"
    if request is not None and request > most:
        return f"{said}, but request is {_text(request, bound)}"
    return None


def _above_request(subject: Subject, name: str, bound: str) -> str | None:
    said = f"maximum {name} usage per {subject.type} is {bound}"
    request, _, most = _three(subject, name, bound)
    if request is None:
        return f"{said}.  No request is specified"
    return f"{said}, but request is {_text(request, bound)}" if request > most else None


def _too_far_apart(subject: Subject, name: str, bound: str) -> str | None:
    said = f"{name} max limit to request ratio per {subject.type} is {bound}"
    request, limit, most = _three(subject, name, bound)
    if not request:
        return f"{said}, but no request is specified or request is 0"
    if not limit:
        return f"{said}, but no limit is specified or limit is 0"
    ratio = limit / request
    return f"{said}, but provided ratio is {float(ratio):f}" if ratio > most else None


def _three(
    subject: Subject, name: str, bound: str
) -> tuple[Decimal | None, Decimal | None, Decimal]:
    """(request, limit, bound)."""
    return subject.requests.get(name), subject.limits.get(name), parse_quantity(bound)


def _text(value: Decimal, like: str) -> str:
    return format_quantity(value, binary=like.endswith("i") and value >= 1024)


def _items(limit_range: Object, type_: str) -> Iterator[Bounds]:
    for item in get_path(limit_range, "spec", "limits", default=[]):
        if item["type"] == type_:
            yield item
