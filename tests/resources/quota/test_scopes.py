"""Which Pods a quota with scopes is about."""

from typing import Any

import pytest

from minikube_py.kinds.catalog import CONFIG_MAP, POD
from minikube_py.meta.objects import Object
from minikube_py.resources.quota.scopes import is_in_scope, traits_of

TERM = {"topologyKey": "zone", "namespaces": ["other"]}
AFFINITY = {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
    {"weight": 1, "podAffinityTerm": TERM}
]}}  # fmt: skip


def pod(**spec: Any) -> Object:
    return {"spec": {"containers": [{"name": "a"}], **spec}}


def scoped(*scopes: str) -> Object:
    return {"spec": {"scopes": list(scopes)}}


def selecting(operator: str, *values: str) -> Object:
    expression = {"scopeName": "PriorityClass", "operator": operator, "values": list(values)}
    return {"spec": {"scopeSelector": {"matchExpressions": [expression]}}}


@pytest.mark.parametrize(
    ("quota", "obj", "matches"),
    [
        pytest.param(scoped(), pod(), True, id="no-scope"),
        pytest.param(scoped("Terminating"), pod(activeDeadlineSeconds=5), True, id="deadline"),
        pytest.param(scoped("Terminating"), pod(), False, id="no-deadline"),
        pytest.param(scoped("NotTerminating"), pod(), True, id="not-terminating"),
        pytest.param(scoped("BestEffort"), pod(), True, id="best-effort"),
        pytest.param(scoped("NotBestEffort"), pod(), False, id="not-best-effort"),
        pytest.param(scoped("BestEffort", "Terminating"), pod(), False, id="all-scopes-must-match"),
        pytest.param(scoped("PriorityClass"), pod(priorityClassName="a"), True, id="has-class"),
        pytest.param(scoped("PriorityClass"), pod(), False, id="has-no-class"),
        pytest.param(selecting("In", "a", "b"), pod(priorityClassName="b"), True, id="in"),
        pytest.param(selecting("In", "a"), pod(), False, id="in-without-class"),
        pytest.param(selecting("NotIn", "a"), pod(), True, id="not-in-without-class"),
        pytest.param(selecting("DoesNotExist"), pod(), True, id="does-not-exist"),
        pytest.param(
            scoped("CrossNamespacePodAffinity"), pod(affinity=AFFINITY), True, id="affinity"
        ),
        pytest.param(scoped("CrossNamespacePodAffinity"), pod(), False, id="no-affinity"),
        pytest.param(scoped("NoSuchScope"), pod(), False, id="unknown"),
    ],
)
def test_a_quota_is_about_pods_in_all_its_scopes(quota: Object, obj: Object, matches: bool) -> None:
    assert is_in_scope(quota, traits_of(POD, obj)) is matches


def test_a_quota_with_scopes_is_not_about_other_kinds() -> None:
    assert is_in_scope(scoped(), traits_of(CONFIG_MAP, {}))
    assert not is_in_scope(scoped("NotTerminating"), traits_of(CONFIG_MAP, {}))
