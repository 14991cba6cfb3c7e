"""The lesson of docs/scheduling.md, typed as it stands there, on a cluster on paper."""

import re
from collections.abc import Callable
from pathlib import Path

from tests.e2e.conftest import RunningCluster, new_cluster, run_command

__all__ = ["new_cluster"]

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "scheduling.md").read_text()


def test_the_lesson_on_scheduling_goes_as_it_is_written(
    new_cluster: Callable[[], RunningCluster],
) -> None:
    made = new_cluster()
    made.up("--runtime", "simulated", "--nodes", "3", "--zones", "2")
    [lesson] = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    [says] = re.findall(r"```\n(0/3 nodes.*?)\n```", PAGE, re.DOTALL)

    done = run_command("bash", "-euc", lesson, env=made.env)

    assert (done.code, done.err) == (0, "")
    assert " ".join(says.split()) in done.out
    running = [row for row in done.out.splitlines() if re.match(r"web-.* Running ", row)]
    zones = [row.split()[-1] for row in running if re.search(r" zone-\d$", row)]
    assert sorted(zones) == ["zone-1"] * 3 + ["zone-2"] * 3
    wide = [row for row in running if re.search(r"<none> +<none>$", row)]
    per_node = {node: sum(f" {node} " in row for row in wide) for node in _nodes(made)}
    assert set(per_node.values()) == {2}


def _nodes(cluster: RunningCluster) -> list[str]:
    return [node["metadata"]["name"] for node in cluster.get("nodes")["items"]]
