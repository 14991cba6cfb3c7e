"""What classes of storage share: the parameters that their drivers read."""

from collections.abc import Mapping

from minikube_py.kinds.fields import required, too_long, too_many
from minikube_py.meta.errors import FieldError

_MAX_COUNT = 512
_MAX_BYTES = 256 * 1024


def validate_parameters(parameters: Mapping[str, str]) -> list[FieldError]:
    size = sum(len(key) + len(value) for key, value in parameters.items())
    errors = []
    if len(parameters) > _MAX_COUNT:
        errors.append(too_many("parameters", len(parameters), _MAX_COUNT))
    if size > _MAX_BYTES:
        errors.append(too_long("parameters", _MAX_BYTES))
    if "" in parameters:
        errors.append(required("parameters", "must not have an empty key"))
    return errors
