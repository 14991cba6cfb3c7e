"""Regular expressions of schemas, as Go knows them: RE2, which no pattern can make slow.

Python's own `re` is another dialect, and a pattern that backtracks would hold up the whole daemon.
"""

import json
from collections.abc import Callable
from functools import lru_cache


def matches(pattern: str, text: str) -> bool:
    """Anywhere in `text`; a pattern that isn't one matches nothing."""
    return _compiled(pattern)(text) is True


def pattern_problem(pattern: str) -> str | None:
    """Why `pattern` is no regular expression."""
    result = _compiled(pattern)("")
    return result if isinstance(result, str) else None


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Callable[[str], bool | str]:
    from cel_expr_python import cel  # heavy, only for who has patterns

    quoted = json.dumps(pattern, ensure_ascii=False)
    expression = cel.NewEnv(variables={"text": cel.Type.STRING}).compile(f"text.matches({quoted})")

    def check(text: str) -> bool | str:
        result = expression.eval(data={"text": text})
        value = result.value()
        return value if isinstance(value, bool) else str(result)

    return check
