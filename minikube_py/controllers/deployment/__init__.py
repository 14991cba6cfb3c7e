"""Deployments: one ReplicaSet a template revision, moved from old to new within the strategy's
bounds.

`controller` acts; `rollout` decides sizes, `revisions` which ReplicaSet is which, `status` what to
tell.
"""

from minikube_py.controllers.deployment.controller import new_deployment_controller

__all__ = ["new_deployment_controller"]
