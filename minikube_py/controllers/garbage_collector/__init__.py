"""Removes what belongs to something that is gone: the ownerReferences of every kind, followed.

`graph` knows who owns whom, `decision` what an object's owners mean for it, `controller` acts.
"""

from minikube_py.controllers.garbage_collector.controller import new_garbage_collector

__all__ = ["new_garbage_collector"]
