"""[sig-node] Containers, Init containers, Ephemeral Containers, Container Runtime.

All pods of the module start together.
"""

from typing import Any

import pytest

from tests.conformance.conftest import BUSYBOX, Group, condition, ended, restarts
from tests.e2e.conftest import NGINX, eventually

pytestmark = [pytest.mark.docker, pytest.mark.root, pytest.mark.e2e]

STAY = "trap 'exit 0' TERM; sleep 3600 & wait"
SECOND = f"{{name: second, image: {BUSYBOX}, command: ['true']}}"
GOOD_INITS = f"initContainers: [{{name: first, image: {BUSYBOX}, command: ['true']}}, {SECOND}]"
BAD_INITS = f"initContainers: [{{name: first, image: {BUSYBOX}, command: ['false']}}, {SECOND}]"
NOBODY = "securityContext: {runAsUser: 1000, runAsNonRoot: true}"
FALL_BACK = "terminationMessagePolicy: FallbackToLogsOnError"


def pod(
    name: str,
    container: str = "",
    *,
    script: str = "",
    spec: str = "",
    policy: str = "Never",
    image: str = BUSYBOX,
) -> str:
    command = f"command: [sh, -c, {script!r}]" if script else ""
    return f"""
apiVersion: v1
kind: Pod
metadata:
  name: {name}
  annotations: {{mk.dev/restart-backoff: 500ms}}
spec:
  restartPolicy: {policy}
  terminationGracePeriodSeconds: 1
  {spec}
  containers:
    - name: app
      image: {image}
      {command}
      {container}
"""


@pytest.fixture(scope="module")
def made(group: Group) -> Group:
    file = "/dev/termination-custom-log"
    group.apply(
        pod("defaults", image=NGINX),
        pod("args", "args: [echo, override, arguments]"),
        pod("command", "command: [/bin/echo]"),
        pod("both", "command: [/bin/echo, override]\n      args: [command, and, arguments]"),
        pod("init-never", script="exit 0", spec=GOOD_INITS),
        pod("init-always", script=STAY, spec=GOOD_INITS, policy="Always"),
        pod("init-fails-never", script=STAY, spec=BAD_INITS),
        pod("init-fails-always", script=STAY, spec=BAD_INITS, policy="Always"),
        pod("debugged", script=STAY),
        pod("rpa", script="test -f /d/x && exit 0; touch /d/x; exit 1", policy="Always",
            spec="volumes: [{name: d, emptyDir: {}}]",
            container="volumeMounts: [{name: d, mountPath: /d}]"),
        pod("rpof", script="test -f /d/x && exit 0; touch /d/x; exit 1", policy="OnFailure",
            spec="volumes: [{name: d, emptyDir: {}}]",
            container="volumeMounts: [{name: d, mountPath: /d}]"),
        pod("rpn", script="exit 1"),
        pod("message-empty", FALL_BACK, script="echo DONE"),
        pod("message-file", FALL_BACK, script="echo -n OK > /dev/termination-log; exit 0"),
        pod("message-log", FALL_BACK, script="echo -n DONE; exit 1"),
        pod(
            "message-custom",
            f"terminationMessagePath: {file}\n      {NOBODY}",
            script=f"echo -n DONE > {file}",
        ),
    )  # fmt: skip
    return group


def message(group: Group, name: str, phase: str = "Succeeded") -> str:
    return str(ended(group.phase(name, phase)).get("message", ""))


# -- Containers ------------------------------------------------------------------------------------


def test_containers_should_use_the_image_defaults_if_command_and_args_are_blank(
    made: Group,
) -> None:
    made.ready("defaults")

    assert "nginx" in made.kubectl("exec", "defaults", "--", "cat", "/proc/1/cmdline")


def test_containers_should_be_able_to_override_the_images_default_arguments_docker_cmd(
    made: Group,
) -> None:
    made.phase("args", "Succeeded")
    assert made.logs("args") == "override arguments\n"


def test_containers_should_be_able_to_override_the_images_default_command_docker_entrypoint(
    made: Group,
) -> None:
    made.phase("command", "Succeeded")
    assert made.logs("command") == "\n"


def test_containers_should_be_able_to_override_the_images_default_command_and_arguments(
    made: Group,
) -> None:
    made.phase("both", "Succeeded")
    assert made.logs("both") == "override command and arguments\n"


# -- Init containers -------------------------------------------------------------------------------


def init_states(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry["state"] for entry in found["status"]["initContainerStatuses"]]


def test_initcontainer_should_invoke_init_containers_on_a_restartnever_pod(made: Group) -> None:
    found = made.phase("init-never", "Succeeded")

    assert condition(found, "Initialized")["status"] == "True"
    assert [state["terminated"]["exitCode"] for state in init_states(found)] == [0, 0]


