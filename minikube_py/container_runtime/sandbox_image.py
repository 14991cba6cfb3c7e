"""The image of sandboxes, made here from a few hundred bytes: no registry, no compiler.

Its one program holds a pod's namespaces: with an argument it first makes the network namespace
itself and gives all its rights away (the engine takes a tenth of a second for that, the kernel
less than a thousandth; docs/pod-start.md), or exits with 1. It blocks SIGINT, SIGTERM and
SIGCHLD, waits for them, reaps what has ended (with a shared PID namespace it is the pod's init)
and exits when told to. A blocked signal reaches even PID 1, whose default actions the kernel
ignores, so no handler is needed. The code is assembled by hand, each line beside its bytes.
"""

import hashlib
import io
import struct
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

REPOSITORY = "minikube-py/sandbox"
PROGRAM = "/pause"
UNSHARE = "unshare"
"""The argument for a network namespace of its own."""

_Listing = Sequence[tuple[str, str]]

_X86_64: _Listing = (
    (
        "83 3c 24 01",
        "       cmp   dword [rsp], 1            ; told nothing: keep the namespace as it is",
    ),
    ("74 37", "       je    block"),
    ("b8 10 01 00 00", "       mov   eax, 272                  ; unshare(CLONE_NEWNET)"),
    ("bf 00 00 00 40", "       mov   edi, 0x40000000"),
    ("0f 05", "       syscall"),
    ("85 c0", "       test  eax, eax"),
    ("75 69", "       jnz   fail"),
    (
        "b8 9d 00 00 00",
        "       mov   eax, 157                  ; prctl(PR_SET_DUMPABLE, 0): nobody traces it",
    ),
    ("bf 04 00 00 00", "       mov   edi, 4"),
    ("31 f6", "       xor   esi, esi"),
    ("0f 05", "       syscall"),
    (
        "b8 7e 00 00 00",
        "       mov   eax, 126                  ; capset(head, none): it needs no more rights",
    ),
    ("48 8d 3d 72 00 00 00", "       lea   rdi, [rip + head]"),
    ("48 8d 35 73 00 00 00", "       lea   rsi, [rip + none]"),
    ("0f 05", "       syscall"),
    ("85 c0", "       test  eax, eax"),
    ("75 42", "       jnz   fail"),
    ("b8 0e 00 00 00", "block: mov   eax, 14                   ; rt_sigprocmask(BLOCK, set, 0, 8)"),
    ("31 ff", "       xor   edi, edi"),
    ("48 8d 35 77 00 00 00", "       lea   rsi, [rip + set]"),
    ("31 d2", "       xor   edx, edx"),
    ("41 ba 08 00 00 00", "       mov   r10d, 8"),
    ("0f 05", "       syscall"),
    ("b8 80 00 00 00", "wait:  mov   eax, 128                  ; rt_sigtimedwait(set, 0, 0, 8)"),
    ("48 8d 3d 61 00 00 00", "       lea   rdi, [rip + set]"),
    ("31 f6", "       xor   esi, esi"),
    ("31 d2", "       xor   edx, edx"),
    ("41 ba 08 00 00 00", "       mov   r10d, 8"),
    ("0f 05", "       syscall"),
    ("83 f8 11", "       cmp   eax, SIGCHLD"),
    ("74 14", "       je    reap"),
    ("85 c0", "       test  eax, eax"),
    ("78 df", "       js    wait"),
    ("31 ff", "       xor   edi, edi"),
    ("b8 e7 00 00 00", "exit:  mov   eax, 231                  ; exit_group"),
    ("0f 05", "       syscall"),
    ("bf 01 00 00 00", "fail:  mov   edi, 1"),
    ("eb f2", "       jmp   exit"),
    ("b8 3d 00 00 00", "reap:  mov   eax, 61                   ; wait4(-1, 0, WNOHANG, 0)"),
    ("bf ff ff ff ff", "       mov   edi, -1"),
    ("31 f6", "       xor   esi, esi"),
    ("ba 01 00 00 00", "       mov   edx, 1"),
    ("45 31 d2", "       xor   r10d, r10d"),
    ("0f 05", "       syscall"),
    ("85 c0", "       test  eax, eax"),
    ("7f e6", "       jg    reap"),
    ("eb b3", "       jmp   wait"),
    ("22 05 08 20 00 00 00 00", "head:  .long 0x20080522, 0          ; capabilities, version 3"),
    ("00 " * 24, "none:  .zero 24"),
    ("02 40 01 00 00 00 00 00", "set:   .quad 1<<1 | 1<<14 | 1<<16    ; SIGINT, SIGTERM, SIGCHLD"),
)

