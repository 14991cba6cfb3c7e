"""Sockets inside a pod's network namespace: port-forward reaches what listens on the pod's own
127.0.0.1, as Kubernetes does.

A thread of its own enters the namespace, makes the socket and ends; the socket stays in the
namespace it was made in, whoever uses it. (`os.setns` exists from Python 3.12 on only.)
"""

import asyncio
import ctypes
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_CLONE_NEWNET = 0x40000000


async def connect_inside(pid: int, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to 127.0.0.1:`port` as process `pid` would make it; raises OSError."""
    loop = asyncio.get_running_loop()
    thread = ThreadPoolExecutor(1)
    try:
        made = await loop.run_in_executor(thread, _socket_of, pid)
    finally:
        thread.shutdown(wait=False)
    try:
        made.setblocking(False)
        await loop.sock_connect(made, ("127.0.0.1", port))
        return await asyncio.open_connection(sock=made)
    except BaseException:
        made.close()
        raise


def _socket_of(pid: int) -> socket.socket:
    path = Path(f"/proc/{pid}/ns/net")
    with path.open() as namespace:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(namespace.fileno(), _CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(path))
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM)