def test_initcontainer_should_invoke_init_containers_on_a_restartalways_pod(made: Group) -> None:
    found = made.ready("init-always")

    assert found["status"]["phase"] == "Running"
    assert [state["terminated"]["exitCode"] for state in init_states(found)] == [0, 0]


def test_initcontainer_should_not_start_app_containers_if_init_containers_fail_on_a_restartalways_pod(  # noqa: E501 - the name is Kubernetes' own
    made: Group,
) -> None:
    found = made.until(
        "init-fails-always",
        lambda pod: pod["status"].get("initContainerStatuses", [{}])[0].get("restartCount", 0) >= 3,
        "the init container tried again and again",
    )

    assert found["status"]["phase"] == "Pending"
    assert condition(found, "Initialized")["reason"] == "ContainersNotInitialized"
    waiting = found["status"]["containerStatuses"][0]["state"]["waiting"]
    assert waiting["reason"] == "PodInitializing"
    assert "waiting" in init_states(found)[1]


def test_initcontainer_should_not_start_app_containers_and_fail_the_pod_if_init_containers_fail_on_a_restartnever_pod(  # noqa: E501 - the name is Kubernetes' own
    made: Group,
) -> None:
    found = made.phase("init-fails-never", "Failed")

    assert init_states(found)[0]["terminated"]["exitCode"] == 1
    assert "waiting" in init_states(found)[1]
    assert "waiting" in found["status"]["containerStatuses"][0]["state"]
    assert condition(found, "Initialized")["status"] == "False"


# -- Ephemeral containers --------------------------------------------------------------------------


def test_ephemeral_containers_will_start_an_ephemeral_container_in_an_existing_pod(
    made: Group,
) -> None:
    made.ready("debugged")
    made.kubectl(
        "debug", "debugged", f"--image={BUSYBOX}", "-c", "debugger", "--", "sh", "-c",
        "echo polo; trap 'exit 0' TERM; sleep 600 & wait",
    )  # fmt: skip

    eventually("what it says", lambda: made.logs("debugged", "-c", "debugger") == "polo\n")
    added = made.pod("debugged")["spec"]["ephemeralContainers"]
    assert "debugger" in [each["name"] for each in added]


def test_ephemeral_containers_should_update_the_ephemeral_containers_in_an_existing_pod(
    made: Group,
) -> None:
    made.ready("debugged")
    for name in ("one", "two"):
        made.kubectl("debug", "debugged", f"--image={BUSYBOX}", "-c", name, "--", "echo", name)

    def both(found: dict[str, Any]) -> bool:
        entries = found["status"].get("ephemeralContainerStatuses", [])
        return {"one", "two"} <= {
            entry["name"] for entry in entries if "terminated" in entry["state"]
        }

    made.until("debugged", both, "both debuggers to have run")
    assert made.logs("debugged", "-c", "two") == "two\n"


# -- Container runtime -----------------------------------------------------------------------------


def test_container_runtime_when_starting_a_container_that_exits_should_run_with_the_expected_status(
    made: Group,
) -> None:
    never = made.phase("rpn", "Failed")
    on_failure = made.phase("rpof", "Succeeded")
    always = made.until("rpa", lambda found: restarts(found) >= 2, "restarted twice")

    assert (restarts(never), ended(never)["exitCode"]) == (0, 1)
    assert (restarts(on_failure), ended(on_failure)["exitCode"]) == (1, 0)
    assert always["status"]["phase"] == "Running"
    assert condition(never, "Ready")["reason"] == "PodFailed"
    assert condition(on_failure, "Ready")["reason"] == "PodCompleted"


def test_container_runtime_should_report_termination_message_as_empty_when_pod_succeeds_and_terminationmessagepolicy_fallbacktologsonerror_is_set(  # noqa: E501 - the name is Kubernetes' own
    made: Group,
) -> None:
    assert message(made, "message-empty") == ""


def test_container_runtime_should_report_termination_message_from_file_when_pod_succeeds_and_terminationmessagepolicy_fallbacktologsonerror_is_set(  # noqa: E501 - the name is Kubernetes' own
    made: Group,
) -> None:
    assert message(made, "message-file") == "OK"


def test_container_runtime_should_report_termination_message_from_log_output_if_terminationmessagepolicy_fallbacktologsonerror_is_set(  # noqa: E501 - the name is Kubernetes' own
    made: Group,
) -> None:
    assert message(made, "message-log", "Failed") == "DONE"


def test_container_runtime_should_report_termination_message_if_terminationmessagepath_is_set_as_non_root_user_and_at_a_non_default_path(  # noqa: E501 - the name is Kubernetes' own
    made: Group,
) -> None:
    assert message(made, "message-custom") == "DONE"
