"""Durations as kubectl takes them on the command line."""

import re

from minikube_py.cli.errors import USAGE, CliError

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?")


def parse_duration(text: str) -> float:
    """Seconds of `30s`, `1m30s`, `2h`, `90`; raises CliError that shows how to write one."""
    match = _DURATION.fullmatch(text.strip())
    if not match or not text.strip():
        raise CliError(f'"{text}" is no duration: write e.g. 30s, 5m, 1h30m', code=USAGE)
    hours, minutes, seconds = match.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds or 0)
