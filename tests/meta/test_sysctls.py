import pytest

from minikube_py.meta.sysctls import parse_sysctl_patterns


def test_what_a_pod_can_have_for_itself_may_be_allowed() -> None:
    found = parse_sysctl_patterns("net.core.somaxconn, net/ipv4/tcp_*,kernel.msg*,kernel.sem,")

    assert found == ("net.core.somaxconn", "net.ipv4.tcp_*", "kernel.msg*", "kernel.sem")
    assert parse_sysctl_patterns("") == ()


@pytest.mark.parametrize("pattern", ["net core", "net.*.somaxconn", "NET.core", "a" * 254])
def test_what_is_no_name_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="is no sysctl: write"):
        parse_sysctl_patterns(pattern)


@pytest.mark.parametrize("pattern", ["*", "vm.swappiness", "kernel.*", "fs.file-max"])
def test_what_is_the_hosts_is_refused_by_name(pattern: str) -> None:
    with pytest.raises(ValueError, match="is the whole host's, no pod can have its own"):
        parse_sysctl_patterns(pattern)
