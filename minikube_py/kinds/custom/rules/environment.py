"""CEL as Kubernetes speaks it: the language, standard extensions, and Kubernetes' own functions.

The language is CEL's own C++ runtime (cel-expr-python). It checks types, and stops an expression
after ten thousand iterations, so that none can hold up the daemon.
"""

from functools import cache
from typing import TYPE_CHECKING

from minikube_py.kinds.custom.rules.functions import declarations

if TYPE_CHECKING:
    from cel_expr_python.cel import Env

_EXTENSIONS = """
extensions:
  - name: bindings
  - name: encoders
  - name: lists
  - name: math
  - name: optional
  - name: sets
  - name: strings
  - name: two-var-comprehensions
"""
SELF, OLD_SELF = "self", "oldSelf"


HAD_OLD, OLD = "hadOldSelf__", "oldSelf__"
"""What an optional oldSelf is made of: Python has no value for it."""


@cache
def environment(type_: str) -> "Env":
    """For rules about values of a CEL type, named as CEL names it: `dyn`, `list<int>`."""
    from cel_expr_python import cel  # heavy; only for who has rules

    self_type = cel.Type(type_)
    return cel.NewEnv(
        config=cel.NewEnvConfigFromYaml(_EXTENSIONS),
        variables={SELF: self_type, OLD_SELF: self_type, HAD_OLD: cel.Type.BOOL, OLD: cel.Type.DYN},
        # As an extension, since only that may add overloads to functions that are there.
        extensions=[cel.CelExtension("kubernetes", declarations())],
    )
