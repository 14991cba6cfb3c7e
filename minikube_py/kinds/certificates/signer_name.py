"""The name of who signs certificates: a domain and a path, `example.com/signer`."""

from collections.abc import Mapping

from minikube_py.kinds.fields import invalid, required, show, too_long
from minikube_py.meta.errors import FieldError
from minikube_py.meta.names import label_problem, subdomain_problem
from minikube_py.meta.objects import Object, get_path

_MAX_DOMAIN, _MAX_PATH = 253, 253 + 1 + 63


def validate_signer_name(name: str, path: str) -> list[FieldError]:
    if not name:
        return [required(path)]
    domain, slash, rest = name.partition("/")
    if not slash or "/" in rest:
        detail = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
        return [invalid(path, name, detail)]
    errors = []
    if len(domain) > _MAX_DOMAIN:
        errors.append(too_long(path, _MAX_DOMAIN))
    for label in domain.split("."):
        problem = label_problem(label)
        if problem:
            errors.append(invalid(path, domain, f"validating label {show(label)}: {problem}"))
    if "." not in domain:
        detail = "should be a domain with at least two segments separated by dots"
        errors.append(invalid(path, domain, detail))
    for label in rest.split("."):
        problem = subdomain_problem(label)
        if problem:
            errors.append(invalid(path, rest, f"validating label {show(label)}: {problem}"))
    if len(rest) > _MAX_PATH:
        errors.append(too_long(path, _MAX_PATH))
    return errors


def selectable_signer(obj: Object) -> Mapping[str, str]:
    return {"spec.signerName": str(get_path(obj, "spec", "signerName", default=""))}
