"""What Kubernetes accepts as a name, label or annotation key (apimachinery's util/validation), and
new names.
"""

import random
import re

_LABEL_WORD = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL_WORD}(\.{_LABEL_WORD})*"
_LABEL = re.compile(_LABEL_WORD)
_DNS1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN_PATTERN = re.compile(_SUBDOMAIN)
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_PORT_NAME = re.compile(r"[-a-z0-9]+")
_ENV_NAME = re.compile(r"[ -<>-~]+")
_CONFIG_KEY = re.compile(r"[-._a-zA-Z0-9]+")

# No vowels and no look-alikes, so that a suffix neither spells a word nor is misread (util/rand).
_SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_MAX_GENERATED_BASE = 58

SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', "
    "and must start and end with an alphanumeric character (e.g. 'example.com', regex used for "
    rf"validation is '{_SUBDOMAIN}')"
)
LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must "
    "start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for "
    rf"validation is '{_LABEL_WORD}')"
)
DNS1035_RULE = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', "
    "regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
)
QUALIFIED_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with "
    "an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or "
    "'12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)


def subdomain_problem(name: str) -> str | None:
    """Why `name` is no RFC 1123 subdomain, None when it is one. The same shape for all below."""
    if len(name) > 253:
        return "must be no more than 253 characters"
    return None if _SUBDOMAIN_PATTERN.fullmatch(name) else SUBDOMAIN_RULE


def label_problem(name: str) -> str | None:
    if len(name) > 63:
        return "must be no more than 63 characters"
    return None if _LABEL.fullmatch(name) else LABEL_RULE


def dns1035_problem(name: str) -> str | None:
    if len(name) > 63:
        return "must be no more than 63 characters"
    return None if _DNS1035.fullmatch(name) else DNS1035_RULE


def path_segment_problem(name: str) -> str | None:
    """Names that only must fit into a URL path (RBAC objects)."""
    if name in (".", ".."):
        return f"may not be '{name}'"
    for character in ("/", "%"):
        if character in name:
            return f"may not contain '{character}'"
    return None


def qualified_name_problem(key: str) -> str | None:
    """Label and annotation keys: `name` or `prefix/name`."""
    prefix, slash, name = key.rpartition("/")
    if slash:
        if not prefix:
            return "prefix part must be non-empty"
        problem = subdomain_problem(prefix)
        if problem:
            return f"prefix part {problem}"
    if not name:
        return "name part must be non-empty"
    if len(name) > 63:
        return "name part must be no more than 63 characters"
    return None if _QUALIFIED.fullmatch(name) else QUALIFIED_RULE


def label_value_problem(value: str) -> str | None:
    if len(value) > 63:
        return "must be no more than 63 characters"
    return None if _VALUE.fullmatch(value) else VALUE_RULE


def port_name_problem(name: str) -> str | None:
    """IANA service names: container and service port names."""
    if len(name) > 15:
        return "must be no more than 15 characters"
    if not _PORT_NAME.fullmatch(name):
        return "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"
    if not re.search("[a-z]", name):
        return "must contain at least one letter (a-z)"
    if "--" in name:
        return "must not contain consecutive hyphens"
    if name.startswith("-") or name.endswith("-"):
        return "must not begin or end with a hyphen"
    return None


def env_name_problem(name: str) -> str | None:
    """The relaxed rule of 1.34 and later: printable ASCII without '='."""
    if _ENV_NAME.fullmatch(name):
        return None
    return (
        "a valid environment variable name must consist only of printable ASCII characters other "
        "than '='"
    )


def config_key_problem(key: str) -> str | None:
    """ConfigMap and Secret data keys."""
    if len(key) > 253:
        return "must be no more than 253 characters"
    if not _CONFIG_KEY.fullmatch(key):
        return (
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. "
            "'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is "
            "'[-._a-zA-Z0-9]+')"
        )
    return f"must not be '{key}'" if key in (".", "..") or key.startswith("..") else None


def generate_name(base: str, source: random.Random | None = None) -> str:
    """`base` cut to fit, plus five random characters, for metadata.generateName."""
    return base[:_MAX_GENERATED_BASE] + random_suffix(5, source)


def random_suffix(length: int, source: random.Random | None = None) -> str:
    pick = source or random.SystemRandom()
    return "".join(pick.choice(_SUFFIX_ALPHABET) for _ in range(length))


def safe_encode(number: int) -> str:
    """A hash as name part, in the suffix alphabet (util/rand.SafeEncodeString)."""
    return "".join(_SUFFIX_ALPHABET[ord(digit) % len(_SUFFIX_ALPHABET)] for digit in str(number))
