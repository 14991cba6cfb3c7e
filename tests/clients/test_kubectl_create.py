"""kubectl's imperative makers: create of every sort, run, expose, autoscale."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.clients.conftest import Kubectl

SORTS = {
    "deployment": "deployment/made --image=web:1 --replicas=2 --port=80",
    "job": "job/made --image=web:1 -- sh -c 'exit 0'",
    "cronjob": "cronjob/made --image=web:1 --schedule=*/5_*_*_*_* -- date",
    "configmap": "configmap/made --from-literal=a=1 --from-literal=b=two",
    "secret": "secret_generic/made --from-literal=password=hidden",
    "clusterip": "service_clusterip/made --tcp=80:8080",
    "nodeport": "service_nodeport/made --tcp=80:8080",
    "loadbalancer": "service_loadbalancer/made --tcp=80:8080",
    "externalname": "service_externalname/made --external-name=example.com",
    "ingress": "ingress/made --rule=host.example/path*=web:80 --class=mk",
    "quota": "quota/made --hard=pods=10,cpu=4",
    "serviceaccount": "serviceaccount/made",
    "role": "role/made --verb=get,list --resource=pods,deployments.apps",
    "rolebinding": "rolebinding/made --role=made --serviceaccount=default:default",
    "poddisruptionbudget": "poddisruptionbudget/made --selector=app=web --min-available=1",
}
CLUSTER_SORTS = {
    "clusterrole": "clusterrole/{name} --verb=get --resource=nodes",
    "clusterrolebinding": "clusterrolebinding/{name} --clusterrole=view --user=jane",
    "priorityclass": "priorityclass/{name} --value=1000 --description=high",
    "namespace": "namespace/{name}",
}


def command_of(text: str) -> list[str]:
    """`what_kind/name options`: an underscore is a space inside a word or between sorts."""
    head, *options = text.split(" ")
    sort, name = head.split("/")
    return ["create", *sort.split("_"), name, *(option.replace("_", " ") for option in options)]


def test_create_of_every_sort_in_a_namespace(kubectl: Kubectl) -> None:
    services = {"clusterip", "nodeport", "loadbalancer", "externalname"}
    gone = {"ingress", "cronjob", "poddisruptionbudget"}  # 1.20 asks for beta versions, or can't
    left_out = services | gone if kubectl.is_old else services
    made = {
        sort: kubectl(*command_of(text)) for sort, text in SORTS.items() if sort not in left_out
    }

    for sort, out in made.items():
        assert "made created" in out, sort
    listed = kubectl.get(",".join(made))["items"]
    everything = [item for item in listed if item["metadata"]["name"] == "made"]
    assert len(everything) == len(made)
    found = {item["kind"]: item for item in everything}
    assert found["Deployment"]["spec"]["replicas"] == 2
    assert found["Job"]["spec"]["template"]["spec"]["restartPolicy"] == "Never"
    assert found["ResourceQuota"]["spec"]["hard"] == {"cpu": "4", "pods": "10"}
    assert found["Role"]["rules"] == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list"]},
    ]
    assert found["RoleBinding"]["roleRef"]["name"] == "made"
    if not kubectl.is_old:
        assert found["CronJob"]["spec"]["schedule"] == "*/5 * * * *"
        assert found["PodDisruptionBudget"]["spec"]["minAvailable"] == 1
    kubectl("delete", ",".join(made), "made", "--wait=false")


@pytest.mark.parametrize("sort", ["clusterip", "nodeport", "loadbalancer", "externalname"])
def test_create_of_each_type_of_service(kubectl: Kubectl, sort: str) -> None:
    kubectl(*command_of(SORTS[sort]))

    service = kubectl.get("service", "made")["spec"]

    assert service["type"].lower() == sort
    if sort != "externalname":
        assert service["ports"][0]["targetPort"] == 8080
        assert service["clusterIP"].startswith("10.")
    assert ("nodePort" in json.dumps(service)) == (sort in {"nodeport", "loadbalancer"})


def test_create_of_what_belongs_to_the_cluster(kubectl: Kubectl) -> None:
    name = f"made-{kubectl.namespace}"

    for sort, text in CLUSTER_SORTS.items():
        assert "created" in kubectl(*command_of(text.format(name=name))), sort
        assert kubectl.get(sort, name)["metadata"]["name"] == name
        again = kubectl(*command_of(text.format(name=name)), code=1)
        assert "AlreadyExists" in again or "already exists" in again
        kubectl("delete", sort, name, "--wait=false")


def test_secrets_of_every_type_and_config_from_files(kubectl: Kubectl, tmp_path: Path) -> None:
    authority = trustme.CA()
    leaf = authority.issue_cert("web.example")
    leaf.cert_chain_pems[0].write_to_path(tmp_path / "tls.crt")
    leaf.private_key_pem.write_to_path(tmp_path / "tls.key")
    (tmp_path / "settings.env").write_text("COLOUR=blue\nSIZE=7\n")
    (tmp_path / "raw.bin").write_bytes(bytes(range(256)))

    kubectl(
        "create", "secret", "tls", "tls", f"--cert={tmp_path}/tls.crt", f"--key={tmp_path}/tls.key"
    )
    kubectl(
        "create", "secret", "docker-registry", "registry", "--docker-server=registry.example",
        "--docker-username=me", "--docker-password=hidden", "--docker-email=me@example.com",
    )  # fmt: skip
    kubectl("create", "configmap", "env", f"--from-env-file={tmp_path}/settings.env")
    kubectl("create", "configmap", "binary", f"--from-file={tmp_path}/raw.bin")

    assert kubectl.get("secret", "tls")["type"] == "kubernetes.io/tls"
    registry = kubectl.get("secret", "registry")
    assert registry["type"] == "kubernetes.io/dockerconfigjson"
    logins = json.loads(base64.b64decode(registry["data"][".dockerconfigjson"]))["auths"]
    assert logins["registry.example"]["username"] == "me"
    assert kubectl.get("configmap", "env")["data"] == {"COLOUR": "blue", "SIZE": "7"}
    binary = kubectl.get("configmap", "binary")["binaryData"]["raw.bin"]
    assert base64.b64decode(binary) == bytes(range(256))


def test_run_and_expose(kubectl: Kubectl) -> None:
    kubectl("run", "one", "--image=web:1", "--port=80", "--labels=app=one", "--env=A=1")
    kubectl("wait", "--for=condition=Ready", "pod/one", "--timeout=20s")
    kubectl("create", "deployment", "web", "--image=web:1", "--port=80")

    kubectl("expose", "pod/one", "--port=8000", "--target-port=80")
    kubectl("expose", "deployment/web", "--port=80", "--type=NodePort", "--name=front")
    kubectl("run", "two", "--image=web:1", "--port=81", "--expose")

    services = {item["metadata"]["name"]: item["spec"] for item in kubectl.get("services")["items"]}
    assert services["one"]["selector"] == {"app": "one"}
    assert services["front"]["selector"] == {"app": "web"}
    assert services["front"]["type"] == "NodePort"
    assert services["two"]["ports"][0]["port"] == 81
    pod = kubectl.get("pod", "one")["spec"]
    assert pod["containers"][0]["env"] == [{"name": "A", "value": "1"}]


def test_autoscale_makes_a_horizontal_pod_autoscaler(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "web", "--image=web:1")

    kubectl("autoscale", "deployment/web", "--min=1", "--max=3", "--cpu-percent=80")

    made: dict[str, Any] = kubectl.get("hpa", "web")
    assert made["spec"]["maxReplicas"] == 3
    first = kubectl.get("horizontalpodautoscalers.v1.autoscaling", "web")["spec"]
    assert first["targetCPUUtilizationPercentage"] == 80
    assert "web" in kubectl("describe", "hpa/web")
    assert "Deployment/web" in kubectl("get", "hpa")


def test_create_from_a_url_free_file_with_generated_name(kubectl: Kubectl) -> None:
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "made-"}}

    out = kubectl("create", "-f", "-", "-o", "name", stdin=json.dumps(manifest))

    assert out.startswith("configmap/made-")
    assert len(out.strip()) == len("configmap/made-") + 5


def test_a_token_of_a_service_account(kubectl: Kubectl) -> None:
    if kubectl.is_old:
        return  # `create token` came with 1.24
    kubectl("create", "serviceaccount", "robot")

    token = kubectl("create", "token", "robot", "--duration=20m", "--audience=shop").strip()

    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["aud"] == ["shop"]
    assert claims["sub"] == f"system:serviceaccount:{kubectl.namespace}:robot"
    assert claims["exp"] - claims["iat"] == 20 * 60
