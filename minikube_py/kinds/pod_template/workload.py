"""What Deployments, ReplicaSets and StatefulSets share: selector, template and their columns."""

from collections.abc import Callable, Collection

from minikube_py.kinds.columns import from_object
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
    spec: Object, kind: str, *, more_volumes: Collection[str] = ()
) -> list[FieldError]:
    """`spec.selector`, `spec.template` and that one matches the other; `kind` for the message."""
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
    return errors + validate_template(template, "spec.template", more_volumes=more_volumes)


def validate_template(
    template: Object, path: str, *, more_volumes: Collection[str] = ()
) -> list[FieldError]:
    """A PodTemplateSpec whose Pods are kept running: they must restart always."""
    metadata, spec = template.get("metadata") or {}, template.get("spec") or {}
    errors = validate_labels(metadata.get("labels"), f"{path}.metadata.labels")
    errors += validate_annotations(metadata.get("annotations"), f"{path}.metadata.annotations")
    errors += validate_pod_spec(spec, f"{path}.spec", more_volumes=more_volumes)
    policy = spec.get("restartPolicy")
    if policy in ("OnFailure", "Never"):
        errors.append(not_supported(f"{path}.spec.restartPolicy", policy, ("Always",)))
    if spec.get("activeDeadlineSeconds") is not None:
        at = f"{path}.spec.activeDeadlineSeconds"
        errors.append(forbidden(at, "activeDeadlineSeconds in ReplicaSet is not Supported"))
    if spec.get("ephemeralContainers"):
        at = f"{path}.spec.ephemeralContainers"
        errors.append(forbidden(at, "ephemeral containers not allowed in pod template"))
    return errors


def template_containers_columns() -> tuple[Column, Column]:
    """CONTAINERS and IMAGES of `-o wide`."""
    return (
        Column(
            "Containers",
            from_object(_each_container("name")),
            priority=1,
            description="Names of each container in the template.",
        ),
        Column(
            "Images",
            from_object(_each_container("image")),
            priority=1,
            description="Images referenced by each container in the template.",
        ),
    )


def _each_container(field: str) -> Callable[[Object], str]:
    def text(obj: Object) -> str:
        containers = get_path(obj, "spec", "template", "spec", "containers", default=[])
        return ",".join(container.get(field) or "" for container in containers)

    return text
