"""The record: whole or not at all, readable by all, gone with the daemon that wrote it."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from minikube_py.daemon.record import Record, RecordFile, process_start_time


@pytest.fixture
def record() -> Record:
    return Record(
        "t", 1, 2, True, "https://127.0.0.1:6443", "/d", "/d/kubeconfig", "docker", "auto"
    )


def test_everyone_may_read_what_was_written(tmp_path: Path, record: Record) -> None:
    path = tmp_path / "run" / "t.json"

    RecordFile(path).write(record)

    assert json.loads(path.read_text()) == record.as_json()
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_is_told_and_the_cluster_no_longer_ready(tmp_path: Path, record: Record) -> None:
    file = RecordFile(tmp_path / "t.json")
    file.write(record)

    file.fail("no Docker")

    found = json.loads((tmp_path / "t.json").read_text())
    assert (found["ready"], found["error"]) == (False, "no Docker")


def test_another_daemons_record_is_left_alone(tmp_path: Path, record: Record) -> None:
    path = tmp_path / "t.json"
    RecordFile(path).write(record)

    RecordFile(path).remove()

    assert path.exists()


def test_the_own_record_is_removed_once(tmp_path: Path, record: Record) -> None:
    file = RecordFile(tmp_path / "t.json")
    file.write(record)

    file.remove()
    file.remove()

    assert not (tmp_path / "t.json").exists()


def test_a_start_time_tells_a_process_from_a_later_one() -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as child:
        assert process_start_time(child.pid) >= process_start_time(os.getpid()) > 0
        assert process_start_time(child.pid) == process_start_time(child.pid)
