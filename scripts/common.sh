# Shared by the scripts beside it: where things are, and how to speak. Sourced, never run.

set -euo pipefail

REPO="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
VENV="${MK_VENV:-$REPO/.venv}"
CACHE="${MK_CACHE:-/var/cache/minikube-py}"
export PIP_DISABLE_PIP_VERSION_CHECK=1

say() { printf '%s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

need_root() {
    [ "$(id -u)" -eq 0 ] || die "$1 needs root for Docker, netlink and nftables: run 'sudo $1'"
}

# Installs the Debian packages named, when one of them is missing.
need_packages() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ "${#missing[@]}" -eq 0 ] && return 0
    command -v apt-get >/dev/null || die "install these with your package manager first: ${missing[*]}"
    [ "$(id -u)" -eq 0 ] || die "these packages are missing: ${missing[*]}; run with sudo, or install them"
    say "installing ${missing[*]} …"
    # An unreachable extra source must not stop what the main one has: only the install decides.
    apt-get update -q >"$CACHE/apt.log" 2>&1 || true
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" \
        >>"$CACHE/apt.log" 2>&1 || { tail -5 "$CACHE/apt.log" >&2; die "apt-get could not install ${missing[*]}"; }
}
