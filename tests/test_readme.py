"""The README's tour, typed as it stands there, on a cluster on paper."""

import os
import re
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]
README = (REPO / "README.md").read_text()
Shell = Callable[[str], "subprocess.CompletedProcess[str]"]


def tour() -> list[str]:
    """The commands of the "Ten minutes" section, without their comments."""
    section = README.split("## Ten minutes")[1].split("\n## ")[0]
    block = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)[0]
    return [line.partition("#")[0].strip() for line in block.splitlines() if line.strip()]


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """bash in the repository's folder, where `mk` means a cluster of the test's own."""
    cluster = f"t-{secrets.token_hex(3)}"
    env = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "MK_CLUSTER": cluster,
        "MK_STATE_ROOT": str(tmp_path / "state"),
        "MK_RUN_ROOT": str(tmp_path / "run"),
        "KUBECONFIG": str(tmp_path / "kubeconfig"),
    }

    def run(line: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["bash", "-c", line],
            cwd=REPO,
            env=env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    yield run
    run("mk purge --yes")


def test_every_command_of_the_tour_works_as_written(shell: Shell) -> None:
    commands = tour()
    assert len(commands) >= 6

    for command in commands:
        line = command.replace("sudo mk up", "mk up --runtime simulated").removesuffix(" -f")
        done = shell(line)
        if " exec " in line:  # it gets into the container, which has no such program on paper
            assert "psql: not on paper" in done.stderr
        else:
            assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"

    asked = [" ".join(each.split()) for each in re.findall(r"mk get [^`]*jsonpath='[^']*'", README)]
    assert len(asked) == 2
    address, certificate = (shell(line).stdout for line in asked)
    assert re.fullmatch(r"[0-9.]+", address)
    assert certificate.startswith("-----BEGIN CERTIFICATE-----")


def test_every_mk_command_the_readme_names_exists(shell: Shell) -> None:
    named = set(re.findall(r"`(?:sudo )?mk ([a-z]+)", README)) | {"purge"}

    helps = {word: shell(f"mk {word} --help").returncode for word in sorted(named)}

    assert set(helps.values()) == {0}, helps


def test_every_file_the_readme_links_to_is_there() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]

    assert links
    assert [link for link in links if not (REPO / link).exists()] == []
