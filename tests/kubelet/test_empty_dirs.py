"""How large an emptyDir may grow."""

from typing import Any

import pytest

from minikube_py.kubelet.empty_dirs import disk_limits, memory_size
from minikube_py.meta.objects import Object


def pod(*empty_dirs: dict[str, Any], memory: tuple[str, ...] = ("",)) -> Object:
    containers = [
        {"name": f"c{number}", "resources": {"limits": {"memory": limit}} if limit else {}}
        for number, limit in enumerate(memory)
    ]
    volumes = [{"name": f"v{number}", "emptyDir": one} for number, one in enumerate(empty_dirs)]
    metadata = {"name": "web", "namespace": "default", "uid": "u1"}
    return {"metadata": metadata, "spec": {"volumes": volumes, "containers": containers}}


def test_only_those_on_disk_with_a_limit_are_measured() -> None:
    found = disk_limits(
        pod({}, {"sizeLimit": "1Mi"}, {"sizeLimit": "0"}, {"sizeLimit": "1Mi", "medium": "Memory"})
    )

    assert found == {"v1": "1Mi"}


@pytest.mark.parametrize(
    ("limit", "memory", "size"),
    [
        ("1Mi", ("",), 1 << 20),
        (None, ("",), 0),
        (None, ("1Mi", "2Mi"), 3 << 20),
        ("1Mi", ("4Mi",), 1 << 20),
        ("8Mi", ("4Mi",), 4 << 20),
        (None, ("1Mi", ""), 0),
    ],
)
def test_memory_is_no_larger_than_its_pod(
    limit: str | None, memory: tuple[str, ...], size: int
) -> None:
    spec = {"sizeLimit": limit} if limit else {}

    assert memory_size(pod(spec, memory=memory), spec) == size
