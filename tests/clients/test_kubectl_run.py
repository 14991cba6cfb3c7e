"""kubectl run where containers must really run: what is typed goes in, what is said comes out."""

import pytest

from tests.clients.conftest import Kubectl
from tests.e2e.conftest import BUSYBOX

pytestmark = [pytest.mark.docker, pytest.mark.root, pytest.mark.e2e]


def test_a_pod_of_one_command_is_talked_to_and_removed(real_kubectl: Kubectl) -> None:
    words = ["run", "once", f"--image={BUSYBOX}", "--restart=Never", "--rm", "-i"]

    out = real_kubectl(*words, "--", "sh", "-c", "sleep 1; cat; echo said", stdin="typed\n")

    assert "typed\n" in out
    assert "said\n" in out
    assert 'pod "once" deleted' in out
    real_kubectl("get", "pod/once", code=1)


def test_the_exit_code_of_the_command_is_kubectls(real_kubectl: Kubectl) -> None:
    words = ["run", "once", f"--image={BUSYBOX}", "--restart=Never", "--rm", "-i", "--quiet"]

    real_kubectl(*words, "--", "sh", "-c", "sleep 1; exit 7", code=7)
