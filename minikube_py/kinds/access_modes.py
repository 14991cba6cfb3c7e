"""Access modes and volume modes, as volumes and claims share them."""

from collections.abc import Sequence

from minikube_py.kinds.fields import not_supported, required
from minikube_py.meta.errors import FieldError

_SHORT = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}
VOLUME_MODES = ("Block", "Filesystem")


def short_modes(modes: Sequence[str] | None) -> str:
    """`RWO,ROX`, in kubectl's order."""
    return ",".join(short for mode, short in _SHORT.items() if mode in (modes or []))


def validate_access_modes(
    modes: Sequence[str] | None, path: str, *, detail: str = ""
) -> list[FieldError]:
    if not modes:
        return [required(path, detail)]
    return [not_supported(path, mode, _SHORT) for mode in modes if mode not in _SHORT]
