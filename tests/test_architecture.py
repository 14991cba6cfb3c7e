"""What the house style promises of the package's shape: layers, sizes, no stray prints."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]
MODULES = sorted((REPO / "minikube_py").rglob("*.py"))
LONG_MODULE, LONGEST_MODULE, LONGEST_FUNCTION = 400, 600, 60


def functions_of(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_the_layers_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")

    done = subprocess.run([linter], cwd=REPO, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "path", MODULES, ids=[str(path.relative_to(REPO / "minikube_py")) for path in MODULES]
)
def test_modules_and_functions_stay_small(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    lines = text.count("\n")

    assert lines <= LONGEST_MODULE, f"{lines} lines: split it"
    docstring = ast.get_docstring(tree) or ""
    assert lines <= LONG_MODULE or "long because" in docstring.lower(), (
        f"{lines} lines: split it, or say 'long because …' in its docstring"
    )
    for function in functions_of(tree):
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        assert length <= LONGEST_FUNCTION, f"{function.name}: {length} lines"
    assert docstring or not tree.body, "a module says why it exists"
