import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikube_py.container_runtime.interface import PodIdentity
from minikube_py.container_runtime.names import ContainerName, is_pool_name, parse_name, pool_name

LABELS = st.from_regex(r"[a-z0-9]([-a-z0-9.]{0,20}[a-z0-9])?", fullmatch=True)


@given(LABELS, LABELS, LABELS, LABELS, st.integers(0, 10_000), LABELS)
def test_a_name_is_read_back_as_it_was_made(
    container: str, pod: str, namespace: str, uid: str, attempt: int, cluster: str
) -> None:
    name = ContainerName(container, PodIdentity(namespace, pod, uid), attempt, cluster)

    assert parse_name(f"/{name}") == name


def test_a_sandbox_is_named_as_kubelet_named_it() -> None:
    name = ContainerName("", PodIdentity("default", "web", "u-1"), 2, "mk")

    assert str(name) == "k8s_POD_web_default_u-1_2_mk"
    assert (parse_name(str(name)) or name).is_sandbox


@pytest.mark.parametrize(
    "text", ["web", "k8s_a_b_c_d", "k8s_a_b_c_d_x_mk", "k8s_a_b_c_d_1", "", "mk-pool_mk_00ff"]
)
def test_other_names_are_nobodys(text: str) -> None:
    assert parse_name(text) is None


def test_pool_names_are_fresh_and_recognised() -> None:
    one, other = pool_name("mk"), pool_name("mk")

    assert one != other
    assert is_pool_name(f"/{one}")
    assert not is_pool_name("/k8s_POD_web_default_u-1_0_mk")
