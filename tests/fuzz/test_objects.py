"""Objects that chance makes, through every way of writing, for every kind: each is taken or refused
with a reason, and what was taken is read back, is taken again, and is there after a power cut.

`MK_FUZZ` multiplies the examples for a longer run by hand.
"""

import os
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minikube_py.kinds.kind import Kind
from minikube_py.meta.objects import Object
from tests.fuzz.client import Answer, Client
from tests.fuzz.conftest import Server
from tests.fuzz.objects import json_patch, piece, tried_kinds, valid, varied

TIMES = float(os.environ.get("MK_FUZZ", "1"))
BOUNDED = settings(
    max_examples=max(1, int(5 * TIMES)),
    deadline=None,
    database=None,
    derandomize=TIMES == 1,
    suppress_health_check=list(HealthCheck),
)
_PATCHES = ("merge", "strategic", "json", "apply")
_TYPES = {
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "json": "application/json-patch+json",
    "apply": "application/apply-patch+yaml",
}
_VALIDATIONS = ("", "fieldValidation=Strict", "fieldValidation=Ignore", "dryRun=All")
_STEPS = ("update", "status", "scale", *_PATCHES, "again")


def collection(kind: Kind, namespace: str = "default") -> str:
    root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    scope = f"/namespaces/{namespace}" if kind.namespaced else ""
    return f"{root}{scope}/{kind.plural}"


class Life:
    """One object from its creation to its end, as chance has it."""

    def __init__(self, client: Client, kind: Kind, chance: Random) -> None:
        """What follows depends on what the server kept: `chance` is not hypothesis' own."""
        self.client = client
        self.kind = kind
        self.chance = chance
        self.path = ""
        self.stored: Object = {}

    def run(self, obj: Object) -> None:
        answer = self._create(obj)
        if not answer.ok:
            # What follows has something to work on all the same.
            answer = self._create(valid(self.kind, "plain"))
        name = answer.json()["metadata"].get("name", "") if answer.ok else ""
        if not name:
            return
        self.path = f"{collection(self.kind)}/{name}"
        self._read_back()
        for _ in range(self.chance.choice((1, 2, 4))):
            self._step(self.chance.choice(_STEPS))
            self._read_back()
        self.take_again()
        self._remove()

    def _create(self, obj: Object) -> Answer:
        query = self.chance.choice((*[""] * 5, *_VALIDATIONS))
        answer = self.client.ask("POST", f"{collection(self.kind)}?{query}", obj)
        return answer if query != "dryRun=All" else self._create(obj)

    def _read_back(self) -> None:
        """As object and as table."""
        answer = self.client.ask("GET", self.path)
        if not answer.ok:
            assert answer.status == 404, str(answer)
            return
        self.stored = answer.json()
        assert self.stored["kind"] == self.kind.kind, str(answer)
        assert self.stored["apiVersion"] == self.kind.api_version, str(answer)
        assert int(self.stored["metadata"]["resourceVersion"]) > 0, str(answer)
        table = "application/json;as=Table;v=v1;g=meta.k8s.io"
        shown = self.client.ask("GET", self.path, Accept=table)
        assert shown.ok, str(shown)
        row = shown.json()["rows"][0]["cells"]
        assert len(row) == len(shown.json()["columnDefinitions"]), str(shown)

    def take_again(self) -> None:
        """What is stored is valid: an update with the same is taken, and changes nothing."""
        same = self.client.ask("PUT", self.path, self.stored)
        assert same.status in (200, 404, 409), f"{same}\nwas stored"
        if same.ok:
            before, after = (each["metadata"] for each in (self.stored, same.json()))
            assert before["resourceVersion"] == after["resourceVersion"], str(same)

    def _step(self, step: str) -> None:
        query = self.chance.choice((*[""] * 5, *_VALIDATIONS))
        if step == "again":
            self.take_again()
        elif step == "update":
            self._ask("PUT", "", varied(self.kind, self.stored, self.chance), query)
        elif step == "status":
            patch: Any = {"status": piece(self.kind, self.chance).get("status", {})}
            if self.chance.random() < 0.5:
                self._ask("PUT", "/status", {**self.stored, **patch}, query)
            else:
                self._ask("PATCH", "/status", patch, query, _TYPES["merge"])
        elif step == "scale":
            self._ask("PATCH", "/scale", {"spec": {"replicas": self._number()}}, query)
        else:
            self._patch(step, query)

    def _patch(self, step: str, query: str) -> None:
        subresource = self.chance.choice(("", "", "", "/status"))
        body: Any = piece(self.kind, self.chance)
        if step == "json":
            body = json_patch(self.kind, self.stored, self.chance)
        if step == "apply":
            query = f"{query}&fieldManager=fuzz&force={self.chance.choice(('true', 'false'))}"
            name = self.path.rpartition("/")[2]
            body = {"metadata": {"name": name}, **body}
            body |= {"apiVersion": self.kind.api_version, "kind": self.kind.kind}
        self._ask("PATCH", subresource, body, query, _TYPES[step])

    def _ask(
        self, method: str, subresource: str, body: Any, query: str, type_: str = "application/json"
    ) -> None:
        self.client.ask(method, f"{self.path}{subresource}?{query}", body, type_)

    def _number(self) -> Any:
        return self.chance.choice((0, 1, -1, 2**31, 2**63, 1.5, "1", None, [], True))

    def _remove(self) -> None:
        grace = self.chance.choice(("", "gracePeriodSeconds=0", "propagationPolicy=Foreground"))
        self.client.ask("DELETE", f"{self.path}?{grace}")
        self._let_go()

    def _let_go(self) -> None:
        """So that the next life begins anew: finalizers, and the grace of pods, end."""
        self.client.ask("PATCH", self.path, {"metadata": {"finalizers": None}}, _TYPES["merge"])
        self.client.ask("DELETE", f"{self.path}?gracePeriodSeconds=0")