_ARM64: _Listing = (
    ("e0 03 40 f9", "       ldr   x0, [sp]"),
    (
        "1f 04 00 f1",
        "       cmp   x0, #1                   ; told nothing: keep the namespace as it is",
    ),
    ("c0 01 00 54", "       b.eq  block"),
    ("00 00 a8 d2", "       mov   x0, #0x40000000"),
    ("28 0c 80 d2", "       mov   x8, #97                  ; unshare(CLONE_NEWNET)"),
    ("01 00 00 d4", "       svc   #0"),
    ("80 03 00 b5", "       cbnz  x0, fail"),
    ("80 00 80 d2", "       mov   x0, #4"),
    ("01 00 80 d2", "       mov   x1, #0"),
    (
        "e8 14 80 d2",
        "       mov   x8, #167                 ; prctl(PR_SET_DUMPABLE, 0): nobody traces it",
    ),
    ("01 00 00 d4", "       svc   #0"),
    ("60 04 00 10", "       adr   x0, head"),
    ("81 04 00 10", "       adr   x1, none"),
    (
        "68 0b 80 d2",
        "       mov   x8, #91                  ; capset(head, none): it needs no more rights",
    ),
    ("01 00 00 d4", "       svc   #0"),
    ("60 02 00 b5", "       cbnz  x0, fail"),
    ("00 00 80 d2", "block: mov   x0, #0"),
    ("a1 04 00 10", "       adr   x1, set"),
    ("02 00 80 d2", "       mov   x2, #0"),
    ("03 01 80 d2", "       mov   x3, #8"),
    ("e8 10 80 d2", "       mov   x8, #135                 ; rt_sigprocmask(BLOCK, set, 0, 8)"),
    ("01 00 00 d4", "       svc   #0"),
    ("00 04 00 10", "wait:  adr   x0, set"),
    ("01 00 80 d2", "       mov   x1, #0"),
    ("02 00 80 d2", "       mov   x2, #0"),
    ("03 01 80 d2", "       mov   x3, #8"),
    ("28 11 80 d2", "       mov   x8, #137                 ; rt_sigtimedwait(set, 0, 0, 8)"),
    ("01 00 00 d4", "       svc   #0"),
    ("1f 44 00 71", "       cmp   w0, #SIGCHLD"),
    ("e0 00 00 54", "       b.eq  reap"),
    ("00 ff ff 37", "       tbnz  w0, #31, wait"),
    ("00 00 80 d2", "       mov   x0, #0"),
    ("c8 0b 80 d2", "exit:  mov   x8, #94                  ; exit_group"),
    ("01 00 00 d4", "       svc   #0"),
    ("20 00 80 d2", "fail:  mov   x0, #1"),
    ("fd ff ff 17", "       b     exit"),
    ("00 00 80 92", "reap:  mov   x0, #-1"),
    ("01 00 80 d2", "       mov   x1, #0"),
    ("22 00 80 d2", "       mov   x2, #1"),
    ("03 00 80 d2", "       mov   x3, #0"),
    ("88 20 80 d2", "       mov   x8, #260                 ; wait4(-1, 0, WNOHANG, 0)"),
    ("01 00 00 d4", "       svc   #0"),
    ("1f 00 00 71", "       cmp   w0, #0"),
    ("2c ff ff 54", "       b.gt  reap"),
    ("ea ff ff 17", "       b     wait"),
    ("1f 20 03 d5", "       nop                            ; aligns what follows"),
    ("22 05 08 20 00 00 00 00", "head:  .long 0x20080522, 0          ; capabilities, version 3"),
    ("00 " * 24, "none:  .zero 24"),
    ("02 40 01 00 00 00 00 00", "set:   .quad 1<<1 | 1<<14 | 1<<16    ; SIGINT, SIGTERM, SIGCHLD"),
)

# An engine's word for a machine → its listing and its number in ELF.
_MACHINES: dict[str, tuple[_Listing, int]] = {
    "x86_64": (_X86_64, 62),
    "amd64": (_X86_64, 62),
    "aarch64": (_ARM64, 183),
    "arm64": (_ARM64, 183),
}
_PLAIN_RUNTIMES = {"runc", "crun", "io.containerd.runc.v2"}
_FOREIGN_HOST = {"name=userns", "name=rootless", "name=selinux"}
_BASE = 0x400000
_EXECUTABLE, _READ_EXECUTE, _LOAD, _PAGE = 2, 5, 1, 0x10000


@dataclass(frozen=True)
class SandboxImage:
    """`unshares`: on this engine the program may make the network namespace itself."""

    tag: str
    unshares: bool = False


def sandbox_image(info: Mapping[str, Any]) -> SandboxImage:
    """For the engine that says so of itself. Where its host namespaces are not this host's, or
    where the right to unshare may be refused, the engine makes the network namespaces.
    """
    options = {
        part for option in info.get("SecurityOptions") or () for part in str(option).split(",")
    }
    unshares = info.get("DefaultRuntime") in _PLAIN_RUNTIMES and not options & _FOREIGN_HOST
    return SandboxImage(image_tag(info["Architecture"]), unshares)


class UnknownMachine(ValueError):
    """No sandbox program for this processor."""


def image_tag(machine: str) -> str:
    """Changes when the content does, so an upgraded mk finds its own image or makes it."""
    return f"{REPOSITORY}:{hashlib.sha256(image_tar(machine)).hexdigest()[:12]}"


def image_tar(machine: str) -> bytes:
    """A root file system for `docker import`; always the same bytes."""
    buffer = io.BytesIO()
    program = executable(machine)
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        entry = tarfile.TarInfo(PROGRAM.removeprefix("/"))
        entry.size, entry.mode = len(program), 0o755
        tar.addfile(entry, io.BytesIO(program))
    return buffer.getvalue()


def executable(machine: str) -> bytes:
    """A static ELF file. Raises UnknownMachine."""
    if machine not in _MACHINES:
        raise UnknownMachine(f"mk has no sandbox program for {machine}, only x86-64 and arm64")
    listing, number = _MACHINES[machine]
    code = bytes.fromhex("".join(line for line, _ in listing))
    headers = 64 + 56
    size = headers + len(code)
    identity = b"\x7fELF" + bytes([2, 1, 1, 0]) + bytes(8)  # 64 bits, little-endian, System V
    header = identity + struct.pack(
        "<HHIQQQIHHHHHH", _EXECUTABLE, number, 1, _BASE + headers, 64, 0, 0, 64, 56, 1, 0, 0, 0
    )
    segment = struct.pack("<IIQQQQQQ", _LOAD, _READ_EXECUTE, 0, _BASE, _BASE, size, size, _PAGE)
    return header + segment + code
