"""A container's rights: its own securityContext, its pod's, and what the image says. Pure; refuses
by field name what can't be had.
"""

from collections.abc import Mapping
from typing import Any

from minikube_py.container_runtime.interface import ImageInfo, Security
from minikube_py.meta.objects import Object, annotations_of, get_path, name_of, namespace_of, uid_of

_APPARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"
_OF_PODS = "spec.securityContext"
Profile = Mapping[str, Any]


class SpecProblem(Exception):
    """The container can't be created as written; the message names the field."""


def security(
    pod: Object,
    container: Mapping[str, Any],
    image: ImageInfo,
    *,
    seccomp: str = "",
    apparmor: bool = True,
) -> Security:
    """`seccomp` is the text of the profile that `seccomp_file` names. Raises SpecProblem."""
    _refuse_unsupported(pod, container)
    own = container.get("securityContext") or {}
    user, group = _effective(pod, container, "runAsUser"), _effective(pod, container, "runAsGroup")
    if _effective(pod, container, "runAsNonRoot"):
        _verify_non_root(pod, container, user, image)
    capabilities = own.get("capabilities") or {}
    profile = _effective(pod, container, "seccompProfile") or {}
    return Security(
        user=_user(pod, user, group, image),
        groups=_groups(pod),
        privileged=bool(own.get("privileged")),
        read_only_root=bool(own.get("readOnlyRootFilesystem")),
        add_capabilities=tuple(capabilities.get("add") or ()),
        drop_capabilities=tuple(capabilities.get("drop") or ()),
        no_new_privileges=own.get("allowPrivilegeEscalation") is False,
        seccomp="unconfined" if profile.get("type") == "Unconfined" else seccomp,
        apparmor=_apparmor(apparmor_profile(pod, container)) if apparmor else "",
    )


def seccomp_file(pod: Object, container: Mapping[str, Any]) -> str:
    """The profile of type Localhost, relative to the folder of profiles; "" for the others."""
    profile = _effective(pod, container, "seccompProfile") or {}
    return str(profile.get("localhostProfile", "")) if profile.get("type") == "Localhost" else ""


def apparmor_profile(pod: Object, container: Mapping[str, Any]) -> Profile:
    """The field, else the annotation that was there before it; {} where nothing is said."""
    found = _effective(pod, container, "appArmorProfile")
    if found:
        return dict(found)
    text = annotations_of(pod).get(_APPARMOR_ANNOTATION + str(container.get("name")), "")
    if text == "unconfined":
        return {"type": "Unconfined"}
    if text == "runtime/default":
        return {"type": "RuntimeDefault"}
    if text.startswith("localhost/"):
        return {"type": "Localhost", "localhostProfile": text.removeprefix("localhost/")}
    return {}


def _effective(pod: Object, container: Mapping[str, Any], name: str) -> Any:
    own = get_path(container, "securityContext", name)
    return own if own is not None else get_path(pod, "spec", "securityContext", name)


def _refuse_unsupported(pod: Object, container: Mapping[str, Any]) -> None:
    own = container.get("securityContext") or {}
    at = f"containers[{container.get('name')}].securityContext"
    if (own.get("procMount") or "Default") != "Default":
        raise SpecProblem(f"{at}.procMount is not supported")
    for where, context in (
        (_OF_PODS, get_path(pod, "spec", "securityContext", default={})),
        (at, own),
    ):
        if context.get("windowsOptions"):
            raise SpecProblem(f"{where}.windowsOptions is not supported: this node runs Linux")


# -- who it runs as ------------------------------------------------------------------------------


def _user(pod: Object, user: int | None, group: int | None, image: ImageInfo) -> str:
    """The engine adds the image's own groups of a user unless a group is named as well: that makes
    the difference between the policies Merge and Strict.
    """
    policy = get_path(pod, "spec", "securityContext", "supplementalGroupsPolicy")
    if policy == "Strict" and group is None and not _names_group(user, image):
        raise SpecProblem(
            f"{_OF_PODS}.supplementalGroupsPolicy Strict needs a group: set runAsGroup"
        )
    if user is None and group is None:
        return ""
    name = str(user) if user is not None else (image.user.partition(":")[0] or "0")
    return name if group is None else f"{name}:{group}"


def _names_group(user: int | None, image: ImageInfo) -> bool:
    return user is None and ":" in image.user


def _groups(pod: Object) -> tuple[str, ...]:
    of_pod = get_path(pod, "spec", "securityContext", default={})
    groups = [str(group) for group in of_pod.get("supplementalGroups") or []]
    if of_pod.get("fsGroup") is not None:
        groups.append(str(of_pod["fsGroup"]))
    return tuple(dict.fromkeys(groups))


def _verify_non_root(
    pod: Object, container: Mapping[str, Any], user: int | None, image: ImageInfo
) -> None:
    where = f'(pod: "{name_of(pod)}_{namespace_of(pod)}({uid_of(pod)})", '
    where += f"container: {container.get('name')})"
    if user is not None:
        if user == 0:
            raise SpecProblem(f"container's runAsUser breaks non-root policy {where}")
        return
    name = image.user.partition(":")[0]
    if name and not name.isdigit():
        raise SpecProblem(
            f"container has runAsNonRoot and image has non-numeric user ({name}), cannot verify "
            f"user is non-root {where}"
        )
    if int(name or 0) == 0:
        raise SpecProblem(f"container has runAsNonRoot and image will run as root {where}")


def _apparmor(profile: Profile) -> str:
    type_ = profile.get("type", "RuntimeDefault")
    if type_ == "Localhost":
        return str(profile.get("localhostProfile", ""))
    return "unconfined" if type_ == "Unconfined" else ""
