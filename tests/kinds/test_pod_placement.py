from typing import Any

import pytest

from minikube_py.kinds.catalog import POD
from tests.kinds.builders import creation_errors, pod

TERM = "nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"


REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def _node_terms(**term: Any) -> dict[str, Any]:
    return {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [term]}}}


@pytest.mark.parametrize(
    ("affinity", "path", "message"),
    [
        (
            {"nodeAffinity": {REQUIRED: {}}},
            TERM,
            "Required value: must have at least one node selector term",
        ),
        (
            _node_terms(matchExpressions=[{"key": "a", "operator": "x"}]),
            f"{TERM}[0].matchExpressions[0].operator",
            'Invalid value: "x": not a valid selector operator',
        ),
        (
            _node_terms(matchExpressions=[{"key": "a", "operator": "In"}]),
            f"{TERM}[0].matchExpressions[0].values",
            "Required value: must be specified when `operator` is 'In' or 'NotIn'",
        ),
        (
            _node_terms(matchExpressions=[{"key": "a", "operator": "Exists", "values": ["b"]}]),
            f"{TERM}[0].matchExpressions[0].values",
            "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        ),
        (
            _node_terms(matchExpressions=[{"key": "a", "operator": "Gt", "values": []}]),
            f"{TERM}[0].matchExpressions[0].values",
            "Required value: must be specified single value when `operator` is 'Lt' or 'Gt'",
        ),
        (
            _node_terms(matchFields=[{"key": "a", "operator": "In", "values": ["b"]}]),
            f"{TERM}[0].matchFields[0].key",
            'Invalid value: "a": not a valid field selector key',
        ),
        (
            _node_terms(matchFields=[{"key": "metadata.name", "operator": "Gt", "values": ["b"]}]),
            f"{TERM}[0].matchFields[0].operator",
            'Invalid value: "Gt"',
        ),
        (
            _node_terms(matchFields=[{"key": "metadata.name", "operator": "In", "values": []}]),
            f"{TERM}[0].matchFields[0].values",
            "Required value: must be only one value",
        ),
        (
            _node_terms(matchFields=[{"key": "metadata.name", "operator": "In", "values": ["B"]}]),
            f"{TERM}[0].matchFields[0].values[0]",
            'Invalid value: "B"',
        ),
        (
            {"nodeAffinity": {PREFERRED: [{"weight": 101, "preference": {}}]}},
            f"nodeAffinity.{PREFERRED}[0].weight",
            "Invalid value: 101: must be in the range 1-100",
        ),
        (
            {"podAffinity": {REQUIRED: [{}]}},
            f"podAffinity.{REQUIRED}[0].topologyKey",
            "Required value: can not be empty",
        ),
        (
            {
                "podAntiAffinity": {
                    PREFERRED: [
                        {"weight": 1, "podAffinityTerm": {"topologyKey": "a", "namespaces": ["A"]}}
                    ]
                }
            },
            f"podAntiAffinity.{PREFERRED}[0].podAffinityTerm.namespaces[0]",
            'Invalid value: "A"',
        ),
    ],
)
def test_a_bad_affinity_is_refused(affinity: dict[str, Any], path: str, message: str) -> None:
    errors = creation_errors(POD, pod(affinity=affinity))

    assert any(error.startswith(f"spec.affinity.{path}: {message}") for error in errors), errors


def _constraint(**changes: Any) -> dict[str, Any]:
    return {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", **changes}


@pytest.mark.parametrize(
    ("constraints", "path", "message"),
    [
        ([_constraint(maxSkew=0)], "[0].maxSkew", "Invalid value: 0: must be greater than zero"),
        ([_constraint(topologyKey="")], "[0].topologyKey", "Required value: can not be empty"),
        (
            [_constraint(whenUnsatisfiable="x")],
            "[0].whenUnsatisfiable",
            'Unsupported value: "x": supported values: "DoNotSchedule", "ScheduleAnyway"',
        ),
        ([_constraint(minDomains=0)], "[0].minDomains", "Invalid value: 0"),
        (
            [_constraint(minDomains=2, whenUnsatisfiable="ScheduleAnyway")],
            "[0].minDomains",
            "Invalid value: 2: can only use minDomains if whenUnsatisfiable=DoNotSchedule",
        ),
        ([_constraint(nodeTaintsPolicy="x")], "[0].nodeTaintsPolicy", 'Unsupported value: "x"'),
        (
            [_constraint(), _constraint()],
            "[1].{topologyKey, whenUnsatisfiable}",
            'Duplicate value: "{zone, DoNotSchedule}"',
        ),
    ],
)
def test_a_bad_spread_is_refused(constraints: list[Any], path: str, message: str) -> None:
    errors = creation_errors(POD, pod(topologySpreadConstraints=constraints))

    wanted = f"spec.topologySpreadConstraints{path}: {message}"
    assert any(error.startswith(wanted) for error in errors), errors
