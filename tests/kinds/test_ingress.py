from typing import Any

import pytest

from minikube_py.kinds import catalog
from tests.kinds.builders import creation_errors, of, update_errors

INGRESS_BACKEND = {"service": {"name": "web", "port": {"number": 80}}}


HTTP = "spec.rules[0].http.paths[0]"


def _path(**fields: Any) -> dict[str, Any]:
    rule = {"path": "/", "pathType": "Prefix", "backend": INGRESS_BACKEND, **fields}
    return of(catalog.INGRESS, spec={"rules": [{"http": {"paths": [rule]}}]})


def _ingress(**spec: Any) -> dict[str, Any]:
    return of(catalog.INGRESS, spec=spec)


@pytest.mark.parametrize(
    ("obj", "path", "message"),
    [
        (_ingress(), "spec", "Invalid value: []: either `defaultBackend` or `rules`"),
        (_ingress(defaultBackend={}), "spec.defaultBackend", "Required value: either"),
        (
            _ingress(defaultBackend={**INGRESS_BACKEND, "resource": {}}),
            "spec.defaultBackend",
            'Invalid value: "": cannot set both resource and service backends',
        ),
        (
            _ingress(defaultBackend={"resource": {"kind": "A"}}),
            "spec.defaultBackend.resource.name",
            "Required value",
        ),
        (_ingress(rules=[{"http": {}}]), "spec.rules[0].http.paths", "Required value"),
        (
            _ingress(rules=[{"host": "1.1.1.1"}]),
            "spec.rules[0].host",
            'Invalid value: "1.1.1.1": must be a DNS',
        ),
        (_ingress(rules=[{"host": "A"}]), "spec.rules[0].host", 'Invalid value: "A"'),
        (
            _ingress(rules=[{"host": "a.*.b"}]),
            "spec.rules[0].host",
            'Invalid value: "a.*.b": a wildcard',
        ),
        (
            _ingress(rules=[{}], tls=[{"hosts": ["A"]}]),
            "spec.tls[0].hosts[0]",
            'Invalid value: "A"',
        ),
        (
            _ingress(rules=[{}], tls=[{"secretName": "A"}]),
            "spec.tls[0].secretName",
            "Invalid value",
        ),
        (_ingress(rules=[{}], ingressClassName="A"), "spec.ingressClassName", "Invalid value"),
        (_path(pathType=None), f"{HTTP}.pathType", "Required value: pathType must be specified"),
        (
            _path(pathType="x"),
            f"{HTTP}.pathType",
            'Unsupported value: "x": supported values: "Exact", "ImplementationSpecific", "Prefix"',
        ),
        (_path(path="a"), f"{HTTP}.path", 'Invalid value: "a": must be an absolute path'),
        (
            _path(path="a", pathType="ImplementationSpecific"),
            f"{HTTP}.path",
            'Invalid value: "a": must be an absolute path',
        ),
        (_path(path="/a//b"), f"{HTTP}.path", "Invalid value: \"/a//b\": must not contain '//'"),
        (_path(path="/a/.."), f"{HTTP}.path", "Invalid value: \"/a/..\": cannot end with '/..'"),
        (_path(backend={"service": {}}), f"{HTTP}.backend.service.name", "Required value"),
        (
            _path(backend={"service": {"name": "a"}}),
            f"{HTTP}.backend.service",
            "Required value: port name or number is required",
        ),
        (
            _path(backend={"service": {"name": "a", "port": {"name": "b", "number": 1}}}),
            f"{HTTP}.backend.service",
            'Invalid value: "": cannot set both port name & port number',
        ),
        (
            _path(backend={"service": {"name": "a", "port": {"name": "B"}}}),
            f"{HTTP}.backend.service.port.name",
            'Invalid value: "B"',
        ),
        (
            _path(backend={"service": {"name": "1a", "port": {"number": 70000}}}),
            f"{HTTP}.backend.service.port.number",
            "Invalid value: 70000",
        ),
    ],
)
def test_a_bad_ingress_is_refused(obj: dict[str, Any], path: str, message: str) -> None:
    errors = creation_errors(catalog.INGRESS, obj)

    assert any(error.startswith(f"{path}: {message}") for error in errors), errors


def test_good_ingresses() -> None:
    assert creation_errors(catalog.INGRESS, _path()) == []
    assert creation_errors(catalog.INGRESS, _ingress(rules=[{"host": "*.a.b"}])) == []
    resource = {"resource": {"kind": "Bucket", "name": "b"}}
    assert creation_errors(catalog.INGRESS, _ingress(defaultBackend=resource)) == []


def test_the_controller_of_an_ingress_class_stays() -> None:
    kind = catalog.INGRESS_CLASS
    old, new = of(kind, spec={"controller": "a.b/c"}), of(kind, spec={"controller": "a.b/d"})

    assert update_errors(kind, old, old) == []
    assert update_errors(kind, new, old) == [
        'spec.controller: Invalid value: "a.b/d": field is immutable'
    ]


def test_a_new_ingress_waits_for_its_address() -> None:
    obj = _path()

    catalog.INGRESS.prepare(obj, None)
    catalog.INGRESS.prepare(obj, obj)

    assert obj["status"] == {"loadBalancer": {}}
