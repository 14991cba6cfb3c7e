import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from minikube_py.container_runtime import sandbox_image

X86_64 = sys.platform == "linux" and os.uname().machine == "x86_64"
_DATA = 40  # bytes behind the code
# Runs the program as a child that is the reaper of its descendants, as PID 1 is of a namespace's.
REAPER = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(36, 1)                       # PR_SET_CHILD_SUBREAPER
if os.fork() == 0:
    if os.fork() == 0:
        os.read(0, 1)                                # the orphan outlives its parent
    os._exit(0)
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "pause"
    path.write_bytes(sandbox_image.executable("x86_64"))
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(("machine", "size"), [("x86_64", 322), ("aarch64", 344)])
def test_the_program_is_a_few_hundred_bytes(machine: str, size: int) -> None:
    assert len(sandbox_image.executable(machine)) == size


@pytest.mark.parametrize("other", [("amd64", "x86_64"), ("arm64", "aarch64")])
def test_the_engines_two_words_for_a_machine_mean_the_same(other: tuple[str, str]) -> None:
    assert sandbox_image.image_tag(other[0]) == sandbox_image.image_tag(other[1])


def test_the_tag_follows_the_content_and_stays_the_same() -> None:
    assert sandbox_image.image_tag("x86_64") == sandbox_image.image_tag("x86_64")
    assert sandbox_image.image_tag("x86_64") != sandbox_image.image_tag("aarch64")


def test_an_unknown_machine_is_named() -> None:
    with pytest.raises(sandbox_image.UnknownMachine, match="riscv64"):
        sandbox_image.executable("riscv64")


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_every_jump_and_address_of_the_listing_is_inside_the_code(machine: str) -> None:
    """The entry point is the first instruction and the segment holds all of it."""
    program = sandbox_image.executable(machine)
    entry = int.from_bytes(program[24:32], "little")
    base = int.from_bytes(program[64 + 16 : 64 + 24], "little")
    size = int.from_bytes(program[64 + 32 : 64 + 40], "little")

    assert entry - base == 64 + 56
    assert size == len(program)
    assert program[-8:] == (1 << 1 | 1 << 14 | 1 << 16).to_bytes(8, "little")


def test_the_arm64_code_is_what_the_listing_says() -> None:
    """Each instruction decoded again from its bits, for there may be no arm64 machine here."""
    code = sandbox_image.executable("aarch64")[120:-_DATA]
    words = [int.from_bytes(code[at : at + 4], "little") for at in range(0, len(code), 4)]

    decoded = [_arm64(word, 4 * at) for at, word in enumerate(words)]

    head, none, signals = len(code), len(code) + 8, len(code) + 32
    assert decoded == [
        "ldr x0, [sp]", "cmp x0, 1", "b.eq 64",
        "mov x0, 1073741824", "mov x8, 97", "svc", "cbnz x0, 136",
        "mov x0, 4", "mov x1, 0", "mov x8, 167", "svc",
        f"adr x0, {head}", f"adr x1, {none}", "mov x8, 91", "svc", "cbnz x0, 136",
        "mov x0, 0", f"adr x1, {signals}", "mov x2, 0", "mov x3, 8", "mov x8, 135", "svc",
        f"adr x0, {signals}", "mov x1, 0", "mov x2, 0", "mov x3, 8", "mov x8, 137", "svc",
        "cmp w0, 17", "b.eq 144", "tbnz w0, 31, 88",
        "mov x0, 0", "mov x8, 94", "svc",
        "mov x0, 1", "b 128",
        "mov x0, -1", "mov x1, 0", "mov x2, 1", "mov x3, 0", "mov x8, 260", "svc",
        "cmp w0, 0", "b.gt 144", "b 88", "nop",
    ]  # fmt: skip


@pytest.mark.skipif(not X86_64 or os.geteuid() != 0, reason="runs x86-64 code as root")
def test_with_an_argument_it_makes_its_network_namespace_and_has_no_rights_left(
    program: Path,
) -> None:
    process = subprocess.Popen([str(program), sandbox_image.UNSHARE])
    try:
        own, status = Path(f"/proc/{process.pid}/ns/net"), Path(f"/proc/{process.pid}/status")
        _until(lambda: "CapPrm:\t0000000000000000" in status.read_text())

        assert own.readlink() != Path("/proc/self/ns/net").readlink()
        assert "CapEff:\t0000000000000000" in status.read_text()
    finally:
        process.kill()
        process.wait()


