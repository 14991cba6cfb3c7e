"""[sig-node] Kubelet: commands in pods, and [sig-node] Pods Extended: QOS Class."""

import pytest

from tests.conformance.conftest import BUSYBOX, Group, ended
from tests.e2e.conftest import eventually

pytestmark = [pytest.mark.docker, pytest.mark.root, pytest.mark.e2e]


FIXED = "{readOnlyRootFilesystem: true}"


def pod(name: str, script: str, container: str = "", spec: str = "") -> str:
    return f"""
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 1
  {spec}
  containers:
    - name: app
      image: {BUSYBOX}
      command: [sh, -c, {script!r}]
      {container}
"""


@pytest.fixture(scope="module")
def made(group: Group) -> Group:
    limits = "{requests: {cpu: 10m, memory: 16Mi}, limits: {cpu: 10m, memory: 16Mi}}"
    aliases = "hostAliases: [{ip: 123.45.67.89, hostnames: [foo, bar]}]"
    group.apply(
        pod("says", "echo 'Hello World' ; sleep 1"),
        pod("fails", "false").replace("Never", "Always"),
        pod("read-only", "echo test > /file; sleep 1", f"securityContext: {FIXED}"),
        pod("aliases", "cat /etc/hosts", spec=aliases),
        pod("guaranteed", "true", f"resources: {limits}"),
    )  # fmt: skip
    return group


def test_kubelet_when_scheduling_a_busybox_command_in_a_pod_should_print_the_output_to_logs(
    made: Group,
) -> None:
    eventually("the line", lambda: made.logs("says") == "Hello World\n")


def test_kubelet_when_scheduling_a_busybox_command_that_always_fails_in_a_pod_should_have_an_terminated_reason(  # noqa: E501 - the name is Kubernetes' own
    made: Group,
) -> None:
    def reason() -> str:
        entry = made.pod("fails")["status"]["containerStatuses"][0]
        for state in (entry["state"], entry["lastState"]):
            if "terminated" in state:
                return str(state["terminated"]["reason"])
        return ""

    assert eventually("a reason", reason) == "Error"


def test_kubelet_when_scheduling_a_busybox_command_that_always_fails_in_a_pod_should_be_possible_to_delete(  # noqa: E501 - the name is Kubernetes' own
    made: Group,
) -> None:
    made.apply(pod("deleted", "false").replace("Never", "Always"))
    made.kubectl("delete", "pod", "deleted", "--timeout=20s")

    assert "NotFound" in made.kubectl("get", "pod", "deleted", code=1)


def test_kubelet_when_scheduling_a_read_only_busybox_container_should_not_write_to_root_filesystem(
    made: Group,
) -> None:
    made.phase("read-only", "Succeeded")

    assert "Read-only file system" in made.logs("read-only")


def test_kubelet_when_scheduling_a_busybox_pod_with_hostaliases_should_write_entries_to_etc_hosts(
    made: Group,
) -> None:
    assert ended(made.phase("aliases", "Succeeded"))["exitCode"] == 0
    assert "123.45.67.89\tfoo\tbar" in made.logs("aliases")


def test_pods_extended_pods_set_qos_class_should_be_set_on_pods_with_matching_resource_requests_and_limits_for_memory_and_cpu(  # noqa: E501 - the name is Kubernetes' own
    made: Group,
) -> None:
    assert made.pod("guaranteed")["status"]["qosClass"] == "Guaranteed"
