from minikube_py.store.compaction import Retention, compaction_target

KEEP = Retention(max_revisions=100, max_bytes=1000)


def test_nothing_to_do_leaves_the_compacted_revision() -> None:
    assert compaction_target(KEEP, revision=50, compacted=7, aged=7, used_bytes=10) == 7


def test_age_decides_when_it_reaches_further() -> None:
    assert compaction_target(KEEP, revision=50, compacted=7, aged=30, used_bytes=10) == 30


def test_count_decides_when_it_reaches_further() -> None:
    assert compaction_target(KEEP, revision=250, compacted=7, aged=30, used_bytes=10) == 150


def test_a_database_above_its_bound_loses_half_of_its_history() -> None:
    assert compaction_target(KEEP, revision=50, compacted=10, aged=10, used_bytes=5000) == 30
