"""Protobuf bodies, written here field by field as Go's encoder does."""

import struct

import pytest

from minikube_py.apiserver.protobuf.objects import MAGIC, decode_object
from minikube_py.meta.errors import BadRequest
from tests.apiserver.serving import Cluster
from tests.apiserver.test_verbs import MAPS


def varint(value: int) -> bytes:
    value &= 0xFFFFFFFFFFFFFFFF
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def text(field: int, value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(data)) + data


def envelope(api_version: str, kind: str, message: bytes) -> bytes:
    names = text(1, api_version) + text(2, kind)
    return MAGIC + text(1, names) + text(2, message) + text(3, "") + text(4, "")


def metadata(name: str) -> bytes:
    """With the empty fields that Go writes for everything that is no pointer."""
    empty = text(2, "") + text(3, "") + text(4, "") + text(5, "") + text(6, "") + number(7, 0)
    return text(1, name) + empty + text(8, b"")


def test_zeros_that_go_would_leave_out_of_json_are_left_out() -> None:
    body = envelope("v1", "ConfigMap", text(1, metadata("a")) + text(2, text(1, "k") + text(2, "")))

    assert decode_object(body) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a"},
        "data": {"k": ""},
    }


def test_zero_replicas_are_a_choice() -> None:
    spec = number(1, 0) + number(5, 0)

    decoded = decode_object(envelope("apps/v1", "Deployment", text(2, spec)))

    assert decoded["spec"] == {"replicas": 0}


def test_embedded_structs_are_inlined() -> None:
    volume = text(1, "v") + text(2, text(2, text(1, "")))
    probe = text(1, text(3, text(1, number(1, 0) + number(2, 80) + text(3, "")))) + number(2, -1)
    container = text(1, "c") + text(10, probe)
    spec = text(1, volume) + text(2, container)

    decoded = decode_object(envelope("v1", "Pod", text(2, spec)))["spec"]

    assert decoded["volumes"] == [{"name": "v", "emptyDir": {}}]
    assert decoded["containers"] == [
        {"name": "c", "livenessProbe": {"tcpSocket": {"port": 80}, "initialDelaySeconds": -1}}
    ]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{}", id="json"),
        pytest.param(MAGIC + b"\xff", id="cut-short"),
        pytest.param(MAGIC + text(1, b"\xff\xff"), id="bad-names"),
        pytest.param(envelope("example.com/v1", "Thing", b""), id="unknown-kind"),
        pytest.param(envelope("v1", "Pod", text(99, "x")), id="unknown-field"),
        pytest.param(envelope("v1", "Pod", number(1, 1)), id="number-for-a-message"),
        pytest.param(envelope("v1", "Pod", text(1, text(1, b"\xff"))), id="not-utf-8"),
        pytest.param(
            envelope("v1", "Pod", text(1, text(8, struct.pack("<B", 8) + varint(1 << 60)))),
            id="time",
        ),
    ],
)
def test_what_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        decode_object(body)


async def test_a_typed_client_creates_with_protobuf_and_reads_json(cluster: Cluster) -> None:
    body = envelope(
        "v1", "ConfigMap", text(1, metadata("a")) + text(2, text(1, "k") + text(2, "v"))
    )

    answer = await cluster.http.post(
        MAPS,
        data=body,
        headers={
            "Content-Type": "application/vnd.kubernetes.protobuf",
            "Accept": "application/vnd.kubernetes.protobuf,application/json",
        },
    )

    assert answer.status == 201, await answer.text()
    assert answer.content_type == "application/json"
    assert (await answer.json())["data"] == {"k": "v"}
