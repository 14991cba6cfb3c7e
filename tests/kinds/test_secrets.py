import base64
from typing import Any

import pytest

from minikube_py.kinds import catalog
from minikube_py.kinds.kind import Kind
from tests.kinds.builders import creation_errors, of, update_errors


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("kind", [catalog.CONFIG_MAP, catalog.SECRET], ids=lambda kind: kind.kind)
def test_immutable_data_stays(kind: Kind) -> None:
    old = of(kind, data={"a": _b64("x")}, immutable=True)

    assert update_errors(kind, old, old) == []
    assert update_errors(kind, of(kind, data={"a": _b64("y")}), old) == [
        "immutable: Forbidden: field is immutable when `immutable` is set",
        "data: Forbidden: field is immutable when `immutable` is set",
    ]
    assert update_errors(kind, {**old, "data": {}}, of(kind, data={"a": _b64("x")})) == []


def test_the_type_of_a_secret_stays() -> None:
    kind = catalog.SECRET
    old = of(kind, type="example.com/a")

    assert update_errors(kind, of(kind, type="example.com/b"), old) == [
        'type: Invalid value: "example.com/b": field is immutable'
    ]
    sent_without = of(kind)
    kind.prepare(sent_without, old)
    assert sent_without["type"] == "example.com/a"
    assert kind.selectable_fields(old) == {"type": "example.com/a"}


@pytest.mark.parametrize(
    "obj",
    [
        {"type": "kubernetes.io/tls", "stringData": {"tls.crt": "x", "tls.key": "y"}},
        {"type": "kubernetes.io/basic-auth", "stringData": {"password": "x"}},
        {"type": "kubernetes.io/ssh-auth", "stringData": {"ssh-privatekey": "x"}},
        {"type": "kubernetes.io/dockerconfigjson", "stringData": {".dockerconfigjson": "{}"}},
        {
            "metadata": {"name": "a", "annotations": {"kubernetes.io/service-account.name": "d"}},
            "type": "kubernetes.io/service-account-token",
        },
    ],
)
def test_typed_secrets_that_have_what_their_type_needs(obj: dict[str, Any]) -> None:
    assert creation_errors(catalog.SECRET, of(catalog.SECRET, **obj)) == []
