"""What RoleBinding and ClusterRoleBinding share: who gets (subjects) which role (roleRef)."""

from collections.abc import Sequence

from minikube_py.kinds.columns import AGE, NAME, from_object
from minikube_py.kinds.fields import check, invalid, not_supported, required
from minikube_py.kinds.kind import Column
from minikube_py.kinds.rbac.rules import GROUP
from minikube_py.meta import names
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object

_SUBJECT_KINDS = ("ServiceAccount", "User", "Group")


def default_binding(obj: Object) -> None:
    reference = obj.get("roleRef")
    if reference is not None and not reference.get("apiGroup"):
        reference["apiGroup"] = GROUP
    for subject in obj.get("subjects") or []:
        if subject.get("kind") in ("User", "Group") and not subject.get("apiGroup"):
            subject["apiGroup"] = GROUP


def validate_binding(
    obj: Object, *, role_kinds: Sequence[str], namespaced: bool
) -> Sequence[FieldError]:
    errors = _validate_reference(obj.get("roleRef") or {}, role_kinds)
    for index, subject in enumerate(obj.get("subjects") or []):
        errors += _validate_subject(subject, f"subjects[{index}]", namespaced=namespaced)
    return errors


def _validate_reference(reference: Object, role_kinds: Sequence[str]) -> list[FieldError]:
    group, kind, name = (reference.get(field) or "" for field in ("apiGroup", "kind", "name"))
    errors = []
    if group != GROUP:
        errors.append(not_supported("roleRef.apiGroup", group, [GROUP]))
    if kind not in role_kinds:
        errors.append(not_supported("roleRef.kind", kind, role_kinds))
    if not name:
        errors.append(required("roleRef.name"))
    return errors + check("roleRef.name", name, names.path_segment_problem)


def _validate_subject(subject: Object, path: str, *, namespaced: bool) -> list[FieldError]:
    kind, name, group = (subject.get(field) or "" for field in ("kind", "name", "apiGroup"))
    errors = [] if name else [required(f"{path}.name")]
    if kind not in _SUBJECT_KINDS:
        return [*errors, not_supported(f"{path}.kind", kind, _SUBJECT_KINDS)]
    if kind == "ServiceAccount":
        if name:
            errors += check(f"{path}.name", name, names.subdomain_problem)
        if not namespaced and not subject.get("namespace"):
            errors.append(required(f"{path}.namespace"))
    elif not name:
        errors.append(invalid(f"{path}.name", name, f"{kind.lower()} name cannot be empty"))
    expected = "" if kind == "ServiceAccount" else GROUP
    if group != expected:
        errors.append(not_supported(f"{path}.apiGroup", group, [expected]))
    return errors


def validate_binding_update(new: Object, old: Object) -> Sequence[FieldError]:
    """A binding to another role is another binding: delete it and make a new one."""
    if new.get("roleRef") == old.get("roleRef"):
        return []
    return [invalid("roleRef", new.get("roleRef"), "cannot change roleRef")]


def _role(obj: Object) -> str:
    reference = obj.get("roleRef") or {}
    return f"{reference.get('kind') or ''}/{reference.get('name') or ''}"


def _subjects(obj: Object, kind: str) -> str:
    found = []
    for subject in obj.get("subjects") or []:
        if subject.get("kind") == kind:
            place = f"{subject.get('namespace') or ''}/" if kind == "ServiceAccount" else ""
            found.append(f"{place}{subject.get('name') or ''}")
    return ", ".join(found)


def _subjects_column(name: str, kind: str) -> Column:
    return Column(
        name,
        from_object(lambda obj: _subjects(obj, kind)),
        description=f"{name} in the binding",
        priority=1,
    )


BINDING_COLUMNS = (
    NAME,
    Column("Role", from_object(_role), description="The role that the subjects get."),
    AGE,
    _subjects_column("Users", "User"),
    _subjects_column("Groups", "Group"),
    _subjects_column("ServiceAccounts", "ServiceAccount"),
)
