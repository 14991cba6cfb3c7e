"""schemathesis asks what mk's own OpenAPI documents say can be asked, with values it makes up.

Watches are left out: they answer for as long as they are told to. `MK_FUZZ` multiplies the examples
for a longer run by hand.
"""

import os
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.core.result import Ok

from minikube_py.kinds.catalog import builtin_catalog
from tests.fuzz.client import Client
from tests.fuzz.conftest import Server

TIMES = float(os.environ.get("MK_FUZZ", "1"))
BOUNDED = settings(
    max_examples=max(1, int(TIMES)),
    deadline=None,
    database=None,
    derandomize=TIMES == 1,
    suppress_health_check=list(HealthCheck),
)
_STREAMS = ("exec", "attach", "portforward", "proxy", "log", "{path}")
_GROUPS = sorted(
    f"apis/{group}/{version}" if group else f"api/{version}"
    for group, versions in builtin_catalog().groups().items()
    for version in versions
)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of their own: they also delete what others would miss."""
    with Server(tmp_path_factory.mktemp("openapi")).running() as server:
        yield server


@pytest.mark.parametrize("group", _GROUPS)
def test_whatever_the_documents_allow_is_answered_in_good_order(group: str, asked: Server) -> None:
    client = asked.client()
    document = client.ask("GET", f"/openapi/v3/{group}").json()
    before = asked.vitals()

    for path in [path for path in document["paths"] if path.endswith(_STREAMS)]:
        del document["paths"][path]
    schema = schemathesis.openapi.from_dict(document)
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found.err()
        _asking(client, found.ok().as_strategy())()

    asked.check_back_to(before)
    client.close()


def _asking(client: Client, cases: Any) -> Callable[[], None]:
    @BOUNDED
    @given(case=cases)
    def ask(case: Any) -> None:
        query = {name: value for name, value in (case.query or {}).items() if name != "watch"}
        path = f"{case.formatted_path}?{urlencode(query, doseq=True)}"
        if case.method == "POST":  # what is made somewhere is found by what comes later
            path = path.replace(f"/namespaces/{_namespace(path)}/", "/namespaces/default/", 1)
        body = case.body if isinstance(case.body, dict | list) else None
        client.ask(case.method, path, body, case.media_type or "application/json")

    return ask


def _namespace(path: str) -> str:
    _, _, rest = path.partition("/namespaces/")
    return rest.partition("/")[0]
