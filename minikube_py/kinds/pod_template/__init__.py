"""The PodSpec, as Pods and the templates of workloads share it: defaults and validation."""

from minikube_py.kinds.pod_template.defaults import default_pod_spec, default_template
from minikube_py.kinds.pod_template.placement import validate_node_selector
from minikube_py.kinds.pod_template.spec import validate_pod_spec
from minikube_py.kinds.pod_template.volumes import validate_source
from minikube_py.kinds.pod_template.workload import (
    template_containers_columns,
    validate_any_template,
    validate_selector_and_template,
    validate_template,
)

__all__ = [
    "default_pod_spec",
    "default_template",
    "template_containers_columns",
    "validate_any_template",
    "validate_node_selector",
    "validate_pod_spec",
    "validate_selector_and_template",
    "validate_source",
    "validate_template",
]
