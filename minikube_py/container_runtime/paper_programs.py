"""What a command would do, for containers that only exist on paper: a small reading of the few
commands that lessons and tests are made of. Pure: a program is the sequence of what it says and
how long it waits; whoever runs it keeps the time.

Known are the commands in KNOWN and scripts of them under `sh -c` with `;`, `&&`, `||`, `&`, `exec`,
`trap 'exit N' TERM`, `> file` and endless `while true; do …; done`. Everything else is taken for a
server: silent, and it runs until stopped.
"""

import math
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from minikube_py.container_runtime.interface import LogStream

FOREVER = math.inf
_SHELLS = {"sh", "bash", "ash", "dash"}
_SEPARATORS = {";", "&&", "||", "&"}
_LOOP_SECONDS = 0.05  # an endless loop takes some time each round
_NOT_KNOWN = 127


@dataclass(frozen=True)
class Says:
    text: str
    stream: LogStream = "stdout"


@dataclass(frozen=True)
class Waits:
    """Seconds, FOREVER until it is told to stop."""

    seconds: float


@dataclass(frozen=True)
class Ends:
    code: int


Step = Says | Waits | Ends


@dataclass
class Surroundings:
    """What a program can see. `written` are files it has made."""

    hostname: str
    env: Mapping[str, str]
    read: Callable[[str], str | None]
    written: dict[str, str] = field(default_factory=dict)

    def file(self, path: str) -> str | None:
        return self.written[path] if path in self.written else self.read(path)


def steps_of(command: Sequence[str], around: Surroundings, *, main: bool) -> Iterator[Step]:
    """Ends with Ends, if it ends. `main`: an unknown command is a server; otherwise it is refused
    by name.
    """
    script = _script_of(command)
    try:
        parts = _words(script) if script is not None else [list(command)]
    except ValueError:
        parts = [["?"]]
    yield from _Shell(around, main=main).run(parts)


def stop_code(command: Sequence[str], signal: str) -> int | None:
    """The exit code after a signal, None when it is ignored. Without a trap it is 0, as of a server
    that shuts down in order: the phase of a Pod that ends otherwise is Failed.
    """
    if signal in ("SIGKILL", "KILL"):
        return 137
    script = _script_of(command) or ""
    marker = "trap "
    if marker not in script:
        return 0
    words = shlex.split(script[script.index(marker) :].replace(";", " ; "))
    action = words[1] if len(words) > 1 else ""
    if not action:
        return None
    return int(action.split()[1]) if action.startswith("exit ") else 0


def _script_of(command: Sequence[str]) -> str | None:
    """What follows `sh -c`."""
    if len(command) < 3 or command[0].rsplit("/", 1)[-1] not in _SHELLS:
        return None
    flags = [word for word in command[1:-1] if word.startswith("-")]
    return command[2] if any("c" in flag for flag in flags) else None


def _words(script: str) -> list[list[str]]:
    """Simple commands and the separators between them, each a list."""
    lexer = shlex.shlex(script.strip().replace("\n", " ; "), posix=True, punctuation_chars=";&|<>")
    lexer.whitespace_split = True
    parts: list[list[str]] = [[]]
    for word in lexer:
        if word in _SEPARATORS:
            parts += [[word], []]
        else:
            parts[-1].append(word)
    return [part for part in parts if part]


class _Shell:
    def __init__(self, around: Surroundings, *, main: bool) -> None:
        self._around = around
        self._main = main
        self._code = 0

    def run(self, parts: list[list[str]]) -> Iterator[Step]:
        for step in self._sequence(parts):
            yield step
            if isinstance(step, Ends):
                return
        yield Ends(self._code)

    def _sequence(self, parts: list[list[str]]) -> Iterator[Step]:
        at, skip = 0, False
        while at < len(parts):
            part = parts[at]
            if part[0] in _SEPARATORS:
                skip = (part[0] == "&&" and self._code != 0) or (
                    part[0] == "||" and self._code == 0
                )
            elif part[0] == "while":
                yield from self._forever(_loop_body(parts[at:]))
            elif not skip:
                background = parts[at + 1 : at + 2] == [["&"]]
                yield from self._command(part) if not background else ()
            at += 1

    def _forever(self, body: list[list[str]]) -> Iterator[Step]:
        while True:
            yield Waits(_LOOP_SECONDS)
            yield from self._sequence(body)

    def _command(self, words: list[str]) -> Iterator[Step]:
        words, target, append = _redirection([_expand(word, self._around.env) for word in words])
        replaces_shell = words[0] == "exec"
        words = words[1:] if replaces_shell else words
        name = words[0].rsplit("/", 1)[-1] if words else ":"
        for step in self._known(name, words[1:]):
            if isinstance(step, Says) and target:
                before = (self._around.file(target) or "") if append else ""
                self._around.written[target] = before + step.text
                append = True
            elif isinstance(step, Ends) and name != "exit":
                self._code = step.code
            else:
                yield step
        if replaces_shell:
            yield Ends(self._code)

    def _known(self, name: str, arguments: list[str]) -> Iterator[Step]:
        known = _PROGRAMS.get(name)
        if known is not None:
            yield from known(arguments, self._around)
        elif self._main:
            yield Waits(FOREVER)
        else:
            text = f"{name}: not on paper; the simulated runtime knows {', '.join(KNOWN)}\n"
            yield Says(text, "stderr")
            yield Ends(_NOT_KNOWN)


