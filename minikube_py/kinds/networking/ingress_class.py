"""An IngressClass: which controller serves the Ingresses that name it."""

from collections.abc import Sequence

from minikube_py.kinds.columns import AGE, NAME, NONE, from_object, from_path
from minikube_py.kinds.fields import check, check_choice, check_immutable, forbidden, required
from minikube_py.kinds.kind import Column, Kind
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path


def default_class(obj: Object) -> None:
    parameters = get_path(obj, "spec", "parameters")
    if parameters is not None and not parameters.get("scope"):
        parameters["scope"] = "Cluster"


def validate_create(obj: Object) -> Sequence[FieldError]:
    spec = obj.get("spec") or {}
    errors = []
    if not spec.get("controller"):
        errors.append(required("spec.controller"))
    else:
        errors += check("spec.controller", spec["controller"], _controller_problem)
    parameters = spec.get("parameters")
    return errors if parameters is None else errors + _validate_parameters(parameters)


def _controller_problem(name: str) -> str | None:
    if len(name) > 250:
        return "must be no more than 250 characters"
    domain, slash, path = name.partition("/")
    if not slash or not path:
        return 'must be a domain-prefixed path (such as "acme.io/foo")'
    return names.subdomain_problem(domain)


def _validate_parameters(parameters: Object) -> list[FieldError]:
    at, scope = "spec.parameters", parameters.get("scope")
    errors = [required(f"{at}.{field}") for field in ("kind", "name") if not parameters.get(field)]
    errors += check_choice(f"{at}.scope", scope, ("Cluster", "Namespace"))
    if scope == "Namespace" and not parameters.get("namespace"):
        detail = "`parameters.scope` is set to 'Namespace'"
        errors.append(required(f"{at}.namespace", detail))
    if scope == "Cluster" and parameters.get("namespace"):
        detail = "`parameters.scope` is set to 'Cluster'"
        errors.append(forbidden(f"{at}.namespace", detail))
    return errors


def validate_update(new: Object, old: Object) -> Sequence[FieldError]:
    path = ("spec", "controller")
    return check_immutable("spec.controller", get_path(new, *path), get_path(old, *path))


def _parameters(obj: Object) -> str:
    parameters = get_path(obj, "spec", "parameters")
    if parameters is None:
        return NONE
    resource = (parameters.get("kind") or "").lower()
    if parameters.get("apiGroup"):
        resource += f".{parameters['apiGroup']}"
    return f"{resource}/{parameters.get('name') or ''}"


KIND = Kind(
    group="networking.k8s.io",
    version="v1",
    kind="IngressClass",
    plural="ingressclasses",
    columns=(
        NAME,
        Column(
            "Controller",
            from_path("spec", "controller"),
            description="Controller that is responsible for handling this class",
        ),
        Column(
            "Parameters",
            from_object(_parameters),
            description="A reference to a resource with additional parameters",
        ),
        AGE,
    ),
    namespaced=False,
    has_status=False,
    default=default_class,
    validate_create=validate_create,
    validate_update=validate_update,
)
