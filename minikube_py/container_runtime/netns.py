"""Whether a sandbox has left the host's network: its program makes the namespace itself, a moment
after the engine says that it runs.
"""

import asyncio
import os

from minikube_py.container_runtime.interface import RuntimeFailure

_SECONDS = 5.0
_PAUSE = 0.001


async def own(pid: int) -> None:
    """Returns once the process is in a network namespace other than this one's. Raises
    RuntimeFailure when it ended or stays.
    """
    try:
        host = os.stat("/proc/self/ns/net")  # noqa: PTH116 - two numbers of the kernel's, no file
        async with asyncio.timeout(_SECONDS):
            # The kernel tells nobody; it takes microseconds.
            while os.path.samestat(host, os.stat(f"/proc/{pid}/ns/net")):  # noqa: PTH116, ASYNC110
                await asyncio.sleep(_PAUSE)
    except TimeoutError as error:
        raise RuntimeFailure("the pod's sandbox stayed in the host's network") from error
    except OSError as error:
        raise RuntimeFailure(f"the pod's sandbox ended at once ({error.strerror})") from error
