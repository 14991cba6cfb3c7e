from hypothesis import given
from hypothesis import strategies as st

from minikube_py.container_runtime.frames import Frames, Lines
from minikube_py.container_runtime.interface import LogStream

STREAMS: dict[LogStream, int] = {"stdout": 1, "stderr": 2}


def framed(stream: LogStream, content: bytes) -> bytes:
    return bytes([STREAMS[stream], 0, 0, 0]) + len(content).to_bytes(4, "big") + content


@given(
    st.lists(st.tuples(st.sampled_from(sorted(STREAMS)), st.binary(max_size=30)), max_size=10),
    st.integers(1, 13),
)
def test_frames_come_back_however_the_bytes_were_cut(
    pieces: list[tuple[LogStream, bytes]], cut: int
) -> None:
    wire = b"".join(framed(stream, content) for stream, content in pieces)
    frames = Frames(raw=False)

    found = [frame for at in range(0, len(wire), cut) for frame in frames.feed(wire[at : at + cut])]

    assert found == pieces


def test_a_terminal_is_not_framed() -> None:
    assert list(Frames(raw=True).feed(b"\x01\x00any")) == [("stdout", b"\x01\x00any")]


@given(st.lists(st.binary(max_size=20)), st.integers(1, 7))
def test_lines_are_whole_and_nothing_is_lost(texts: list[bytes], cut: int) -> None:
    whole = b"".join(text.replace(b"\n", b"") + b"\n" for text in texts)
    lines = Lines()

    found = [
        line
        for at in range(0, len(whole), cut)
        for line in lines.feed("stdout", whole[at : at + cut])
    ]

    assert b"".join(text for _, text in found) == whole
    assert len(found) == len(texts)
    assert list(lines.end()) == []


def test_the_pieces_of_a_long_line_keep_one_timestamp() -> None:
    lines = Lines()

    first = list(lines.feed("stdout", b"aaa", stamp=b"2026-01-01T00:00:00.000000001Z "))
    second = list(lines.feed("stdout", b"bbb\n", stamp=b"2026-01-01T00:00:00.000000002Z "))

    assert first == []
    assert second == [("stdout", b"2026-01-01T00:00:00.000000001Z aaabbb\n")]


def test_streams_do_not_mix_and_the_last_line_gets_its_newline() -> None:
    lines = Lines()

    assert list(lines.feed("stdout", b"half")) == []
    assert list(lines.feed("stderr", b"error\n")) == [("stderr", b"error\n")]
    assert list(lines.end()) == [("stdout", b"half")]


def test_an_endless_line_is_passed_on_in_parts() -> None:
    piece = b"x" * (1 << 20) + b"y"

    assert list(Lines().feed("stdout", piece)) == [("stdout", piece)]