@pytest.mark.skipif(not X86_64 or os.geteuid() != 0, reason="runs x86-64 code as root")
def test_without_the_right_to_it_it_ends_rather_than_stay_in_the_hosts_network(
    program: Path,
) -> None:
    program.parent.chmod(0o755)
    command = ["setpriv", "--bounding-set=-sys_admin", str(program), sandbox_image.UNSHARE]

    assert subprocess.run(command, timeout=5, check=False).returncode == 1


@pytest.mark.skipif(not X86_64, reason="runs x86-64 code")
def test_without_an_argument_it_stays_in_the_network_it_was_started_in(program: Path) -> None:
    process = subprocess.Popen([str(program)])
    try:
        _until(lambda: Path(f"/proc/{process.pid}/exe").readlink() == program)

        here = Path("/proc/self/ns/net").readlink()
        assert Path(f"/proc/{process.pid}/ns/net").readlink() == here
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("info", "unshares"),
    [
        pytest.param({"DefaultRuntime": "runc"}, True, id="plain"),
        pytest.param(
            {"DefaultRuntime": "runc", "SecurityOptions": ["name=seccomp,profile=default"]},
            True,
            id="seccomp",
        ),
        pytest.param({"DefaultRuntime": "runsc"}, False, id="a runtime with a kernel of its own"),
        pytest.param(
            {"DefaultRuntime": "runc", "SecurityOptions": ["name=userns"]}, False, id="userns"
        ),
        pytest.param(
            {"DefaultRuntime": "runc", "SecurityOptions": ["name=rootless"]}, False, id="rootless"
        ),
        pytest.param(
            {"DefaultRuntime": "runc", "SecurityOptions": ["name=selinux"]}, False, id="selinux"
        ),
    ],
)
def test_sandboxes_unshare_where_the_engines_host_is_this_one(
    info: dict[str, Any], unshares: bool
) -> None:
    assert sandbox_image.sandbox_image({"Architecture": "x86_64", **info}).unshares is unshares


@pytest.mark.skipif(not X86_64, reason="runs x86-64 code")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_program_waits_and_ends_when_told_to(program: Path, number: int) -> None:
    process = subprocess.Popen([str(program)])
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.1)
        process.send_signal(number)

        assert process.wait(timeout=5) == 0
    finally:
        process.kill()


@pytest.mark.skipif(not X86_64, reason="runs x86-64 code")
def test_the_program_reaps_orphans(program: Path) -> None:
    command = [sys.executable, "-c", REAPER, str(program)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, bufsize=0)
    try:
        assert process.stdin is not None
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        _until(lambda: Path(f"/proc/{process.pid}/exe").readlink() == program)
        _until(lambda: children.read_text() != "")

        process.stdin.write(b"x")  # the orphan ends

        _until(lambda: children.read_text() == "")
    finally:
        process.kill()
        process.communicate()


def _until(condition: object) -> None:
    assert callable(condition)
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value


def _arm64(word: int, at: int) -> str:
    """The few instructions used, by the architecture manual's encodings."""
    register, immediate16 = word & 31, word >> 5 & 0xFFFF
    if word >> 23 == 0b1_1010_0101:
        return f"mov x{register}, {immediate16 << 16 * (word >> 21 & 3)}"
    if word >> 21 == 0b100_1001_0100:
        return f"mov x{register}, {~immediate16}"
    if word >> 31 == 0 and word >> 24 & 31 == 0b10000:
        offset = _signed((word >> 5 & 0x7FFFF) << 2 | word >> 29 & 3, 21)
        return f"adr x{register}, {at + offset}"
    if word >> 22 == 0b11_1110_0101:
        base = "sp" if word >> 5 & 31 == 31 else f"x{word >> 5 & 31}"
        return f"ldr x{register}, [{base}]"
    if word >> 22 & 0x1FF == 0b1_1100_0100 and register == 31:
        return f"cmp {'x' if word >> 31 else 'w'}{word >> 5 & 31}, {word >> 10 & 0xFFF}"
    if word >> 24 == 0b1011_0101:
        return f"cbnz x{register}, {at + 4 * _signed(word >> 5 & 0x7FFFF, 19)}"
    if word >> 24 == 0b0101_0100:
        name = {0: "eq", 12: "gt"}[word & 15]
        return f"b.{name} {at + 4 * _signed(word >> 5 & 0x7FFFF, 19)}"
    if word >> 24 & 0x7F == 0b011_0111:
        bit = (word >> 31) << 5 | word >> 19 & 31
        return f"tbnz w{register}, {bit}, {at + 4 * _signed(word >> 5 & 0x3FFF, 14)}"
    if word >> 26 == 0b000101:
        return f"b {at + 4 * _signed(word & 0x3FFFFFF, 26)}"
    return {0xD4000001: "svc", 0xD503201F: "nop"}[word]
