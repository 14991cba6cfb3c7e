"""Validation of how a container ends and whether it comes back: its own restart policy and rules
(KEP-5307, KEP-5532) and its stop signal (KEP-4960).
"""

from collections.abc import Mapping
from typing import Any

from minikube_py.kinds.fields import check_choice, forbidden, not_supported, required, too_many
from minikube_py.meta.errors import FieldError
from minikube_py.meta.objects import Object

_POLICIES = ("Always", "OnFailure", "Never")
_ACTIONS = ("Restart", "RestartAllContainers")
_OPERATORS = ("In", "NotIn")
_MOST_RULES = 20
_MOST_CODES = 255
_SIGNALS = (
    *("SIGABRT", "SIGALRM", "SIGBUS", "SIGCHLD", "SIGCLD", "SIGCONT", "SIGFPE", "SIGHUP", "SIGILL"),
    *("SIGINT", "SIGIO", "SIGIOT", "SIGKILL", "SIGPIPE", "SIGPOLL", "SIGPROF", "SIGPWR", "SIGQUIT"),
    *("SIGSEGV", "SIGSTKFLT", "SIGSTOP", "SIGSYS", "SIGTERM", "SIGTRAP", "SIGTSTP", "SIGTTIN"),
    *("SIGTTOU", "SIGURG", "SIGUSR1", "SIGUSR2", "SIGVTALRM", "SIGWINCH", "SIGXCPU", "SIGXFSZ"),
    *("SIGRTMIN", "SIGRTMAX"),
    *(f"SIGRTMIN+{number}" for number in range(1, 16)),
    *(f"SIGRTMAX-{number}" for number in range(1, 15)),
)
_WINDOWS_SIGNALS = ("SIGKILL", "SIGTERM")


def validate_restarts(container: Object, path: str) -> list[FieldError]:
    """`restartPolicy` and `restartPolicyRules` of a main or an init container."""
    policy = container.get("restartPolicy")
    rules = container.get("restartPolicyRules") or []
    at = f"{path}.restartPolicyRules"
    errors: list[FieldError] = []
    if policy is not None:
        errors += check_choice(f"{path}.restartPolicy", policy, _POLICIES)
    elif rules:
        detail = "must specify restartPolicy when restart rules are used"
        errors.append(required(f"{path}.restartPolicy", detail))
    if len(rules) > _MOST_RULES:
        errors.append(too_many(at, len(rules), _MOST_RULES))
    for index, rule in enumerate(rules):
        errors += _validate_rule(rule, f"{at}[{index}]")
    return errors


def _validate_rule(rule: Object, path: str) -> list[FieldError]:
    action, codes = rule.get("action"), rule.get("exitCodes")
    at = f"{path}.exitCodes"
    errors = check_choice(f"{path}.action", action, _ACTIONS)
    if codes is None:
        return [*errors, required(at, "must be specified")]
    values = codes.get("values") or []
    errors += check_choice(f"{at}.operator", codes.get("operator"), _OPERATORS)
    if not values:
        errors.append(required(f"{at}.values", "must specify at least one exit code"))
    if len(values) > _MOST_CODES:
        errors.append(too_many(f"{at}.values", len(values), _MOST_CODES))
    return errors


def validate_stop_signals(spec: Mapping[str, Any], path: str) -> list[FieldError]:
    """Only for a pod that says for which system: signals differ."""
    system = (spec.get("os") or {}).get("name")
    errors: list[FieldError] = []
    for field in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(field) or []):
            signal = (container.get("lifecycle") or {}).get("stopSignal")
            at = f"{path}.{field}[{index}].lifecycle.stopSignal"
            known = _WINDOWS_SIGNALS if system == "windows" else _SIGNALS
            if signal is not None and not system:
                errors.append(forbidden(at, "may not be set for containers with empty `os.name`"))
            elif signal is not None and signal not in known:
                errors.append(not_supported(at, signal, known))
    return errors
