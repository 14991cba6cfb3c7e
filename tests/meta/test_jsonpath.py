import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minikube_py.meta.jsonpath import BadJsonPath, parse_path, parse_template

PODS: dict[str, Any] = {
    "kind": "List",
    "items": [
        {
            "metadata": {"name": "a", "labels": {"app.kubernetes.io/name": "web"}},
            "spec": {"containers": [{"name": "c1", "image": "nginx"}, {"name": "c2"}]},
            "status": {"phase": "Running", "restarts": 3, "ready": True, "extra": None},
        },
        {
            "metadata": {"name": "b", "labels": {}},
            "spec": {"containers": [{"name": "c3", "image": "busybox"}]},
            "status": {"phase": "Pending", "restarts": 0, "ready": False},
        },
    ],
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        pytest.param("{.kind}", "List", id="field"),
        pytest.param("{$.kind}", "List", id="root"),
        pytest.param("{@.kind}", "List", id="current"),
        pytest.param(".kind", "List", id="no braces"),
        pytest.param("kind", "List", id="no dot"),
        pytest.param("{.items[*].metadata.name}", "a b", id="every element"),
        pytest.param("{.items[0].metadata.name}", "a", id="index"),
        pytest.param("{.items[-1].metadata.name}", "b", id="from the end"),
        pytest.param("{.items[0:1].metadata.name}", "a", id="slice"),
        pytest.param("{.items[5].metadata.name}", "", id="beyond the end"),
        pytest.param("{.items[*].spec.containers[*].name}", "c1 c2 c3", id="nested lists"),
        pytest.param("{.items[*]['metadata','status']}", None, id="union of fields"),
        pytest.param("{.items[0,1].metadata.name}", "a b", id="union of indexes"),
        pytest.param("{..image}", "nginx busybox", id="recursive descent"),
        pytest.param("{.items[0].metadata.labels.app\\.kubernetes\\.io/name}", "web", id="dots"),
        pytest.param("{.items[0].metadata.labels['app.kubernetes.io/name']}", "web", id="quoted"),
        pytest.param('{.items[?(@.metadata.name=="b")].status.phase}', "Pending", id="filter"),
        pytest.param("{.items[?(@.status.restarts>1)].metadata.name}", "a", id="greater"),
        pytest.param("{.items[?(@.status.ready==true)].metadata.name}", "a", id="boolean"),
        pytest.param("{.items[?(@.status.phase!='Running')].metadata.name}", "b", id="unequal"),
        pytest.param("{.items[?(@.status.extra)].metadata.name}", "a", id="existence"),
        pytest.param("{.items[0].status.ready}", "true", id="a boolean's spelling"),
        pytest.param("{.items[0].status.restarts}", "3", id="a number's spelling"),
        pytest.param("{.items[0].status.extra}", "", id="null"),
        pytest.param("{.missing.deeper}", "", id="missing"),
        pytest.param("{.items[0].metadata.labels}", '{"app.kubernetes.io/name":"web"}', id="map"),
        pytest.param("kind is {.kind}!", "kind is List!", id="text around"),
        pytest.param('{.kind}{"\\n\\t"}', "List\n\t", id="literal"),
        pytest.param("{'{}'}", "{}", id="braces in a literal"),
        pytest.param(
            '{range .items[*]}{.metadata.name}={.status.phase}{"\\n"}{end}',
            "a=Running\nb=Pending\n",
            id="range",
        ),
        pytest.param(
            "{range .items[*]}[{range .spec.containers[*]}{.name};{end}]{end}",
            "[c1;c2;][c3;]",
            id="range in range",
        ),
    ],
)
def test_templates_render_as_kubectl_does(template: str, text: str | None) -> None:
    rendered = parse_template(template).render(PODS)

    if text is not None:
        assert rendered == text
    else:
        assert rendered.count("{") > 2


@pytest.mark.parametrize(
    "template",
    [
        "{.items[}",
        "{.items[?(@.a}",
        "{.a",
        "{range .items[*]}x",
        "{end}",
        "{.a b}",
        "{.items[x]}",
        "{'open}",
    ],
)
def test_nonsense_is_refused(template: str) -> None:
    with pytest.raises(BadJsonPath):
        parse_template(template)


@given(st.text(max_size=30))
def test_any_text_parses_or_is_refused(text: str) -> None:
    try:
        parse_template(text).render(PODS)
    except BadJsonPath:
        return


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    )
)
def test_the_root_is_the_document_itself(document: Any) -> None:
    assert parse_path("$").find(document) == [document]
    json.dumps(parse_path("..*").find(document))
