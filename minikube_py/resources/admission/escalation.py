"""Nobody gives away more than they have: who writes a role or a binding must hold its rules.

Or hold the verb `escalate` on the role, or `bind` on the one that is bound. As the `policybased`
storages of pkg/registry/rbac, which judge by what is stored now.
"""

from collections.abc import Sequence

from minikube_py.kinds.catalog import CLUSTER_ROLE, CLUSTER_ROLE_BINDING, ROLE, ROLE_BINDING
from minikube_py.meta.errors import NotFound
from minikube_py.meta.objects import Object
from minikube_py.meta.users import MASTERS
from minikube_py.resources.admission.request import AdmissionRequest, Lookup
from minikube_py.resources.rbac.attributes import Attributes
from minikube_py.resources.rbac.authorizer import EVERYTHING, decide
from minikube_py.resources.rbac.policy import StoredPolicy, parse_binding, rules_for
from minikube_py.resources.rbac.rules import Rule, compacted, quoted, rules_of, uncovered

_COLLECTED = ("finalizers", "ownerReferences", "managedFields", "resourceVersion")


def no_escalation(request: AdmissionRequest, lookup: Lookup) -> None:
    """Raises Forbidden for rights the user lacks, NotFound for a role to bind that is missing."""
    if request.operation == "DELETE" or request.subresource or MASTERS in request.user.groups:
        return
    if request.old is not None and _without_collected(request.obj) == _without_collected(
        request.old
    ):
        return
    policy = StoredPolicy(lookup)
    if request.kind in (ROLE, CLUSTER_ROLE):
        _check_role(request, policy)
    elif request.kind in (ROLE_BINDING, CLUSTER_ROLE_BINDING):
        _check_binding(request, policy)


def _check_role(request: AdmissionRequest, policy: StoredPolicy) -> None:
    name = request.name if request.operation == "UPDATE" else ""
    if _may(request, policy, "escalate", request.kind.plural, name):
        return
    _confirm(request, policy, rules_of(request.obj))
    if any(_is_aggregated(role) for role in (request.obj, request.old or {})) and _missing(
        request, policy, EVERYTHING
    ):
        raise request.forbidden("must have cluster-admin privileges to use aggregationRule")


def _check_binding(request: AdmissionRequest, policy: StoredPolicy) -> None:
    binding = parse_binding(request.obj)
    if not binding.role_name:
        return  # validation tells that better
    plural = "roles" if binding.role_kind == "Role" else "clusterroles"
    if _may(request, policy, "bind", plural, binding.role_name):
        return
    rules = policy.rules_of_role(*binding.role)
    if rules is None:
        raise NotFound.of(request.kind.group, plural, binding.role_name)
    _confirm(request, policy, rules)


def _may(
    request: AdmissionRequest, policy: StoredPolicy, verb: str, resource: str, name: str
) -> bool:
    asked = Attributes(
        request.user,
        verb,
        request.kind.group,
        resource,
        namespace=request.namespace or "",
        name=name,
    )
    return decide(policy, asked).allowed


def _confirm(request: AdmissionRequest, policy: StoredPolicy, wanted: Sequence[Rule]) -> None:
    missing = _missing(request, policy, wanted)
    if not missing:
        return
    user = request.user
    listed = "\n".join(sorted(str(rule) for rule in compacted(missing)))
    problems = rules_for(policy, user, request.namespace or "")[1]
    resolution = f"; resolution errors: {quoted(problems)}" if problems else ""
    raise request.forbidden(
        f'user "{user.name}" (groups={quoted(user.groups)}) is attempting to grant RBAC '
        f"permissions not currently held:\n{listed}{resolution}"
    )


def _missing(
    request: AdmissionRequest, policy: StoredPolicy, wanted: Sequence[Rule]
) -> Sequence[Rule]:
    held, _ = rules_for(policy, request.user, request.namespace or "")
    return uncovered(held, wanted)


def _is_aggregated(role: Object) -> bool:
    return bool((role.get("aggregationRule") or {}).get("clusterRoleSelectors"))


def _without_collected(obj: Object) -> Object:
    """Without what the garbage collector and finalizers' owners change."""
    metadata = {key: value for key, value in obj["metadata"].items() if key not in _COLLECTED}
    return {**obj, "metadata": metadata}
