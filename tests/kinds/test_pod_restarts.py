"""What a Pod may say of how its containers end and come back."""

from typing import Any

import pytest

from minikube_py.kinds.catalog import POD
from tests.kinds.builders import CONTAINER, container_pod, creation_errors, pod

RULE = {"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}
RULES = "spec.containers[0].restartPolicyRules"


def test_containers_may_have_policies_and_rules_of_their_own() -> None:
    assert (
        creation_errors(POD, container_pod(restartPolicy="Never", restartPolicyRules=[RULE])) == []
    )
    init = {**CONTAINER, "name": "init", "restartPolicy": "Never", "restartPolicyRules": [RULE]}
    assert creation_errors(POD, pod(initContainers=[init])) == []


@pytest.mark.parametrize(
    ("rule", "path", "message"),
    [
        ({"exitCodes": RULE["exitCodes"]}, "[0].action", "Required value"),
        (
            {**RULE, "action": "RestartNode"},
            "[0].action",
            'Unsupported value: "RestartNode": supported values: "Restart", "RestartAllContainers"',
        ),
        ({"action": "Restart"}, "[0].exitCodes", "Required value: must be specified"),
        (
            {"action": "Restart", "exitCodes": {"operator": "Is", "values": [1]}},
            "[0].exitCodes.operator",
            'Unsupported value: "Is": supported values: "In", "NotIn"',
        ),
        (
            {"action": "Restart", "exitCodes": {"operator": "In"}},
            "[0].exitCodes.values",
            "Required value: must specify at least one exit code",
        ),
        (
            {"action": "Restart", "exitCodes": {"operator": "In", "values": list(range(256))}},
            "[0].exitCodes.values",
            "Too many: 256: must have at most 255 items",
        ),
    ],
)
def test_a_bad_rule_is_refused(rule: dict[str, Any], path: str, message: str) -> None:
    body = container_pod(restartPolicy="Never", restartPolicyRules=[rule])

    assert f"{RULES}{path}: {message}" in creation_errors(POD, body)


def test_rules_need_a_policy_of_their_own() -> None:
    [error] = creation_errors(POD, container_pod(restartPolicyRules=[RULE]))

    assert error.startswith("spec.containers[0].restartPolicy: Required value: must specify")


def test_there_are_at_most_twenty_rules() -> None:
    [error] = creation_errors(
        POD, container_pod(restartPolicy="Never", restartPolicyRules=[RULE] * 21)
    )

    assert error == f"{RULES}: Too many: 21: must have at most 20 items"


def test_any_container_but_a_debugger_may_restart_all() -> None:
    rules = [{**RULE, "action": "RestartAllContainers"}]
    sidecar = {**CONTAINER, "name": "side", "restartPolicy": "Always", "restartPolicyRules": rules}
    init = {**sidecar, "name": "init", "restartPolicy": "Never"}

    assert creation_errors(POD, pod(initContainers=[sidecar, init])) == []
    assert (
        creation_errors(POD, container_pod(restartPolicy="Never", restartPolicyRules=rules)) == []
    )


@pytest.mark.parametrize(
    ("system", "signal", "message"),
    [
        (None, "SIGUSR1", "Forbidden: may not be set for containers with empty `os.name`"),
        ("linux", "SIGNOPE", 'Unsupported value: "SIGNOPE"'),
        ("linux", "SIGRTMIN+2", ""),
        ("windows", "SIGUSR1", 'Unsupported value: "SIGUSR1"'),
    ],
)
def test_a_stop_signal_is_one_of_the_pods_system(
    system: str | None, signal: str, message: str
) -> None:
    fields = {} if system is None else {"os": {"name": system}}
    container = {**CONTAINER, "lifecycle": {"stopSignal": signal}}

    errors = creation_errors(POD, pod(containers=[container], **fields))

    assert [e for e in errors if "stopSignal" in e and (message or e) in e] == (
        [e for e in errors if "stopSignal" in e]
    )
    assert bool(errors) is bool(message)