@pytest.mark.parametrize("kind", tried_kinds(), ids=repr)
def test_any_object_is_taken_or_refused_with_a_reason(kind: Kind, server: Server) -> None:
    client = server.client()
    numbers = count()  # every life begins anew, whatever an earlier one left behind

    @BOUNDED
    @given(first=st.randoms(use_true_random=False), seed=st.integers(0, 2**32))
    def lives(first: Random, seed: int) -> None:
        name = f"fuzzed-{next(numbers)}"
        Life(client, kind, Random(seed)).run(varied(kind, valid(kind, name), first))

    lives()

    client.close()


def test_what_was_taken_survives_a_power_cut(tmp_path: Path) -> None:
    with Server(tmp_path).running() as server:
        client = server.client()
        paths = []
        for number, kind in enumerate(tried_kinds()):
            for name, chance in (("plain", None), ("varied", Random(number))):
                obj = valid(kind, name)
                answer = client.ask("POST", collection(kind), varied(kind, obj, chance))
                if answer.ok:
                    paths.append(f"{collection(kind)}/{answer.json()['metadata']['name']}")
        assert len(paths) >= len(tried_kinds())
        kept = {path: client.ask("GET", path).json() for path in paths}
        client.close()

        server.kill()
        server.start()

        client = server.client()
        assert {path: client.ask("GET", path).json() for path in kept} == kept
        client.close()


def test_no_object_hurts_what_works_on_it(tmp_path: Path) -> None:
    """The whole daemon on paper: controllers, scheduler and kubelet see all of it."""
    with Server(tmp_path, ("--whole",)).running() as server:
        client = server.client()
        before = server.vitals()

        for number, kind in enumerate(tried_kinds() * max(1, int(2 * TIMES))):
            chance = Random(number)
            obj = varied(kind, valid(kind, f"fuzzed-{number}"), chance)
            if kind.plural != "apiservices":  # would make the daemon look for a server elsewhere
                Life(client, kind, chance).run(obj)

        client.close()
        server.check_back_to(before)
