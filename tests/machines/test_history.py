"""The judge of histories is just: it lets pass what can have happened and nothing else."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.machines.history import (
    ABSENT,
    Deletion,
    History,
    Read,
    State,
    Superseded,
    Write,
    problems,
)

STATES = (State(5, "a", "u"), State(7, "b", "u"), State(9, ABSENT, "u"))
CREATED = Write("a", 1, 2, "done", revision=5)
UPDATED = Write("b", 3, 4, "done", revision=7, replaced=5)


def test_one_request_after_the_other_is_possible() -> None:
    history = History(
        writes=[CREATED, UPDATED],
        deletions=[Deletion("u", 5, 6)],
        reads=[Read(ABSENT, 0, 0.5, None), Read("b", 4, 4.5, 7), Read(ABSENT, 7, 8, None)],
        superseded=[Superseded(5, 4)],
    )

    assert problems(STATES, history) == []


@pytest.mark.parametrize(
    ("history", "why"),
    [
        pytest.param(
            History(writes=[CREATED, Write("x", 3, 4, "done", revision=8)]), "is lost", id="lost"
        ),
        pytest.param(
            History(writes=[CREATED, replace(UPDATED, outcome="refused")]), "happened", id="refused"
        ),
        pytest.param(
            History(writes=[CREATED, replace(UPDATED, replaced=4)]), "replaced", id="overwritten"
        ),
        pytest.param(History(writes=[replace(CREATED, revision=6)]), "in the log", id="revision"),
        pytest.param(
            History(writes=[CREATED, UPDATED], reads=[Read("a", 4.5, 5, 5)]), "begun", id="stale"
        ),
        pytest.param(
            History(writes=[CREATED, UPDATED], reads=[Read("b", 1, 2, 7)]), "begun", id="future"
        ),
        pytest.param(History(reads=[Read("z", 1, 2, 7)]), "never was", id="other value"),
        pytest.param(
            History(deletions=[Deletion("v", 5, 6)]), "is lost", id="lost deletion"
        ),
        pytest.param(
            History(writes=[CREATED, UPDATED], reads=[Read(ABSENT, 2.5, 2.9, None)]),
            "was there",
            id="vanished",
        ),
        pytest.param(
            History(writes=[CREATED, UPDATED], superseded=[Superseded(5, 2.5)]),
            "begun",
            id="conflict too soon",
        ),
        pytest.param(History(superseded=[Superseded(9, 9)]), "newest", id="conflict for nothing"),
    ],
)  # fmt: skip
def test_what_can_not_have_happened_is_named(history: History, why: str) -> None:
    assert any(why in problem for problem in problems(STATES, history))


def test_an_unanswered_write_may_have_happened_late_or_never() -> None:
    late = History(writes=[CREATED, Write("b", 1, 1.5, "unknown")], reads=[Read("a", 3, 4, 5)])
    never = History(writes=[CREATED, Write("c", 1, 1.5, "unknown")])

    assert problems(STATES, late) == []
    assert problems(STATES, never) == []


def test_a_value_in_the_log_twice_is_a_problem() -> None:
    assert problems([State(5, "a"), State(6, "a")], History()) == ["a write happened twice"]


@given(
    st.lists(
        st.tuples(st.floats(0.01, 5), st.floats(0, 3), st.floats(0, 3)), min_size=1, max_size=9
    ),
    st.data(),
)
def test_what_did_happen_one_by_one_is_always_let_pass(
    steps: list[tuple[float, float, float]], data: st.DataObject
) -> None:
    moment, states, history, moments = 0.0, [], History(), [0.0]
    for number, (pause, before, after) in enumerate(steps, start=1):
        moment += pause
        moments.append(moment)
        states.append(State(number, f"v{number}"))
        replaced = number - 1 or None
        history.writes.append(
            Write(f"v{number}", moment - before, moment + after, "done", number, replaced)
        )
    for _ in range(data.draw(st.integers(0, 5))):
        at = data.draw(st.floats(0, moment + 5))
        seen = max(index for index, began in enumerate(moments) if began <= at)
        start, end = at - data.draw(st.floats(0, 2)), at + data.draw(st.floats(0, 2))
        history.reads.append(Read(f"v{seen}" if seen else ABSENT, start, end, seen or None))

    assert problems(states, history) == []
