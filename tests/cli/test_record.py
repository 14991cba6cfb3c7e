import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from minikube_py.cli.errors import CliError
from minikube_py.cli.record import Record, live_record, read_record, stop
from minikube_py.meta.cluster import Cluster

CLUSTER = Cluster("t-record")


def start_time(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


@pytest.fixture(autouse=True)
def own_run_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MK_RUN_ROOT", str(tmp_path))


@pytest.fixture
def sleeper() -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        yield process
        process.kill()


def write(**fields: object) -> Record:
    record = {"cluster": CLUSTER.name, **fields}
    CLUSTER.record_path.write_text(json.dumps(record))
    return record


def test_no_record_means_not_running() -> None:
    assert read_record(CLUSTER) is None
    assert live_record(CLUSTER) is None


def test_a_record_of_a_living_process_counts() -> None:
    record = write(pid=os.getpid(), startTime=start_time(os.getpid()))

    assert live_record(CLUSTER) == record


def test_a_reused_process_id_does_not_count() -> None:
    record = write(pid=os.getpid(), startTime=start_time(os.getpid()) - 1)

    assert live_record(CLUSTER) is None
    assert read_record(CLUSTER) == record


def test_a_process_that_is_dead_but_not_reaped_does_not_count(
    sleeper: "subprocess.Popen[bytes]",
) -> None:
    write(pid=sleeper.pid, startTime=start_time(sleeper.pid))
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)

    assert live_record(CLUSTER) is None


def test_a_damaged_record_reads_as_none() -> None:
    CLUSTER.record_path.write_text("{")

    assert read_record(CLUSTER) is None


def test_stopping_returns_when_the_process_is_gone(sleeper: "subprocess.Popen[bytes]") -> None:
    record = write(pid=sleeper.pid, startTime=start_time(sleeper.pid))

    stop(record, signal.SIGTERM, seconds=10)

    assert live_record(CLUSTER) is None


def test_stopping_what_does_not_stop_says_what_to_do() -> None:
    code = (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stdin=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        record = write(pid=process.pid, startTime=start_time(process.pid))

        with pytest.raises(CliError, match=f"kill -9 {process.pid}"):
            stop(record, signal.SIGTERM, seconds=0.1)

        process.kill()
