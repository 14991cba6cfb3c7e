"""Objects to try: valid ones of every kind, and what chance makes of them by the published schemas.

Chance comes from hypothesis, so that what fails is told at its smallest.
"""

import copy
from collections.abc import Mapping
from random import Random
from typing import Any

from minikube_py.kinds import catalog
from minikube_py.kinds.kind import Kind
from minikube_py.kinds.schema import Schema, schema_for
from minikube_py.meta.objects import Object
from tests.kinds.examples import EXAMPLES

_POD: Object = {"containers": [{"name": "main", "image": "app:1"}]}
_TEMPLATE: Object = {"metadata": {"labels": {"app": "a"}}, "spec": _POD}
_ONE_SHOT: Object = {"spec": {**_POD, "restartPolicy": "Never"}}
_SELECTED: Object = {"selector": {"matchLabels": {"app": "a"}}, "template": _TEMPLATE}
_SCALED = {"kind": "Deployment", "name": "a", "apiVersion": "apps/v1"}
_CLAIM: Object = {
    "accessModes": ["ReadWriteOnce"],
    "resources": {"requests": {"storage": "1Gi"}},
}
_INVOLVED = {"kind": "Pod", "name": "a", "namespace": "default"}
_STAMP = "2026-01-31T12:00:00Z"
_MICRO = "2026-01-31T12:00:00.000000Z"
_VALID: Mapping[Kind, Object] = {
    catalog.NAMESPACE: {},
    catalog.NODE: {},
    catalog.POD: {"spec": _POD},
    catalog.SERVICE: {"spec": {"selector": {"app": "a"}, "ports": [{"port": 80}]}},
    catalog.ENDPOINTS: {"subsets": [{"addresses": [{"ip": "10.1.2.3"}], "ports": [{"port": 80}]}]},
    catalog.CONFIG_MAP: {"data": {"key": "value"}},
    catalog.SECRET: {"data": {"key": "dmFsdWU="}},
    catalog.PERSISTENT_VOLUME: {
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "1Gi"},
            "hostPath": {"path": "/nowhere"},
        }
    },
    catalog.PERSISTENT_VOLUME_CLAIM: {"spec": _CLAIM},
    catalog.SERVICE_ACCOUNT: {},
    catalog.EVENT: {"involvedObject": _INVOLVED, "reason": "Test", "type": "Normal"},
    catalog.DEPLOYMENT: {"spec": _SELECTED},
    catalog.REPLICA_SET: {"spec": _SELECTED},
    catalog.DAEMON_SET: {"spec": _SELECTED},
    catalog.STATEFUL_SET: {"spec": {**_SELECTED, "serviceName": "a"}},
    catalog.REPLICATION_CONTROLLER: {"spec": {"selector": {"app": "a"}, "template": _TEMPLATE}},
    catalog.POD_TEMPLATE: {"template": _TEMPLATE},
    catalog.CONTROLLER_REVISION: {"revision": 1, "data": {"a": 1}},
    catalog.INGRESS: {
        "spec": {"defaultBackend": {"service": {"name": "a", "port": {"number": 80}}}}
    },
    catalog.INGRESS_CLASS: {"spec": {"controller": "example.com/a"}},
    catalog.STORAGE_CLASS: {"provisioner": "example.com/a"},
    catalog.LEASE: {"spec": {"holderIdentity": "a", "leaseDurationSeconds": 15}},
    catalog.ENDPOINT_SLICE: {
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.1.2.3"]}],
        "ports": [{"name": "http", "port": 80}],
    },
    catalog.LIMIT_RANGE: {"spec": {"limits": [{"type": "Container", "max": {"cpu": "1"}}]}},
    catalog.RESOURCE_QUOTA: {"spec": {"hard": {"configmaps": "100000"}}},
    catalog.JOB: {"spec": {"template": _ONE_SHOT}},
    catalog.CRON_JOB: {
        "spec": {"schedule": "1 2 * * *", "jobTemplate": {"spec": {"template": _ONE_SHOT}}}
    },
    catalog.HORIZONTAL_POD_AUTOSCALER: {"spec": {"scaleTargetRef": _SCALED, "maxReplicas": 3}},
    catalog.HORIZONTAL_POD_AUTOSCALER_V1: {"spec": {"scaleTargetRef": _SCALED, "maxReplicas": 3}},
    catalog.POD_DISRUPTION_BUDGET: {
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "a"}}}
    },
    catalog.CUSTOM_RESOURCE_DEFINITION: {
        "metadata": {"name": "things.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "things", "kind": "Thing"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "properties": {
                                "spec": {
                                    "type": "object",
                                    "properties": {
                                        "size": {"type": "integer", "minimum": 1, "default": 2},
                                        "word": {"type": "string", "pattern": "^a+$"},
                                    },
                                }
                            },
                        }
                    },
                }
            ],
        },
    },
}
_EVENT_OF_GROUP: Object = {
    "regarding": _INVOLVED,
    "reason": "Test",
    "type": "Normal",
    "action": "Test",
    "eventTime": _MICRO,
    "reportingController": "example.com/a",
    "reportingInstance": "a-1",
}
_NOT_MADE_BY_CLIENTS = ("componentstatuses",)
_WORDS = (
    *("", "a", "A", "main", "default", "kube-system", "a" * 300, "-", "a.b", "a/b", "app:1", "*"),
    *("10.1.2.3", "300.1.2.3", "::1", "10.0.0.0/8", "http", "80", "TCP", "IfNotPresent", "Always"),
    *("1Gi", "100m", "-1", "1e3", "1e400", "0.1m", "9" * 400, "NaN", "50%", "150%", "%", "0x10"),
    *(_STAMP, _MICRO, "2026-13-45T99:99:99Z", "0001-01-01T00:00:00Z", "5m", "1h30m"),
    *("* * * * *", "@daily", "61 * * * *", "Europe/Berlin", "Never", "OnFailure", "None", "Delete"),
    *("\x00", "\u2028", "ä", "\U0001f600", "(", "[a", "(a+)+$", "a\nb", "$(A)", "../..", "/", "/x"),
    *("kubernetes.io/hostname", "apps/v1", "example.com/a", "system:masters", "self.a > 1", "dmFs"),
)
_NUMBERS = (
    *(0, 1, -1, 2, 3, 80, 443, 65535, 65536, 100, 1000, 2**31 - 1, 2**31, -(2**31), 2**53 + 1),
    *(2**63 - 1, 2**63, -(2**63), 2**64, 10**30, 1.5, -0.0, 1e308, 0.1),
)
_ODD: tuple[Any, ...] = (None, True, False, [], {}, [[]], {"": ""}, [None], {"a": None}, "x", 7)
_OPTIONAL = 0.12
_LISTS = 3


