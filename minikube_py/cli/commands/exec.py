"""`mk exec`: runs a command in a container, with a terminal on -it."""

import argparse
import asyncio
import sys

from minikube_py.cli.errors import USAGE, CliError
from minikube_py.cli.pods import default_container, find_pod, pods_path
from minikube_py.cli.session import open_session
from minikube_py.cli.terminal import is_terminal, warn
from minikube_py.meta.objects import name_of


def configure(parser: argparse.ArgumentParser) -> None:
    parser.usage = "mk exec [-it] [-c CONTAINER] POD | TYPE/NAME -- COMMAND…"
    parser.add_argument("target", metavar="POD")
    parser.add_argument("-c", "--container")
    parser.add_argument("-i", "--stdin", action="store_true", help="pass stdin on")
    parser.add_argument("-t", "--tty", action="store_true", help="with a terminal")


def run(args: argparse.Namespace) -> int:
    from minikube_py.cli.streams import run_exec

    if not args.rest:
        raise CliError("say what to run: `mk exec POD -- COMMAND`", code=USAGE)
    session = open_session(args)
    pod = find_pod(session, args.target)
    terminal = args.tty and is_terminal(sys.stdin)
    if args.tty and not terminal:
        warn("stdin is no terminal, so the container gets none")
    container = args.container or default_container(pod)
    query = [("command", word) for word in args.rest]
    query += [("stdout", "true"), ("stderr", "false" if terminal else "true")]
    query += [("stdin", "true")] if args.stdin else []
    query += [("tty", "true")] if terminal else []
    query += [("container", container)] if container else []
    path = pods_path(session.namespace, name_of(pod), "exec")
    return asyncio.run(run_exec(session.client, path, query, stdin=args.stdin, terminal=terminal))
