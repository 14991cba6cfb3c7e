"""Colour and emphasis, only where a person looks: a terminal, and NO_COLOR unset."""

import os
import sys
from typing import TextIO

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def wants_colour(stream: TextIO) -> bool:
    return (
        is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )


def styled(text: str, style: str, stream: TextIO | None = None) -> str:
    """`text` in `style` (bold dim red green yellow cyan) if `stream` (default: stdout) shows it."""
    if not wants_colour(stream or sys.stdout):
        return text
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m"


def note(text: str) -> None:
    """A line for the person, not for the pipe."""
    print(text, file=sys.stderr)


def warn(text: str) -> None:
    print(f"{styled('warning:', 'yellow', sys.stderr)} {text}", file=sys.stderr)