def tried_kinds() -> list[Kind]:
    return [
        kind for kind in catalog.builtin_catalog().all() if kind.plural not in _NOT_MADE_BY_CLIENTS
    ]


def valid(kind: Kind, name: str) -> Object:
    """One that the API takes, by this name where the kind lets names be free."""
    found = next((each.object() for each in EXAMPLES if each.kind is kind), None)
    if found is None:
        is_event = kind.group == "events.k8s.io"
        found = copy.deepcopy(_EVENT_OF_GROUP if is_event else _VALID[kind])
    obj = copy.deepcopy(dict(found))
    metadata = obj.setdefault("metadata", {})
    metadata.setdefault("name", name)
    if metadata["name"] == "a":
        metadata["name"] = name
    if kind.namespaced:
        metadata["namespace"] = "default"
    return {**obj, "apiVersion": kind.api_version, "kind": kind.kind}


def varied(kind: Kind, obj: Object, chance: Random | None) -> Object:
    """`obj` with a few fields added, changed or broken; as it is when nothing is left to chance."""
    obj = copy.deepcopy(obj)
    if chance is None:
        return obj
    for _ in range(chance.choice((0, 1, 1, 2, 3, 6))):
        _vary(obj, schema_for(kind), chance)
    return obj


def piece(kind: Kind, chance: Random) -> Object:
    """A merge patch: a field or two of the kind."""
    patch: Object = {}
    for _ in range(chance.choice((1, 1, 2))):
        _add_field(patch, schema_for(kind), chance)
    return patch


