"""A pod's place in the network: what the network tells the kubelet, neither importing the other."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PodAddress:
    ip: str
    gateway: str
