"""Names of the labels containers carry: those of kubelet's Docker runtime, which tools know, and
mk's own.

What must be known again after a restart of the daemon is here or in the store, nowhere else.
"""

from minikube_py.meta.cluster import CLUSTER_LABEL

CLUSTER = CLUSTER_LABEL
POD_NAME = "io.kubernetes.pod.name"
POD_NAMESPACE = "io.kubernetes.pod.namespace"
POD_UID = "io.kubernetes.pod.uid"
CONTAINER_NAME = "io.kubernetes.container.name"
TYPE = "io.kubernetes.docker.type"
TYPE_SANDBOX = "podsandbox"
TYPE_CONTAINER = "container"
SANDBOX_ID = "io.kubernetes.sandbox.id"
SPEC_HASH = "io.minikube-py.spec-hash"
ATTEMPT = "io.minikube-py.attempt"
ANNOTATION_PREFIX = "io.minikube-py.annotation."
POOL = "io.minikube-py.pool"
HOSTNAME = "io.minikube-py.hostname"
IMAGE_FILES = "io.minikube-py.image-files"
