"""A ValidatingWebhookConfiguration: who is asked before a change is stored, and may say no."""

from minikube_py.kinds.admissionregistration.rules import GROUP
from minikube_py.kinds.admissionregistration.webhooks import (
    WEBHOOK_COLUMNS,
    default_webhooks,
    validate_webhooks,
)
from minikube_py.kinds.kind import Kind

KIND = Kind(
    group=GROUP,
    version="v1",
    kind="ValidatingWebhookConfiguration",
    plural="validatingwebhookconfigurations",
    columns=WEBHOOK_COLUMNS,
    categories=("api-extensions",),
    namespaced=False,
    has_status=False,
    default=default_webhooks,
    validate_create=validate_webhooks,
)
