"""A MutatingWebhookConfiguration: who is asked before a change is stored, and may alter it."""

from collections.abc import Sequence

from minikube_py.kinds.admissionregistration.rules import GROUP, REINVOCATION_POLICIES
from minikube_py.kinds.admissionregistration.webhooks import (
    WEBHOOK_COLUMNS,
    default_webhooks,
    validate_webhooks,
)
from minikube_py.kinds.fields import check_choice
from minikube_py.kinds.kind import Kind
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object


def default_configuration(obj: Object) -> None:
    default_webhooks(obj)
    for hook in obj.get("webhooks") or []:
        if not hook.get("reinvocationPolicy"):
            hook["reinvocationPolicy"] = "Never"


def validate_create(obj: Object) -> Sequence[FieldError]:
    errors = [*validate_webhooks(obj)]
    for index, hook in enumerate(obj.get("webhooks") or []):
        path = f"webhooks[{index}].reinvocationPolicy"
        errors += check_choice(path, hook["reinvocationPolicy"], REINVOCATION_POLICIES)
    return errors


KIND = Kind(
    group=GROUP,
    version="v1",
    kind="MutatingWebhookConfiguration",
    plural="mutatingwebhookconfigurations",
    columns=WEBHOOK_COLUMNS,
    categories=("api-extensions",),
    namespaced=False,
    has_status=False,
    default=default_configuration,
    validate_create=validate_create,
)
