"""When a CronJob runs: the text of its schedule as Kubernetes' parser takes it, and its time zone.

The grammar is robfig/cron's ParseStandard: five fields, or a macro like @hourly, or `@every 1h30m`.
The cron library, imported when the first schedule is judged, knows more (seconds, `L`, `#`, 7 for
Sunday), which is refused here, so that a schedule means the same on every cluster.
"""

import re

MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EVERY = "@every "
_DURATION = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|ms|s|m|h)")
_ENTRY = "(?:[0-9]+|[A-Za-z]{3})"
_TERM = re.compile(f"(?:[*?]|{_ENTRY}(?:-{_ENTRY})?)(?:/[0-9]+)?")
_FIELDS = ("minute", "hour", "day of month", "month", "day of week")
_DAY_OF_MONTH, _DAY_OF_WEEK = 2, 4
_ZONE_PART = re.compile(r"[A-Za-z.\-_0-9+]{1,14}")


def schedule_problem(schedule: str) -> str | None:
    """Why `schedule` is none. A time zone in it has to be refused before."""
    if schedule.startswith(_EVERY):
        duration = schedule.removeprefix(_EVERY)
        if re.fullmatch(f"[-+]?(?:0|(?:{_DURATION.pattern})+)", duration):
            return None
        return f"failed to parse duration {schedule}: invalid duration {duration!r}"
    if schedule.startswith("@"):
        return None if schedule in MACROS else f"unrecognized descriptor: {schedule}"
    fields = schedule.split()
    if len(fields) != len(_FIELDS):
        return f"expected exactly 5 fields, found {len(fields)}: [{' '.join(fields)}]"
    return _fields_problem(fields)


def as_cron(schedule: str) -> str | None:
    """The five fields that a valid schedule stands for, in words that every cron library reads
    alike; None for `@every`, which is no cron.
    """
    if schedule.startswith(_EVERY):
        return None
    fields = MACROS.get(schedule, schedule).replace("?", "*").split()
    fields[_DAY_OF_MONTH] = _with_ends(fields[_DAY_OF_MONTH], 1, 31)
    fields[_DAY_OF_WEEK] = _with_ends(fields[_DAY_OF_WEEK], 0, 6)
    return " ".join(fields)


def _with_ends(field: str, first: int, last: int) -> str:
    """`*/2` as `1-31/2`, which is no star any more: both days then count, not either."""
    terms = []
    for term in field.split(","):
        start, slash, step = term.partition("/")
        if slash and int(step) > 1 and "-" not in start:
            start = f"{first}-{last}" if start == "*" else f"{start}-{last}"
        terms.append(f"{start}{slash}{step}")
    # A star makes all the others idle, and libraries look for it in front.
    return "*" if "*" in terms else ",".join(terms)


def _fields_problem(fields: list[str]) -> str | None:
    for index, (name, text) in enumerate(zip(_FIELDS, fields, strict=True)):
        for term in text.split(","):
            if not _TERM.fullmatch(term):
                return f"failed to parse {name} field {text!r}: {term!r} is not understood"
            numbers = re.findall(r"\d+", term.partition("/")[0])
            if index == _DAY_OF_WEEK and any(int(number) > 6 for number in numbers):
                return f"end of range ({max(map(int, numbers))}) above maximum (6): {term}"
    return _library_problem(fields)


def _library_problem(fields: list[str]) -> str | None:
    from datetime import UTC, datetime

    from cronsim import CronSim, CronSimError

    try:
        CronSim(" ".join(fields).replace("?", "*"), datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as problem:
        return f"failed to parse {' '.join(fields)!r}: {str(problem)[:1].lower()}{str(problem)[1:]}"
    return None


def time_zone_problem(name: str) -> str | None:
    """Why `name` is no time zone of the IANA database."""
    if not name:
        return "timeZone must be nil or non-empty string"
    if not all(_is_zone_part(part) for part in name.split("/")):
        return f"unknown time zone {name}"
    if name.lower() == "local":
        explicit = "https://www.iana.org/time-zones"
        return f"timeZone must be an explicit time zone as defined in {explicit}"
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # of a folder, of odd bytes, of no such zone
        return f"unknown time zone {name}"
    return None


def _is_zone_part(part: str) -> bool:
    return part not in (".", "..") and part[:1] != "-" and bool(_ZONE_PART.fullmatch(part))
