"""Regular expressions of schemas, as Go knows them: RE2, which no pattern can make slow.

Python's own `re` is another dialect, and a pattern that backtracks would hold up the whole daemon.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cel_expr_python.cel import Expression


def matches(pattern: str, text: str) -> bool:
    """Anywhere in `text`; a pattern that isn't one matches nothing."""
    return _evaluated(pattern, text).value() is True


def pattern_problem(pattern: str) -> str | None:
    """Why `pattern` is no regular expression."""
    result = _evaluated(pattern, "")
    return None if isinstance(result.value(), bool) else str(result)


def _evaluated(pattern: str, text: str) -> Any:
    return _matcher().eval(data={"text": text, "pattern": pattern})


@cache
def _matcher() -> "Expression":
    from cel_expr_python import cel  # heavy, only for who has patterns

    variables = {"text": cel.Type.STRING, "pattern": cel.Type.STRING}
    return cel.NewEnv(variables=variables).compile("text.matches(pattern)")
