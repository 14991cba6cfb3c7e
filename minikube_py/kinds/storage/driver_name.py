"""The name of a storage driver, as others refer to it."""

from minikube_py.kinds.fields import invalid, required, too_long
from minikube_py.meta.errors import FieldError
from minikube_py.meta.names import subdomain_problem

_MAX = 63


def validate_driver_name(name: str, path: str) -> list[FieldError]:
    if not name:
        return [required(path)]
    errors = [too_long(path, _MAX)] if len(name) > _MAX else []
    problem = subdomain_problem(name.lower())
    return [*errors, invalid(path, name, problem)] if problem else errors
