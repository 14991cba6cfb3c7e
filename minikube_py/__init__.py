"""A local Kubernetes in one asyncio daemon; docs/architecture.md is the map of these folders."""

__version__ = "0.1.0"
