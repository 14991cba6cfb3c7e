from minikube_py.container_runtime.warm_pool import Demand

TEN_MINUTES = 600.0


def test_a_pool_is_as_large_as_the_last_bursts_for_a_while() -> None:
    demand = Demand(least=4, most=16)

    demand.took(10, now=0)

    assert [demand.size(now) for now in (0, TEN_MINUTES - 1, TEN_MINUTES)] == [10, 10, 4]


def test_a_pool_has_its_bounds() -> None:
    demand = Demand(least=4, most=16)

    demand.took(1, now=0)
    after_one = demand.size(1)
    demand.took(100, now=1)

    assert (after_one, demand.size(1)) == (4, 16)


def test_a_smaller_burst_neither_shrinks_a_pool_nor_keeps_it_large() -> None:
    demand = Demand(least=4, most=16)
    demand.took(10, now=0)

    demand.took(6, now=TEN_MINUTES - 1)

    assert [demand.size(now) for now in (TEN_MINUTES - 1, TEN_MINUTES)] == [10, 4]


def test_the_same_burst_again_keeps_a_pool_large() -> None:
    demand = Demand(least=4, most=16)
    demand.took(10, now=0)

    demand.took(10, now=TEN_MINUTES - 1)

    assert demand.size(TEN_MINUTES) == 10


def test_a_pool_that_is_too_large_for_now_knows_when_it_ends() -> None:
    demand = Demand(least=4, most=16)
    before = demand.holds(0)
    demand.took(10, now=0)

    assert (before, demand.holds(100), demand.holds(TEN_MINUTES)) == (None, 500, None)
