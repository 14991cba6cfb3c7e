"""Rolling updates against pods that take their time: the bounds hold at every moment, and in the
end all pods are new.
"""

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from minikube_py.controllers.deployment.rollout import Bounds, Sized, plan_rolling_update


@dataclass
class FakeReplicaSet:
    """`pods` is readiness, pod by pod; the status is what was said last."""

    name: str
    replicas: int = 0
    generation: int = 1
    pods: list[bool] = field(default_factory=list)
    said_available: int = 0
    said_generation: int = 0

    def resize(self, replicas: int) -> None:
        self.replicas = replicas
        self.generation += 1

    def make_pods(self) -> None:
        """Removes those that are not ready first, as ReplicaSets do."""
        self.pods.sort(reverse=True)
        del self.pods[self.replicas :]
        self.pods += [False] * (self.replicas - len(self.pods))

    def tell(self) -> None:
        self.said_available = sum(self.pods)
        self.said_generation = self.generation

    @property
    def sized(self) -> Sized:
        settled = self.said_generation >= self.generation
        return Sized(self.name, self.replicas, self.said_available, settled=settled)


class RolloutMachine(RuleBasedStateMachine):
    @initialize(desired=st.integers(1, 12), surge=st.integers(0, 4), unavailable=st.integers(0, 4))
    def set_up(self, desired: int, surge: int, unavailable: int) -> None:
        unavailable = min(unavailable or (0 if surge else 1), desired)
        self.bounds = Bounds(desired, surge, unavailable)
        first = FakeReplicaSet("rs-0", desired, pods=[True] * desired)
        first.tell()
        self.sets = [first]
        self.current = first

    @rule()
    def change_the_template(self) -> None:
        if len(self.sets) < 4:
            self.current = FakeReplicaSet(f"rs-{len(self.sets)}")
            self.sets.append(self.current)

    @precondition(lambda self: len(self.sets) > 1)
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        self.current = data.draw(st.sampled_from(self.sets))

    @rule()
    def step(self) -> None:
        old = [each.sized for each in self.sets if each is not self.current]
        sizes = plan_rolling_update(self.bounds, self.current.sized, old)
        for each in self.sets:
            if each.name in sizes:
                each.resize(sizes[each.name])

    @rule(data=st.data())
    def a_replica_set_works(self, data: st.DataObject) -> None:
        """Pods first, the status some time after."""
        chosen = data.draw(st.sampled_from(self.sets))
        if data.draw(st.booleans()):
            chosen.make_pods()
        elif len(chosen.pods) == chosen.replicas:
            chosen.tell()

    @rule(data=st.data())
    def a_pod_becomes_ready(self, data: st.DataObject) -> None:
        chosen = data.draw(st.sampled_from(self.sets))
        if False in chosen.pods:
            chosen.pods[chosen.pods.index(False)] = True

    @invariant()
    def never_too_many(self) -> None:
        if hasattr(self, "sets"):
            assert sum(each.replicas for each in self.sets) <= self.bounds.most

    @invariant()
    def never_too_few_available(self) -> None:
        if hasattr(self, "sets"):
            available = sum(min(sum(each.pods), each.replicas) for each in self.sets)
            assert available >= self.bounds.fewest_available

    def teardown(self) -> None:
        if not hasattr(self, "sets"):
            return
        for _ in range(200):
            for each in self.sets:
                each.make_pods()
                each.pods = [True] * len(each.pods)
                each.tell()
            self.step()
        assert self.current.replicas == self.bounds.desired
        assert sum(each.replicas for each in self.sets) == self.bounds.desired


TestRolloutMachine = RolloutMachine.TestCase
TestRolloutMachine.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
