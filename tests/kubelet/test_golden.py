"""The life of a pod in golden pairs: each file is one moment of it."""

from pathlib import Path

import pytest
import yaml

from tests.kubelet import golden

CASES = sorted(golden.FOLDER.glob("*.yaml"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_moment_of_a_pods_life_gives_the_expected_plan_and_status(path: Path) -> None:
    case = yaml.safe_load(path.read_text())

    result = golden.run(case)

    if golden.UPDATE:
        golden.rewrite(path, case, result)
    else:
        assert result == case["expected"]
