"""A ServiceAccount: who a Pod is to the API."""

from minikube_py.kinds.columns import AGE, NAME, from_object
from minikube_py.kinds.kind import Column, Kind

KIND = Kind(
    group="",
    version="v1",
    kind="ServiceAccount",
    plural="serviceaccounts",
    columns=(
        NAME,
        Column(
            "Secrets",
            from_object(lambda obj: len(obj.get("secrets") or [])),
            type="integer",
            description="How many secrets the pods of this account may use.",
        ),
        AGE,
    ),
    short_names=("sa",),
    has_status=False,
    has_generation=False,
    subresources=("token",),
)
