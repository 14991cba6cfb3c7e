"""A pod's sandbox: made, given an address, and the files that show the address.

Before it the plan says which attempt is wanted; after it containers are created in the sandbox.
"""

from dataclasses import replace

from minikube_py.container_runtime.interface import RuntimeFailure, Sandbox, SandboxSpec
from minikube_py.kubelet.admission import remarks
from minikube_py.kubelet.container_spec import SpecProblem, sandbox_spec
from minikube_py.kubelet.facts import running_sandbox
from minikube_py.kubelet.own_files import OwnFiles
from minikube_py.kubelet.pod_plan import PodPlan
from minikube_py.kubelet.pod_state import PodState
from minikube_py.kubelet.podspec import uses_host_network
from minikube_py.kubelet.tools import Tools
from minikube_py.meta.objects import Object, get_path


class Sandboxes:
    def __init__(self, tools: Tools, files: OwnFiles) -> None:
        self._tools = tools
        self._files = files

    def lacks_address(self, state: PodState) -> bool:
        sandbox = running_sandbox(state.observed)
        return sandbox is not None and state.address_of != sandbox.id

    async def bring_up(self, state: PodState, pod: Object, plan: PodPlan) -> Sandbox:
        current = running_sandbox(state.observed)
        if plan.create_sandbox is None:
            assert current is not None
            return current
        for old in plan.remove_sandboxes:
            await self._tools.runtime.remove_sandbox(old)
        if plan.create_sandbox > 0 or get_path(pod, "status", "podIP"):
            message = "Pod sandbox changed, it will be killed and re-created."
            self._tools.recorder.record(pod, "Normal", "SandboxChanged", message)
        try:
            with state.trace.step("sandbox"):
                spec = self._spec(pod, plan.create_sandbox)
                sandbox = await self._tools.runtime.run_sandbox(spec)
        except (RuntimeFailure, SpecProblem) as error:
            self._sandbox_failed(pod, str(error))
            raise
        for reason, message in remarks(pod):
            self._tools.recorder.record(pod, "Warning", reason, message)
        kept = [s for s in state.observed.sandboxes if s.id not in plan.remove_sandboxes]
        state.observed = replace(state.observed, sandboxes=(sandbox, *kept))
        state.released = False
        return sandbox

    def _spec(self, pod: Object, attempt: int) -> SandboxSpec:
        return sandbox_spec(
            pod,
            attempt,
            domain=self._tools.settings.cluster_domain,
            runtime=self._tools.reader.runtime_handler(pod),
        )

    async def attach(self, state: PodState, pod: Object, sandbox: Sandbox) -> None:
        """Address and the files that show it; done once for each sandbox."""
        if state.address_of == sandbox.id:
            return
        if uses_host_network(pod):
            state.address = self._tools.settings.address_of(pod)
        else:
            try:
                with state.trace.step("network"):
                    address = await self._tools.network.attach(
                        state.identity.uid, sandbox.pid, pod["spec"].get("nodeName", "")
                    )
            except Exception as error:
                self._sandbox_failed(pod, f"failed to set up its network: {error}")
                raise
            state.address = address.ip
        self._files.write(pod, state.address)
        state.address_of = sandbox.id

    def _sandbox_failed(self, pod: Object, why: str) -> None:
        message = f"Failed to create pod sandbox: {why}"
        self._tools.recorder.record(pod, "Warning", "FailedCreatePodSandBox", message)