def json_patch(kind: Kind, obj: Object, chance: Random) -> list[Any]:
    return [_operation(kind, obj, chance) for _ in range(chance.choice((1, 1, 2, 4)))]


def _operation(kind: Kind, obj: Object, chance: Random) -> Any:
    if chance.random() < 0.1:
        return chance.choice((*_ODD, {"op": "add"}, {"op": "move", "from": "/", "path": "/a/b"}))
    operation = chance.choice(("add", "replace", "remove", "move", "copy", "test"))
    found = {"op": operation, "path": _pointer(obj, chance), "from": _pointer(obj, chance)}
    found["value"] = _value(schema_for(kind), chance, 2) if chance.random() < 0.5 else _odd(chance)
    return found


def _pointer(obj: Object, chance: Random) -> str:
    here: Any = obj
    words: list[str] = []
    while isinstance(here, dict | list) and here and chance.random() < 0.85:
        if isinstance(here, dict):
            word = chance.choice(list(here))
            here = here[word]
        else:
            place = chance.randrange(len(here))
            word, here = str(place), here[place]
        words.append(word.replace("~", "~0").replace("/", "~1"))
    if chance.random() < 0.3:
        words.append(chance.choice(("-", "0", "-1", "99999999999", "a", "~", "")))
    return "/" + "/".join(words)


def _vary(node: Any, schema: Schema | None, chance: Random) -> None:
    """Somewhere below `node`, in place."""
    if isinstance(node, dict):
        held = [name for name, child in node.items() if isinstance(child, dict | list) and child]
        if held and chance.random() < 0.75:
            name = chance.choice(held)
            _vary(node[name], schema and schema.field(name), chance)
        elif schema is not None and chance.random() < 0.7:
            _add_field(node, schema, chance)
        else:
            _break(node, chance.choice([*node, "unknown"]), chance)
    elif isinstance(node, list) and node:
        place = chance.randrange(len(node))
        if isinstance(node[place], dict | list) and chance.random() < 0.8:
            _vary(node[place], schema and schema.items, chance)
        elif chance.random() < 0.5:
            node.append(copy.deepcopy(node[place]))  # doubles in lists that are maps
        else:
            node[place] = _odd(chance)


def _break(node: Object, name: str, chance: Random) -> None:
    if chance.random() < 0.4:
        node.pop(name, None)
    else:
        node[name] = _odd(chance)


def _odd(chance: Random) -> Any:
    return copy.deepcopy(chance.choice((*_ODD, *_WORDS[:12], *_NUMBERS)))


def _add_field(node: Object, schema: Schema, chance: Random) -> None:
    names = schema.field_names or ("key", "a/b", "")
    name = chance.choice(names)
    node[name] = _value(schema.field(name), chance, 6)


def _value(schema: Schema | None, chance: Random, depth: int) -> Any:
    """Of the schema's type, nearly always."""
    if schema is None or chance.random() < 0.03:
        return _odd(chance)
    if schema.int_or_string:
        return chance.choice((*_NUMBERS[:12], *_WORDS))
    match schema.type:
        case "object":
            return _drawn_object(schema, chance, depth)
        case "array":
            size = chance.choice((0, 1, 1, 2, _LISTS)) if depth > 0 else 0
            return [_value(schema.items, chance, depth - 1) for _ in range(size)]
        case "integer" | "number":
            return chance.choice(_NUMBERS)
        case "boolean":
            return chance.random() < 0.5
        case "string":
            return chance.choice(_WORDS)
    return _odd(chance)


def _drawn_object(schema: Schema, chance: Random, depth: int) -> Object:
    if not schema.field_names:
        keys = [chance.choice(_WORDS) for _ in range(chance.choice((0, 1, 2)))]
        return {key: _value(schema.additional, chance, depth - 1) for key in keys}
    required = schema.required
    drawn: Object = {}
    for name in schema.field_names:
        if name in required or (depth > 0 and chance.random() < _OPTIONAL):
            drawn[name] = _value(schema.field(name), chance, depth - 1)
    return drawn
