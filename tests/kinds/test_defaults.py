"""Golden pairs: each file holds an object as written and, after `---`, as the API stores it.

`UPDATE_GOLDEN=1 pytest tests/kinds/test_defaults.py` writes the second half anew.
"""

import copy
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from minikube_py.kinds.catalog import builtin_catalog
from minikube_py.kinds.kind import Kind
from minikube_py.kinds.pod_template import default_pod_spec
from minikube_py.kinds.schema import type_errors, unknown_fields
from minikube_py.meta.objects import Object, split_api_version

_GOLDEN = sorted((Path(__file__).parent.parent / "golden" / "defaults").glob("*.yaml"))


def _kind_of(obj: Object) -> Kind:
    group, version = split_api_version(obj["apiVersion"])
    kind = builtin_catalog().by_kind(group, version, obj["kind"])
    assert kind is not None
    return kind


@pytest.mark.parametrize("path", _GOLDEN, ids=lambda path: path.stem)
def test_defaults_are_kubernetes_own(path: Path) -> None:
    written, *expected = list(yaml.safe_load_all(path.read_text()))
    defaulted = copy.deepcopy(written)

    _kind_of(written).default(defaulted)

    if os.environ.get("UPDATE_GOLDEN"):
        head = path.read_text().partition("\n---\n")[0].rstrip()
        path.write_text(f"{head}\n---\n{yaml.safe_dump(defaulted, sort_keys=False)}")
        return
    assert [defaulted] == expected


@pytest.mark.parametrize("path", _GOLDEN, ids=lambda path: path.stem)
def test_what_is_defaulted_is_well_formed_and_valid(path: Path) -> None:
    obj = next(iter(yaml.safe_load_all(path.read_text())))
    kind = _kind_of(obj)
    kind.default(obj)

    assert type_errors(obj, kind) == []
    assert unknown_fields(obj, kind) == []
    assert [str(error) for error in kind.validate_create(obj)] == []


@pytest.mark.parametrize("path", _GOLDEN, ids=lambda path: path.stem)
def test_defaulting_twice_changes_nothing_more(path: Path) -> None:
    obj = next(iter(yaml.safe_load_all(path.read_text())))
    kind = _kind_of(obj)
    kind.default(obj)
    once = copy.deepcopy(obj)

    kind.default(obj)

    assert obj == once
    assert list(kind.validate_update(obj, once)) == []


_maybe = st.none()
_HANDLERS = st.fixed_dictionaries(
    {},
    optional={
        "httpGet": st.fixed_dictionaries(
            {"port": st.integers(1, 9)}, optional={"path": st.just("/x")}
        ),
        "grpc": st.fixed_dictionaries({"port": st.integers(1, 9)}),
        "periodSeconds": st.integers(0, 3),
    },
)
_QUANTITIES = st.one_of(
    st.integers(0, 10**12), st.sampled_from(["0.1", "1500m", "1.1Gi", "1e3", "3n"])
)
_CONTAINERS = st.fixed_dictionaries(
    {"name": st.just("a")},
    optional={
        "image": st.sampled_from(
            ["", "a", "a:1", "a:latest", "h:5/a", "a@sha256:b", "a:latest@sha256:b"]
        ),
        "ports": st.lists(st.fixed_dictionaries({"containerPort": st.integers(1, 9)}), max_size=2),
        "resources": st.one_of(
            _maybe,
            st.fixed_dictionaries(
                {}, optional={"limits": st.dictionaries(st.just("cpu"), _QUANTITIES)}
            ),
        ),
        "readinessProbe": _HANDLERS,
        "lifecycle": st.fixed_dictionaries({}, optional={"preStop": _HANDLERS}),
    },
)
_VOLUMES = st.sampled_from(
    [
        {"name": "v"},
        {"name": "v", "secret": {}},
        {"name": "v", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}},
        {"name": "v", "hostPath": {"path": "/"}},
        {"name": "v", "emptyDir": None},
        {"name": "v", "image": {"reference": "a"}},
        {"name": "v", "iscsi": {}},
        {"name": "v", "rbd": {}},
    ]
).map(copy.deepcopy)
_SPECS = st.fixed_dictionaries(
    {},
    optional={
        "containers": st.lists(_CONTAINERS, max_size=2),
        "initContainers": st.lists(_CONTAINERS, max_size=2),
        "volumes": st.lists(_VOLUMES, max_size=2),
        "terminationGracePeriodSeconds": st.integers(-5, 5),
        "serviceAccount": st.sampled_from(["", "a"]),
        "hostNetwork": st.booleans(),
    },
)


@given(_SPECS)
def test_defaults_of_any_pod_spec_are_idempotent_and_keep_what_is_set(spec: dict[str, Any]) -> None:
    set_by_user = {"dnsPolicy": "Default", **spec}
    default_pod_spec(set_by_user)
    once = copy.deepcopy(set_by_user)

    default_pod_spec(set_by_user)

    assert set_by_user == once
    assert set_by_user["dnsPolicy"] == "Default"


@given(_SPECS)
def test_defaults_of_any_pod_are_idempotent(spec: dict[str, Any]) -> None:
    kind = builtin_catalog().by_kind("", "v1", "Pod")
    assert kind is not None
    pod = {"metadata": {"name": "a"}, "spec": spec}
    kind.default(pod)
    once = copy.deepcopy(pod)

    kind.default(pod)

    assert pod == once
