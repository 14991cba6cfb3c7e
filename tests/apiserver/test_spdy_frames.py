"""SPDY/3.1 frames as pure bytes."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikube_py.apiserver.streams.spdy_frames import (
    DICTIONARY,
    FLAG_FIN,
    MAX_DATA_BYTES,
    PING,
    RST_STREAM,
    SYN_STREAM,
    ControlFrame,
    DataFrame,
    FrameReader,
    FrameWriter,
    SpdyError,
)


def test_the_dictionary_is_the_one_of_the_specification() -> None:
    assert len(DICTIONARY) == 1423
    assert zlib.adler32(DICTIONARY) == 0xE3C6A7C2


def test_headers_share_one_compression_over_many_frames() -> None:
    writer, reader = FrameWriter(), FrameReader()
    sent = [{"streamtype": "stdin"}, {"streamtype": "error", "port": "80"}, {}]

    data = b"".join(writer.syn_stream(2 * n + 1, headers) for n, headers in enumerate(sent))
    frames = list(reader.feed(data))

    assert [f.headers for f in frames if isinstance(f, ControlFrame)] == sent
    assert all(isinstance(f, ControlFrame) and f.type == SYN_STREAM for f in frames)


@given(st.binary(max_size=3 * MAX_DATA_BYTES), st.booleans(), st.integers(1, 5000))
def test_data_arrives_whole_however_it_is_cut(data: bytes, fin: bool, step: int) -> None:
    reader = FrameReader()
    sent = FrameWriter().data(7, data, fin=fin)

    frames = [
        frame
        for start in range(0, len(sent), step)
        for frame in reader.feed(sent[start : start + step])
    ]

    assert all(isinstance(frame, DataFrame) and frame.stream_id == 7 for frame in frames)
    pieces = [frame for frame in frames if isinstance(frame, DataFrame)]
    assert b"".join(frame.data for frame in pieces) == data
    assert [bool(frame.flags & FLAG_FIN) for frame in pieces] == [
        fin and number == len(pieces) - 1 for number in range(len(pieces))
    ]


def test_small_control_frames_survive_the_trip() -> None:
    writer = FrameWriter()

    frames = list(FrameReader().feed(writer.ping(3) + writer.rst_stream(5, 3)))

    assert [(f.type, f.stream_id) for f in frames if isinstance(f, ControlFrame)] == [
        (PING, 3),
        (RST_STREAM, 5),
    ]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x80\x02\x00\x01\x00\x00\x00\x04\x00\x00\x00\x01", id="version-2"),
        pytest.param(b"\x80\x03\x00\x06\x00\x00\x00\x00", id="cut-short"),
        pytest.param(b"\x80\x03\x00\x01\x00\xff\xff\xff", id="too-large"),
        pytest.param(
            b"\x80\x03\x00\x01\x00\x00\x00\x0e\x00\x00\x00\x01" + b"x" * 10, id="no-headers"
        ),
    ],
)
def test_broken_frames_end_the_connection(data: bytes) -> None:
    with pytest.raises(SpdyError):
        list(FrameReader().feed(data))


def test_headers_that_unpack_to_megabytes_are_refused() -> None:
    bomb = FrameWriter().syn_stream(1, {"a": "x" * 2_000_000})

    with pytest.raises(SpdyError, match="larger"):
        list(FrameReader().feed(bomb))
