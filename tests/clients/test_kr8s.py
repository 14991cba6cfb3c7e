"""kr8s: its synchronous and its asynchronous face, over httpx."""

import sys
from pathlib import Path

import pytest

from tests.clients.conftest import CRDS, USUAL, Kubectl
from tests.e2e.conftest import RunningCluster, run_command

PROGRAM = Path(__file__).with_name("kr8s_program.py")


@pytest.mark.parametrize(
    "name",
    [
        "objects_are_made_scaled_labelled_and_deleted",
        "commands_logs_and_conditions",
        "a_kind_of_ones_own",
        "the_asynchronous_face",
        "a_missing_object_and_one_that_is_refused",
    ],
)
def test_kr8s(paper: RunningCluster, namespace: str, name: str) -> None:
    kubectl = Kubectl(USUAL, paper)
    kubectl("apply", "-f", str(CRDS))
    kubectl("wait", "--for=condition=Established", "crd/baskets.shop.example.com", "--timeout=20s")
    kubeconfig = str(paper.folder / "kubeconfig")

    done = run_command(sys.executable, str(PROGRAM), kubeconfig, namespace, name, seconds=60)

    assert done.code == 0, f"{done.out}\n{done.err}"
