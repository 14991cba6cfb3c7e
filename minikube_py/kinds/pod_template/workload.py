"""What the kinds that make Pods share: selector, template and their columns."""

from collections.abc import Callable, Collection

from minikube_py.kinds.columns import from_object, from_path
from minikube_py.kinds.dev_annotations import validate_dev_annotations
from minikube_py.kinds.fields import (
    forbidden,
    invalid,
    not_supported,
    required,
    validate_annotations,
    validate_labels,
    validate_selector,
)
from minikube_py.kinds.kind import Column
from minikube_py.kinds.pod_template.spec import validate_pod_spec
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object, get_path
from minikube_py.meta.selectors import from_label_selector


def validate_selector_and_template(
    spec: Object, kind: str, *, more_volumes: Collection[str] = (), owner: str = "ReplicaSet"
) -> list[FieldError]:
    """`spec.selector`, `spec.template` and that one matches the other; `kind` and `owner` are for
    the messages.
    """
    selector, template = spec.get("selector"), spec.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    errors: list[FieldError] = []
    if selector is None:
        errors.append(required("spec.selector"))
    else:
        errors += validate_selector(selector, "spec.selector")
        if not selector.get("matchLabels") and not selector.get("matchExpressions"):
            detail = f"empty selector is invalid for {kind}"
            errors.append(invalid("spec.selector", selector, detail))
    parsed = from_label_selector(selector) if not errors else None
    if parsed is not None and not parsed.matches(labels):
        at = "spec.template.metadata.labels"
        errors.append(invalid(at, labels, "`selector` does not match template `labels`"))
    at = "spec.template"
    return errors + validate_template(template, at, more_volumes=more_volumes, owner=owner)


def validate_template(
    template: Object,
    path: str,
    *,
    more_volumes: Collection[str] = (),
    owner: str = "ReplicaSet",
) -> list[FieldError]:
    """A PodTemplateSpec whose Pods are kept running: they must restart always."""
    errors = validate_any_template(template, path, more_volumes=more_volumes)
    spec = template.get("spec") or {}
    policy = spec.get("restartPolicy")
    if policy in ("OnFailure", "Never"):
        errors.append(not_supported(f"{path}.spec.restartPolicy", policy, ("Always",)))
    if spec.get("activeDeadlineSeconds") is not None:
        at = f"{path}.spec.activeDeadlineSeconds"
        errors.append(forbidden(at, f"activeDeadlineSeconds in {owner} is not Supported"))
    return errors


def validate_any_template(
    template: Object, path: str, *, more_volumes: Collection[str] = ()
) -> list[FieldError]:
    """A PodTemplateSpec whose Pods may end, as those of Jobs do."""
    metadata, spec = template.get("metadata") or {}, template.get("spec") or {}
    errors = validate_labels(metadata.get("labels"), f"{path}.metadata.labels")
    errors += validate_annotations(metadata.get("annotations"), f"{path}.metadata.annotations")
    errors += validate_dev_annotations(
        metadata.get("annotations") or {}, f"{path}.metadata.annotations"
    )
    errors += validate_pod_spec(spec, f"{path}.spec", more_volumes=more_volumes)
    if spec.get("ephemeralContainers"):
        at = f"{path}.spec.ephemeralContainers"
        errors.append(forbidden(at, "ephemeral containers not allowed in pod template"))
    return errors


REPLICA_COLUMNS = (
    Column(
        "Desired",
        from_path("spec", "replicas", default=0),
        type="integer",
        description="How many pods there should be.",
    ),
    Column(
        "Current",
        from_path("status", "replicas", default=0),
        type="integer",
        description="How many pods there are.",
    ),
    Column(
        "Ready",
        from_path("status", "readyReplicas", default=0),
        type="integer",
        description="How many pods are ready.",
    ),
)


def template_containers_columns(*path: str, priority: int = 1) -> tuple[Column, Column]:
    """CONTAINERS and IMAGES, of `-o wide` mostly; `path` leads to the template, spec.template if
    not said.
    """
    template = path or ("spec", "template")
    return (
        Column(
            "Containers",
            from_object(_each_container("name", template)),
            priority=priority,
            description="Names of each container in the template.",
        ),
        Column(
            "Images",
            from_object(_each_container("image", template)),
            priority=priority,
            description="Images referenced by each container in the template.",
        ),
    )


def _each_container(field: str, template: tuple[str, ...]) -> Callable[[Object], str]:
    def text(obj: Object) -> str:
        containers = get_path(obj, *template, "spec", "containers", default=[])
        return ",".join(container.get(field) or "" for container in containers)

    return text
