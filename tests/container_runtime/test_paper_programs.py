import pytest

from minikube_py.container_runtime.paper_programs import (
    FOREVER,
    Ends,
    Says,
    Step,
    Surroundings,
    Waits,
    steps_of,
    stop_code,
)


def run(*command: str, main: bool = True) -> list[Step]:
    around = Surroundings("web-0", {"A": "1"}, lambda path: "text\n" if path == "/file" else None)
    return list(steps_of(command, around, main=main))


@pytest.mark.parametrize(
    ("script", "steps"),
    [
        pytest.param("exit 3", [Ends(3)], id="exit"),
        pytest.param("false", [Ends(1)], id="last code"),
        pytest.param("false; true", [Ends(0)], id="semicolon"),
        pytest.param("false && echo no", [Ends(1)], id="and"),
        pytest.param("false || echo yes", [Says("yes\n"), Ends(0)], id="or"),
        pytest.param("echo $A ${A}", [Says("1 1\n"), Ends(0)], id="variables"),
        pytest.param("echo 'a; b' # c", [Says("a; b\n"), Ends(0)], id="quotes"),
        pytest.param("sleep 2\nexit 1", [Waits(2), Ends(1)], id="lines"),
        pytest.param("echo x > /f; cat /f", [Says("x\n"), Ends(0)], id="redirection"),
        pytest.param(
            "echo x > /f; echo y >> /f; cat /f", [Says("x\ny\n"), Ends(0)], id="appending"
        ),
        pytest.param("exec nginx -g x", [Waits(FOREVER), Ends(0)], id="server"),
        pytest.param("sleep 100 & wait", [Waits(FOREVER), Ends(0)], id="background"),
        pytest.param("exec true; echo no", [Ends(0)], id="exec ends the shell"),
        pytest.param("cat /file", [Says("text\n"), Ends(0)], id="file"),
        pytest.param("echo 'unclosed", [Waits(FOREVER), Ends(0)], id="unreadable"),
    ],
)
def test_scripts_are_read(script: str, steps: list[Step]) -> None:
    assert run("sh", "-c", script) == steps


def test_a_shell_may_have_a_path_and_other_flags() -> None:
    assert run("/bin/bash", "-ec", "exit 2") == [Ends(2)]


def test_a_plain_command_needs_no_shell() -> None:
    assert run("printenv", "A") == [Says("1\n"), Ends(0)]
    assert run("sleep", "1.5m") == [Waits(90.0), Ends(0)]
    assert run("sleep", "infinity")[0] == Waits(FOREVER)


def test_only_a_main_process_may_be_unknown() -> None:
    assert run("java", "-jar", "x") == [Waits(FOREVER), Ends(0)]
    assert run("java", main=False)[-1] == Ends(127)


@pytest.mark.parametrize(
    ("script", "signal", "code"),
    [
        ("sleep 1", "SIGTERM", 0),
        ("trap 'exit 7' TERM; sleep 1", "SIGTERM", 7),
        ("trap '' TERM; sleep 1", "SIGTERM", None),
        ("trap '' TERM; sleep 1", "SIGKILL", 137),
    ],
)
def test_traps_decide_how_a_signal_ends_it(script: str, signal: str, code: int | None) -> None:
    assert stop_code(["sh", "-c", script], signal) == code
