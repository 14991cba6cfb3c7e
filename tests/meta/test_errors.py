import pytest

from minikube_py.meta import errors
from minikube_py.meta.encoding import decode, encode
from minikube_py.meta.errors import FieldError


def test_a_missing_object_is_named_with_its_group() -> None:
    status = errors.NotFound.of("apps", "deployments", "web").as_status()

    assert status == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'deployments.apps "web" not found',
        "reason": "NotFound",
        "details": {"name": "web", "group": "apps", "kind": "deployments"},
        "code": 404,
    }


def test_messages_follow_kubernetes() -> None:
    assert errors.AlreadyExists.of("", "pods", "a").message == 'pods "a" already exists'
    assert errors.Conflict.of("", "pods", "a", "why").message == (
        'Operation cannot be fulfilled on pods "a": why'
    )


def test_an_invalid_object_lists_every_cause() -> None:
    causes = [FieldError("spec.a", "FieldValueRequired", "Required value")]
    one = errors.Invalid.of("apps", "Deployment", "web", causes)
    two = errors.Invalid.of("apps", "Deployment", "web", causes * 2)

    assert one.message == 'Deployment.apps "web" is invalid: spec.a: Required value'
    assert two.message.endswith("[spec.a: Required value, spec.a: Required value]")
    assert one.as_status()["details"]["causes"] == [
        {"reason": "FieldValueRequired", "message": "Required value", "field": "spec.a"}
    ]


def test_too_many_requests_says_when_to_come_back() -> None:
    status = errors.TooManyRequests("later", retry_after_seconds=3).as_status()

    assert status["details"] == {"retryAfterSeconds": 3}


def test_json_comes_back_and_broken_json_names_the_place() -> None:
    assert decode(encode({"a": [1, "ä", None]})) == {"a": [1, "ä", None]}
    with pytest.raises(errors.BadRequest, match="line 1 column"):
        decode(b'{"a": }')


def test_an_error_without_details_has_none_in_its_status() -> None:
    assert "details" not in errors.BadRequest("no").as_status()
