"""`mk version`: of the command and of the cluster it speaks to."""

import argparse
import json
import platform

from minikube_py import __version__
from minikube_py.cli.errors import OK, CliError
from minikube_py.cli.session import open_session
from minikube_py.cli.terminal import note


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--client", action="store_true", help="of the command only")
    parser.add_argument("-o", "--output", choices=["json"])


def run(args: argparse.Namespace) -> int:
    versions: dict[str, object] = {"mk": __version__, "python": platform.python_version()}
    problem = ""
    if not args.client:
        try:
            versions["server"] = open_session(args).client.get("/version")
        except CliError as error:
            problem = error.message
    if args.output == "json":
        print(json.dumps(versions, indent=2))
        return OK
    print(f"mk: {__version__} (Python {platform.python_version()})")
    server = versions.get("server")
    if isinstance(server, dict):
        print(f"server: {server.get('gitVersion')}")
    elif problem:
        note(f"server: {problem}")
    return OK
