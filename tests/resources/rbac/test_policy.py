"""From users to rules: the index that follows changes answers as the store does."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikube_py.kinds.catalog import CLUSTER_ROLE, CLUSTER_ROLE_BINDING, ROLE, ROLE_BINDING
from minikube_py.kinds.kind import Kind
from minikube_py.meta.objects import Object, name_of, namespace_of
from minikube_py.meta.users import MASTERS, User
from minikube_py.resources.rbac.attributes import Attributes
from minikube_py.resources.rbac.authorizer import RbacAuthorizer, decide
from minikube_py.resources.rbac.policy import Policy, PolicyIndex, StoredPolicy, rules_for


class Objects:
    """A Lookup over what a test writes, that also tells an index of each change."""

    def __init__(self) -> None:
        self.index = PolicyIndex()
        self._kept: dict[tuple[Kind, str, str], Object] = {}

    def write(self, kind: Kind, obj: Object) -> None:
        place = (kind, namespace_of(obj), name_of(obj))
        self._tell(kind, self._kept.get(place), obj)
        self._kept[place] = obj

    def remove(self, kind: Kind, namespace: str, name: str) -> None:
        old = self._kept.pop((kind, namespace, name), None)
        if old is not None:
            self._tell(kind, old, None)

    def _tell(self, kind: Kind, old: Object | None, new: Object | None) -> None:
        is_role = kind in (ROLE, CLUSTER_ROLE)
        (self.index.on_role if is_role else self.index.on_binding)(old, new)

    def find(self, kind: Kind, namespace: str | None, name: str) -> Object | None:
        return self._kept.get((kind, namespace or "", name))

    def find_all(self, kind: Kind, namespace: str | None = None) -> Sequence[Object]:
        return [
            obj
            for (kept, place, _), obj in self._kept.items()
            if kept is kind and namespace in (None, place)
        ]

    @property
    def policies(self) -> list[Policy]:
        return [self.index, StoredPolicy(self)]


def role(name: str, *verbs: str, namespace: str = "") -> Object:
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": list(verbs)}]
    return {"metadata": {"name": name, "namespace": namespace}, "rules": rules}


def binding(
    name: str, role_kind: str, role_name: str, *subjects: Object, namespace: str = ""
) -> Object:
    return {
        "metadata": {"name": name, "namespace": namespace},
        "roleRef": {"kind": role_kind, "name": role_name},
        "subjects": list(subjects),
    }


ALICE = {"kind": "User", "name": "alice"}
PEOPLE = {"kind": "Group", "name": "people"}


def may(policy: Policy, user: User, verb: str, namespace: str = "") -> bool:
    return decide(policy, Attributes(user, verb, "", "pods", namespace=namespace)).allowed


@pytest.fixture
def objects() -> Objects:
    return Objects()


def test_a_cluster_role_bound_in_a_namespace_holds_there_alone(objects: Objects) -> None:
    objects.write(CLUSTER_ROLE, role("look", "get"))
    objects.write(ROLE_BINDING, binding("b", "ClusterRole", "look", ALICE, namespace="a"))

    for policy in objects.policies:
        assert may(policy, User("alice"), "get", "a")
        assert not may(policy, User("alice"), "get", "b")
        assert not may(policy, User("alice"), "get")


def test_a_role_is_that_of_the_bindings_namespace(objects: Objects) -> None:
    objects.write(ROLE, role("look", "get", namespace="a"))
    objects.write(ROLE_BINDING, binding("b", "Role", "look", PEOPLE, namespace="b"))

    for policy in objects.policies:
        decision = decide(
            policy, Attributes(User("bob", ("people",)), "get", "", "pods", namespace="b")
        )
        assert not decision.allowed
        assert decision.reason == 'RBAC: role.rbac.authorization.k8s.io "look" not found'


def test_an_account_without_a_namespace_is_of_the_bindings_own(objects: Objects) -> None:
    account = {"kind": "ServiceAccount", "name": "robot"}
    elsewhere = {**account, "namespace": "b"}
    objects.write(CLUSTER_ROLE, role("look", "get"))
    objects.write(ROLE_BINDING, binding("x", "ClusterRole", "look", account, namespace="a"))
    objects.write(ROLE_BINDING, binding("y", "ClusterRole", "look", elsewhere, namespace="c"))
    objects.write(CLUSTER_ROLE_BINDING, binding("z", "ClusterRole", "look", account))

    for policy in objects.policies:
        assert may(policy, User("system:serviceaccount:a:robot"), "get", "a")
        assert may(policy, User("system:serviceaccount:b:robot"), "get", "c")
        assert not may(policy, User("system:serviceaccount:a:robot"), "get", "c")
        assert not may(policy, User("robot"), "get", "a")


def test_the_reason_names_binding_role_and_subject(objects: Objects) -> None:
    account = {"kind": "ServiceAccount", "name": "robot", "namespace": "a"}
    objects.write(CLUSTER_ROLE, role("look", "get"))
    objects.write(ROLE_BINDING, binding("b", "ClusterRole", "look", account, namespace="a"))
    objects.write(CLUSTER_ROLE_BINDING, binding("c", "ClusterRole", "look", PEOPLE))
    robot = Attributes(User("system:serviceaccount:a:robot"), "get", "", "pods", namespace="a")
    person = Attributes(User("alice", ("people",)), "get", "", "pods")

    for policy in objects.policies:
        assert decide(policy, robot).reason == (
            'RBAC: allowed by RoleBinding "b/a" of ClusterRole "look" to ServiceAccount "robot/a"'
        )
        assert decide(policy, person).reason == (
            'RBAC: allowed by ClusterRoleBinding "c" of ClusterRole "look" to Group "people"'
        )


def test_what_is_taken_away_is_gone(objects: Objects) -> None:
    objects.write(CLUSTER_ROLE, role("look", "get"))
    objects.write(CLUSTER_ROLE_BINDING, binding("b", "ClusterRole", "look", ALICE, PEOPLE))
    objects.write(CLUSTER_ROLE_BINDING, binding("b", "ClusterRole", "look", PEOPLE))
    assert not may(objects.index, User("alice"), "get")

    objects.remove(CLUSTER_ROLE, "", "look")

    assert not may(objects.index, User("bob", ("people",)), "get")


NAMES = st.sampled_from(["a", "b"])
NAMESPACES = st.sampled_from(["x", "y"])
SUBJECTS = st.lists(
    st.one_of(
        st.fixed_dictionaries({"kind": st.sampled_from(["User", "Group"]), "name": NAMES}),
        st.fixed_dictionaries(
            {
                "kind": st.just("ServiceAccount"),
                "name": NAMES,
                "namespace": st.sampled_from(["", "x"]),
            }
        ),
    ),
    max_size=3,
)
KINDS = st.sampled_from([ROLE, CLUSTER_ROLE, ROLE_BINDING, CLUSTER_ROLE_BINDING])
STEPS = st.lists(
    st.tuples(
        KINDS,
        NAMESPACES,
        NAMES,
        st.booleans(),
        SUBJECTS,
        st.sampled_from(["Role", "ClusterRole"]),
        st.sampled_from(["get", "list"]),
    ),
    max_size=12,
)
USERS = [
    User("a", ("b",)),
    User("b", ("a", "b")),
    User("system:serviceaccount:x:a"),
    User("system:serviceaccount:y:b", ("a",)),
]


@given(STEPS)
def test_the_index_grants_what_the_store_says(steps: list[tuple[Any, ...]]) -> None:
    objects = Objects()
    for kind, namespace, name, removes, subjects, role_kind, verb in steps:
        place = namespace if kind.namespaced else ""
        if removes:
            objects.remove(kind, place, name)
        elif kind in (ROLE, CLUSTER_ROLE):
            objects.write(kind, role(name, verb, namespace=place))
        else:
            of = role_kind if place else "ClusterRole"
            objects.write(kind, binding(name, of, name, *subjects, namespace=place))

    for user in USERS:
        for namespace in ("", "x", "y"):
            indexed, stored = (rules_for(policy, user, namespace) for policy in objects.policies)
            assert set(indexed[0]) == set(stored[0])
            assert set(indexed[1]) == set(stored[1])


def test_masters_and_health_need_no_role(objects: Objects) -> None:
    authorizer = RbacAuthorizer(objects.index)
    nobody, master = User("nobody"), User("root", (MASTERS,))

    assert authorizer.authorize(Attributes(master, "delete", "", "nodes")).allowed
    assert authorizer.authorize(Attributes(nobody, "get", path="/readyz/ping")).allowed
    assert not authorizer.authorize(Attributes(nobody, "get", path="/metrics")).allowed
    assert not authorizer.authorize(Attributes(nobody, "delete", "", "nodes")).allowed
    assert [rule.verbs for rule in authorizer.rules_for(master, "x")[0]] == [("*",), ("*",)]
