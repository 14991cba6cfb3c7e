"""Run by test_linearizable: a parent that has the daemon's code in memory and forks a daemon a
round, so that a round costs no interpreter start and no imports. What is forked is the whole
daemon, as `mk up --runtime simulated` starts it.

stdin: one line a round. stdout: `pid N`, then `dead` when it was killed.
"""

import gc
import os
import sys
from pathlib import Path

import uvloop

import minikube_py.daemon.control_plane
import minikube_py.kinds.catalog
from minikube_py.daemon.run import run
from minikube_py.daemon.settings import parse_settings


def main() -> None:
    arguments, log = sys.argv[1:-1], Path(sys.argv[-1])
    minikube_py.daemon.control_plane.warm_up()
    gc.freeze()
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(descriptor, 2)
            os.setsid()
            uvloop.run(run(parse_settings(arguments)))
            os._exit(0)
        os.write(1, f"pid {pid}\n".encode())
        os.waitpid(pid, 0)
        os.write(1, b"dead\n")


if __name__ == "__main__":
    main()
