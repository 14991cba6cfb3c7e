"""Who may do what: system:masters everything, everyone the health checks, all others what roles
grant them.
"""

from minikube_py.meta.users import MASTERS, User
from minikube_py.resources.rbac.attributes import Attributes, Decision
from minikube_py.resources.rbac.policy import Policy, rules_for
from minikube_py.resources.rbac.rules import ALL, Rule

_ALWAYS_OPEN = ("/healthz", "/livez", "/readyz")
_YES = Decision(True)
EVERYTHING = (Rule((ALL,), (ALL,), (ALL,)), Rule((ALL,), urls=(ALL,)))


def decide(policy: Policy, asked: Attributes) -> Decision:
    """What roles and bindings alone say."""
    problems = []
    for grant in policy.grants(asked.user, asked.namespace):
        if grant.rules is None:
            problems.append(grant.binding.missing_role())
            continue
        for rule in grant.rules:
            if rule.allows(asked):
                why = grant.binding.describe(grant.subject)
                return Decision(True, f"RBAC: allowed by {why}")
    if not problems:
        return Decision(False)
    listed = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
    return Decision(False, f"RBAC: {listed}")


class RbacAuthorizer:
    def __init__(self, policy: Policy) -> None:
        self.policy = policy

    def authorize(self, asked: Attributes) -> Decision:
        if MASTERS in asked.user.groups or is_always_open(asked):
            return _YES
        return decide(self.policy, asked)

    def rules_for(self, user: User, namespace: str) -> tuple[list[Rule], list[str]]:
        """(what `user` may do there, why some of it could not be found)."""
        rules, problems = rules_for(self.policy, user, namespace)
        return with_everything(user, rules), problems


def is_always_open(asked: Attributes) -> bool:
    path = asked.path
    if path is None or asked.verb not in ("get", "head"):
        return False
    return any(path == root or path.startswith(root + "/") for root in _ALWAYS_OPEN)


def with_everything(user: User, rules: list[Rule]) -> list[Rule]:
    """`rules`, and for system:masters all there is, whatever roles say."""
    if MASTERS not in user.groups:
        return rules
    return [*(rule for rule in EVERYTHING if rule not in rules), *rules]
