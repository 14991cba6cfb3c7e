"""Merging and ownership over any object: what holds whoever applies what."""

from hypothesis import given
from hypothesis import strategies as st

from minikube_py.kinds.catalog import (
    POD,
)
from minikube_py.kinds.schema import schema_for
from minikube_py.meta.objects import Object
from minikube_py.resources.apply.compare import compare
from minikube_py.resources.apply.merge import merge, remove
from minikube_py.resources.apply.paths import read_fields, with_parents, write_fields
from minikube_py.resources.apply.server_side import apply_configuration
from minikube_py.resources.apply.structure import field_set
from minikube_py.resources.apply.tracking import Writer

SCHEMA = schema_for(POD)


WORD = st.sampled_from(["a", "b", "c"])


ENV = st.lists(WORD, unique=True, max_size=3).flatmap(
    lambda names: st.tuples(
        *(st.fixed_dictionaries({"name": st.just(name), "value": WORD}) for name in names)
    ).map(list)
)


CONTAINERS = st.lists(WORD, unique=True, max_size=3).flatmap(
    lambda names: st.tuples(
        *(
            st.fixed_dictionaries(
                {"name": st.just(name)},
                optional={"image": WORD, "env": ENV, "command": st.lists(WORD, max_size=2)},
            )
            for name in names
        )
    ).map(list)
)


LABELS = st.dictionaries(WORD, WORD, max_size=3)


PODS = st.builds(
    lambda labels, finalizers, containers, selector: {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "labels": labels, "finalizers": finalizers},
        "spec": {"containers": containers, "nodeSelector": selector},
    },
    LABELS,
    st.lists(WORD, unique=True, max_size=3),
    CONTAINERS,
    LABELS,
)


def writer(name: str) -> Writer:
    return Writer(name, "", "v1", "2026-01-31T12:00:00Z")


def applied(
    live: Object | None, body: Object, name: str = "alice", *, force: bool = True
) -> Object:
    result = apply_configuration(live, body, SCHEMA, writer(name), force=force)
    return {
        **result.obj,
        "metadata": {**result.obj["metadata"], "managedFields": result.managed_fields},
    }


@given(PODS)
def test_managed_fields_read_back_what_was_written(body: Object) -> None:
    fields = field_set(body, SCHEMA)

    assert read_fields(write_fields(fields)) == fields


@given(PODS, PODS)
def test_merging_twice_is_merging_once(live: Object, body: Object) -> None:
    once = merge(live, body, SCHEMA)

    assert merge(once, body, SCHEMA) == once
    said, there = field_set(body, SCHEMA), field_set(once, SCHEMA)
    assert said <= there | with_parents(there)


@given(PODS, PODS)
def test_a_merge_changes_only_what_the_configuration_says(live: Object, body: Object) -> None:
    changes = compare(live, merge(live, body, SCHEMA), SCHEMA)

    assert not changes.removed
    assert changes.modified <= field_set(body, SCHEMA)


@given(PODS, PODS)
def test_comparison_is_symmetric_and_empty_only_for_equals(old: Object, new: Object) -> None:
    there, back = compare(old, new, SCHEMA), compare(new, old, SCHEMA)

    assert (there.added, there.modified) == (back.removed, back.modified)
    assert compare(old, old, SCHEMA).set_fields == frozenset()


@given(PODS)
def test_removing_every_field_leaves_no_field(body: Object) -> None:
    fields = field_set(body, SCHEMA)

    left = field_set(remove(body, fields, SCHEMA), SCHEMA)
    assert all(len(path) <= 2 and path not in fields for path in left)


@given(PODS, PODS)
def test_one_applier_gets_exactly_the_last_configuration(first: Object, second: Object) -> None:
    live = applied(applied(None, first), second)

    kept = field_set(second, SCHEMA)
    assert field_set({k: v for k, v in live.items() if k != "metadata"}, SCHEMA) <= kept | {
        ("f:spec",),
        ("f:spec", "f:containers"),
        ("f:spec", "f:nodeSelector"),
    }
    assert applied(live, second) == live


@given(PODS, PODS)
def test_forced_appliers_never_own_different_values_of_a_field(
    alices: Object, bobs: Object
) -> None:
    live = applied(applied(None, alices), bobs, "bob")

    again = applied(live, bobs, "bob", force=False)

    assert again == live
