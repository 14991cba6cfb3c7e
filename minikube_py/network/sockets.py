"""Sockets that listen on a cluster's own addresses."""

import errno
import socket

_IP_FREEBIND = 15
_BACKLOG = 1024


class AddressTaken(OSError):
    """Another program listens there; the message says how to find it."""


def bound_socket(
    address: str, port: int, kind: socket.SocketKind, *, replaceable: bool = False
) -> socket.socket:
    """A socket that need not wait for its address to appear on the host, and listens if it is a
    stream's. A replaceable one may be bound again before it is closed, so that there is no gap.
    """
    made = socket.socket(socket.AF_INET, kind)
    try:
        made.setblocking(False)
        if kind == socket.SOCK_STREAM:  # for datagrams it would let two programs share the port
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if replaceable:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
        made.bind((address, port))
        if kind == socket.SOCK_STREAM:
            made.listen(_BACKLOG)
    except OSError as error:
        made.close()
        if error.errno == errno.EADDRINUSE:
            flag = "-ltnp" if kind == socket.SOCK_STREAM else "-lunp"
            raise AddressTaken(
                error.errno,
                f"port {port} of {address} is taken by another program "
                f"(see 'ss {flag}'): stop it, or move it to another address",
            ) from error
        raise
    return made
