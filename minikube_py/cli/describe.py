"""One object described in full, its Events at the end: where a person looks when it hangs."""

from collections.abc import Callable

from minikube_py.cli.describe_events import event_row, event_time
from minikube_py.cli.describe_kinds import DESCRIBERS, describe_generic
from minikube_py.cli.describe_page import Page
from minikube_py.cli.errors import ApiFailure
from minikube_py.cli.rest import Client
from minikube_py.meta.objects import Object, name_of, namespace_of, uid_of
from minikube_py.meta.timestamps import Clock, system_clock


def describe(client: Client, obj: Object, clock: Clock = system_clock) -> str:
    page = Page(clock())
    DESCRIBERS.get(str(obj.get("kind")), describe_generic)(page, obj, _fetcher(client))
    _events(page, client, obj)
    return str(page)


def _fetcher(client: Client) -> Callable[[str, dict[str, str]], list[Object]]:
    def fetch(path: str, query: dict[str, str]) -> list[Object]:
        try:
            return list(client.get(path, query).get("items") or [])
        except ApiFailure:  # a description is worth showing without its extras
            return []

    return fetch


def _events(page: Page, client: Client, obj: Object) -> None:
    namespace = namespace_of(obj) or "default"
    fields = f"involvedObject.name={name_of(obj)},involvedObject.kind={obj.get('kind')}"
    path = f"/api/v1/namespaces/{namespace}/events"
    found = [
        event
        for event in _fetcher(client)(path, {"fieldSelector": fields})
        if (event.get("involvedObject") or {}).get("uid") in (None, "", uid_of(obj), name_of(obj))
    ]
    rows = [["Age", "Type", "Reason", "From", "Message"]]
    for event in sorted(found, key=event_time):
        age, type_, reason, _, message = event_row(event, page.now)
        source = (event.get("source") or {}).get("component") or event.get("reportingComponent")
        rows.append([age, type_, reason, str(source or ""), message])
    page.table("Events", rows)