def _loop_body(parts: list[list[str]]) -> list[list[str]]:
    """Of `while true; do a; b; done`: what stands between `do` and `done`."""
    body: list[list[str]] = []
    for part in parts[1:]:
        words = part[1:] if part[0] == "do" else part
        if part[0] == "done":
            break
        if words:
            body.append(words)
    return body


def _redirection(words: list[str]) -> tuple[list[str], str, bool]:
    for sign in (">", ">>"):
        if sign in words[:-1]:
            at = words.index(sign)
            return words[:at] + words[at + 2 :], words[at + 1], sign == ">>"
    return words, "", False


def _expand(word: str, env: Mapping[str, str]) -> str:
    for name, value in env.items():
        word = word.replace(f"${{{name}}}", value).replace(f"${name}", value)
    return word


def _echo(arguments: list[str], _: Surroundings) -> Iterator[Step]:
    if arguments[:1] == ["-n"]:
        yield Says(" ".join(arguments[1:]))
    else:
        yield Says(" ".join(arguments) + "\n")
    yield Ends(0)


def _printf(arguments: list[str], _: Surroundings) -> Iterator[Step]:
    yield Says(arguments[0].replace("\\n", "\n") if arguments else "")
    yield Ends(0)


def _cat(arguments: list[str], around: Surroundings) -> Iterator[Step]:
    code = 0
    for path in arguments:
        content = around.file(path)
        if content is None:
            yield Says(f"cat: can't open '{path}': No such file or directory\n", "stderr")
            code = 1
        else:
            yield Says(content)
    yield Ends(code)


def _hostname(_: list[str], around: Surroundings) -> Iterator[Step]:
    yield Says(f"{around.hostname}\n")
    yield Ends(0)


def _env(arguments: list[str], around: Surroundings) -> Iterator[Step]:
    if arguments:
        known = arguments[0] in around.env
        if known:
            yield Says(f"{around.env[arguments[0]]}\n")
        yield Ends(0 if known else 1)
        return
    yield Says("".join(f"{name}={value}\n" for name, value in around.env.items()))
    yield Ends(0)


def _sleep(arguments: list[str], _: Surroundings) -> Iterator[Step]:
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    text = arguments[0] if arguments else "0"
    if text in ("inf", "infinity"):
        yield Waits(FOREVER)
    unit = units.get(text[-1:], 0)
    try:
        yield Waits(float(text[:-1]) * unit if unit else float(text))
    except ValueError:
        yield Says(f"sleep: invalid number '{text}'\n", "stderr")
        yield Ends(1)
        return
    yield Ends(0)


def _exit(arguments: list[str], _: Surroundings) -> Iterator[Step]:
    yield Ends(int(arguments[0]) if arguments and arguments[0].isdigit() else 0)


def _wait(_: list[str], __: Surroundings) -> Iterator[Step]:
    yield Waits(FOREVER)


def _nothing(_: list[str], __: Surroundings) -> Iterator[Step]:
    yield Ends(0)


def _false(_: list[str], __: Surroundings) -> Iterator[Step]:
    yield Ends(1)


_PROGRAMS: dict[str, Callable[[list[str], Surroundings], Iterator[Step]]] = {
    "echo": _echo,
    "printf": _printf,
    "cat": _cat,
    "hostname": _hostname,
    "env": _env,
    "printenv": _env,
    "sleep": _sleep,
    "exit": _exit,
    "wait": _wait,
    "true": _nothing,
    ":": _nothing,
    "trap": _nothing,
    "sync": _nothing,
    "mkdir": _nothing,
    "touch": _nothing,
    "false": _false,
}
KNOWN = sorted(name for name in _PROGRAMS if name.isalpha())
