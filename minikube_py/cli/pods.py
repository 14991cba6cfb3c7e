"""The Pods behind a name: `web-0`, `pod/web-0`, `deploy/web`, `svc/web`."""

from minikube_py.cli.errors import CliError
from minikube_py.cli.session import Session
from minikube_py.meta.objects import Object, get_path, is_condition_true, is_deleting, name_of
from minikube_py.meta.selectors import format_label_selector


def pods_path(namespace: str, name: str = "", subresource: str = "") -> str:
    return "/".join(
        part for part in (f"/api/v1/namespaces/{namespace}/pods", name, subresource) if part
    )


def find_pods(session: Session, word: str) -> list[Object]:
    """All Pods of a Pod's, workload's or Service's name, ready ones first; raises CliError."""
    kind, slash, name = word.rpartition("/")
    if not slash or session.discovery.resolve(kind).plural == "pods":
        return [session.client.get(pods_path(session.namespace, name))]
    resource = session.discovery.resolve(kind)
    owner = session.client.get(resource.path(session.namespace, name))
    selector = get_path(owner, "spec", "selector")
    if not selector:
        raise CliError(f"{word} selects no pods: name a pod (`mk get pods`)")
    if not set(selector) & {"matchLabels", "matchExpressions"}:
        selector = {"matchLabels": selector}  # a Service's is a plain map
    query = {"labelSelector": format_label_selector(selector)}
    pods = session.client.get(pods_path(session.namespace), query).get("items") or []
    if not pods:
        raise CliError(f"{word} has no pods; `mk describe {word}` tells why")
    return sorted(pods, key=_least_useful)


def find_pod(session: Session, word: str) -> Object:
    return find_pods(session, word)[0]


def container_names(pod: Object, *, init: bool = False) -> list[str]:
    groups = ("initContainers", "containers") if init else ("containers",)
    return [c["name"] for group in groups for c in get_path(pod, "spec", group, default=[])]


def default_container(pod: Object) -> str | None:
    """None where there is but one, and the server knows which."""
    annotation = get_path(pod, "metadata", "annotations", "kubectl.kubernetes.io/default-container")
    names = container_names(pod)
    if annotation in names:
        return str(annotation)
    return names[0] if len(names) > 1 else None


def _least_useful(pod: Object) -> tuple[bool, bool, str]:
    return (is_deleting(pod), not is_condition_true(pod, "Ready"), name_of(pod))
