"""The `mk` command: argument tree, exit codes, errors as one line on stderr.

Only the module of the command that was typed is imported, so `mk get` does not pay for `mk exec`.
"""

import argparse
import difflib
import importlib
import os
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from minikube_py import __version__
from minikube_py.cli.errors import FAILED, INTERRUPTED, USAGE, CliError
from minikube_py.cli.terminal import styled
from minikube_py.meta.errors import ApiError

_COMMANDS = {
    "up": "start the cluster (or say where it is)",
    "down": "stop pods and daemon; state and volumes stay",
    "purge": "remove the cluster and all it made on this host",
    "status": "what runs, where, and what is wrong",
    "apply": "make the cluster be what manifests say",
    "get": "show objects",
    "describe": "show objects in detail, with their events",
    "create": "create from a manifest, or a namespace, configmap or secret",
    "patch": "change some fields of an object",
    "label": "set and remove labels",
    "annotate": "set and remove annotations",
    "delete": "delete objects",
    "logs": "print what a container wrote",
    "exec": "run a command in a container",
    "port-forward": "reach a pod's port on this host",
    "restart": "start a pod's containers again now, whatever back-off they owe",
    "scale": "set the number of replicas",
    "rollout": "status, restart, undo, history, pause and resume of rollouts",
    "wait": "wait for a condition",
    "events": "what happened, oldest first",
    "top": "CPU and memory of pods or nodes",
    "api-resources": "all kinds the cluster serves",
    "kubeconfig": "print a kubeconfig of this cluster alone",
    "version": "of mk and of the cluster",
}


_STRANGE_COMMAND = re.compile(r"argument COMMAND: invalid choice: '(?P<word>.*?)' \(choose from ")


class _Parser(argparse.ArgumentParser):
    """Flags may stand between the words, as people type them: `mk get pods -n shop web`."""

    _is_intermixing = False

    def parse_known_args(  # type: ignore[override] # argparse's overloads differ in the namespace
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        if self._is_intermixing or self._subparsers is not None:
            return super().parse_known_args(args, namespace)
        self._is_intermixing = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._is_intermixing = False

    def error(self, message: str) -> NoReturn:
        words = self.prog.split()
        if strange := _STRANGE_COMMAND.match(message):
            message = _no_command(strange["word"])
        _print_error(f"{message} (see `{' '.join(words[:2])} --help`)")
        raise SystemExit(USAGE)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    words, rest = _split_at_dashes(words)
    parser, modules = build_parser(words)
    args, strange = parser.parse_known_args(words)
    if strange:
        _refuse(args.command, strange)
    args.rest = rest
    if not getattr(args, "command", None):
        parser.print_help()
        return USAGE
    try:
        code = int(modules[args.command].run(args))
        sys.stdout.flush()
    except (CliError, ApiError) as error:
        return _failed(error, verbose=bool(getattr(args, "verbose", False)))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # `mk get … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        if bool(getattr(args, "verbose", False)):
            raise
        _print_error(f"{type(error).__name__}: {error} (that is a bug in mk; -v shows where)")
        return FAILED
    finally:
        for client in getattr(args, "clients", []):
            client.close()
    return code


def build_parser(words: Sequence[str]) -> tuple[argparse.ArgumentParser, dict[str, Any]]:
    """The whole tree for help, with the flags of those commands that `words` can mean."""
    common = _common_flags()
    parser = _Parser(
        prog="mk",
        description="A local Kubernetes on this host's Docker, and a client for any Kubernetes.",
        parents=[common],
    )
    parser.add_argument("--version", action="version", version=f"mk {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    modules: dict[str, Any] = {}
    for name, summary in _COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary, parents=[common])
        if name in words:
            module_name = name.replace("-", "_")
            modules[name] = importlib.import_module(f"minikube_py.cli.commands.{module_name}")
            modules[name].configure(command)
    return parser, modules


def _split_at_dashes(words: list[str]) -> tuple[list[str], list[str]]:
    """What follows `--` is not ours to read: it is the command of `mk exec`."""
    if "--" not in words:
        return words, []
    place = words.index("--")
    return words[:place], words[place + 1 :]


def _common_flags() -> _Parser:
    """SUPPRESS everywhere: the flags may stand before or after the command."""
    common = _Parser(add_help=False)
    unset = argparse.SUPPRESS
    common.add_argument("-n", "--namespace", default=unset, help="namespace to work in")
    common.add_argument("--context", default=unset, help="kubeconfig context to use")
    common.add_argument("--kubeconfig", default=unset, help="kubeconfig file to use")
    common.add_argument("-v", "--verbose", action="store_true", default=unset, help="show stacks")
    return common


def _refuse(command: str, strange: Sequence[str]) -> NoReturn:
    line = f"unrecognized arguments: {' '.join(strange)} (see `mk {command} --help`)"
    if command == "exec":
        line = f"what to run follows `--`: mk exec … -- {' '.join(strange)}"
    _print_error(line)
    raise SystemExit(USAGE)


def _no_command(word: str) -> str:
    close = difflib.get_close_matches(word, _COMMANDS, n=1)
    if close:
        return f"there is no command {word!r}: did you mean `mk {close[0]}`?"
    return f"there is no command {word!r}; kubectl works with this cluster too"


def _failed(error: CliError | ApiError, *, verbose: bool) -> int:
    for line in error.message.splitlines() or [type(error).__name__]:
        _print_error(line)
    if verbose:
        import traceback

        traceback.print_exception(error)
    return error.code if isinstance(error, CliError) else FAILED


def _print_error(line: str) -> None:
    print(f"{styled('error:', 'red', sys.stderr)} {line}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
