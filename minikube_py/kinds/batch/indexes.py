"""Sets of completion indexes as text, `1,3-5,7`: what Indexed Jobs count success and failure in."""


def count_indexes(text: str, completions: int) -> int:
    """How many indexes below `completions` are named; raises ValueError saying what is wrong."""
    return sum(last - first + 1 for first, last in parse_indexes(text, completions))


def parse_indexes(text: str, completions: int) -> list[tuple[int, int]]:
    """(first, last) of each interval, growing; raises ValueError saying what is wrong."""
    intervals: list[tuple[int, int]] = []
    for fragment in text.split(",") if text else []:
        first, last = _parse_interval(fragment, completions)
        if intervals and intervals[-1][1] >= first:
            raise ValueError(_not_increasing(intervals[-1][1], first))
        intervals.append((first, last))
    return intervals


def _parse_interval(fragment: str, completions: int) -> tuple[int, int]:
    limits = fragment.split("-")
    if len(limits) > 2:
        raise ValueError(
            f'the fragment "{fragment}" violates the requirement that an index interval can have '
            "at most two parts separated by '-'"
        )
    numbers = [_parse_index(limit, completions) for limit in limits]
    if len(numbers) == 2 and numbers[0] >= numbers[1]:
        raise ValueError(_not_increasing(numbers[0], numbers[1]))
    return numbers[0], numbers[-1]


def _parse_index(text: str, completions: int) -> int:
    if not text.isascii() or not text.isdigit():
        raise ValueError(f'cannot convert string to integer for index: "{text}"')
    if int(text) >= completions:
        raise ValueError(f'too large index: "{text}"')
    return int(text)


def _not_increasing(previous: int, current: int) -> str:
    return f"non-increasing order, previous: {previous}, current: {current}"
