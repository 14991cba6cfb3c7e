"""A PriorityClass: a name for how much Pods matter; it may take the place of lesser ones.

That only one class is the default of all Pods is admission's to see to.
"""

from collections.abc import Mapping, Sequence

from minikube_py.kinds.columns import AGE, NAME, from_path
from minikube_py.kinds.fields import check_choice, check_immutable, forbidden
from minikube_py.kinds.kind import Column, Kind
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, name_of

HIGHEST_USER_PRIORITY = 1_000_000_000
SYSTEM_PREFIX = "system-"
SYSTEM_CLASSES: Mapping[str, int] = {
    "system-cluster-critical": 2 * HIGHEST_USER_PRIORITY,
    "system-node-critical": 2 * HIGHEST_USER_PRIORITY + 1000,
}
PREEMPT = "PreemptLowerPriority"


def default_class(obj: Object) -> None:
    if not obj.get("preemptionPolicy"):
        obj["preemptionPolicy"] = PREEMPT
    obj.setdefault("value", 0)


def prepare(new: Object, old: Object | None) -> None:
    """The generation is 1 and stays so: what matters of a class can't change."""
    if old is None:
        new["metadata"]["generation"] = 1


def validate_create(obj: Object) -> Sequence[FieldError]:
    name, value = name_of(obj), obj.get("value") or 0
    errors = []
    if name.startswith(SYSTEM_PREFIX):
        errors += _validate_system_class(obj, name, value)
    elif value > HIGHEST_USER_PRIORITY:
        detail = f"maximum allowed value of a user defined priority is {HIGHEST_USER_PRIORITY}"
        errors.append(forbidden("value", detail))
    return errors + check_choice("preemptionPolicy", obj["preemptionPolicy"], (PREEMPT, "Never"))


def _validate_system_class(obj: Object, name: str, value: int) -> list[FieldError]:
    expected = SYSTEM_CLASSES.get(name)
    if expected is None:
        problem = f"{name} is not a known system priority class"
    elif value != expected:
        problem = f"value of {name} PriorityClass must be {expected}"
    elif obj.get("globalDefault"):
        problem = f"globalDefault of {name} PriorityClass must be false"
    else:
        return []
    detail = (
        f"priority class names with '{SYSTEM_PREFIX}' prefix are reserved for system use only. "
        f"error: {problem}"
    )
    return [forbidden("metadata.name", detail)]


def validate_update(new: Object, old: Object) -> Sequence[FieldError]:
    errors = []
    if (new.get("value") or 0) != (old.get("value") or 0):
        errors.append(forbidden("value", "may not be changed in an update."))
    field = "preemptionPolicy"
    return errors + check_immutable(field, new.get(field), old.get(field))


KIND = Kind(
    group="scheduling.k8s.io",
    version="v1",
    kind="PriorityClass",
    plural="priorityclasses",
    columns=(
        NAME,
        Column(
            "Value",
            from_path("value", default=0),
            type="integer",
            description="The priority of Pods of this class; more goes first.",
        ),
        Column(
            "Global-Default",
            from_path("globalDefault", default=False),
            type="boolean",
            description="Whether Pods that name no class are of this one.",
        ),
        AGE,
        Column(
            "PreemptionPolicy",
            from_path("preemptionPolicy"),
            description="Whether Pods of this class may take the place of lesser ones.",
        ),
    ),
    short_names=("pc",),
    namespaced=False,
    has_status=False,
    has_generation=False,
    default=default_class,
    prepare=prepare,
    validate_create=validate_create,
    validate_update=validate_update,
)
