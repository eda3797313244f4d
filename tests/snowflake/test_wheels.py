"""Which wheel of each distribution is taken, from whom, and who gets our credentials."""

from __future__ import annotations

import pytest
from packaging.utils import parse_wheel_filename

from venvbuild.environment import Offered
from venvbuild.errors import ResolutionError, UsageError
from venvbuild.package_index import File
from venvbuild.redaction import Address
from venvbuild.snowflake import runtimes
from venvbuild.snowflake.wheels import ForeignHost, Hosts, choose, place_of

TARGET = runtimes.target("3.11", "x86_64")
INDEX = "https://proget.example.com/pypi/feed/simple"


def file(filename: str, url: str = "https://proget.example.com/files", sha256: str = "a" * 64) -> File:
    _, version, _, tags = parse_wheel_filename(filename)
    return File(filename, f"{url}/{filename}", version, tags, sha256)


def offered(*files: File, name: str = "tiny") -> Offered:
    return Offered(name, "1.0", files)


def hosts(*allowed: str, index: str = INDEX, may_http: bool = False) -> Hosts:
    return Hosts.of([index], [], allowed, may_http=may_http)


@pytest.mark.parametrize(
    ("tags", "best"),
    [
        (["cp311-cp311-manylinux_2_17_x86_64", "py3-none-any"], "py3-none-any"),
        (["cp311-cp311-manylinux_2_28_x86_64", "py2.py3-none-any"], "py2.py3-none-any"),
        (["cp39-abi3-manylinux_2_17_x86_64", "cp311-cp311-manylinux_2_17_x86_64"], "cp311-cp311-manylinux_2_17_x86_64"),
        (
            ["cp311-cp311-manylinux_2_17_x86_64", "cp311-cp311-manylinux_2_28_x86_64"],
            "cp311-cp311-manylinux_2_28_x86_64",
        ),
    ],
)
def test_the_wheel_for_any_machine_is_taken_else_the_best_for_the_target(tags: list[str], best: str) -> None:
    files = [file(f"tiny-1.0-{tag}.whl") for tag in tags]
    for order in (files, files[::-1]):
        [chosen] = choose([offered(*order)], TARGET, hosts(), {})
        assert chosen.file.filename == f"tiny-1.0-{best}.whl"


def test_what_fits_no_machine_of_snowflake_is_refused() -> None:
    with pytest.raises(ResolutionError, match=r"tiny==1\.0 has no wheel for Python 3.11 on linux_x86_64"):
        choose([offered(file("tiny-1.0-cp311-cp311-win_amd64.whl"))], TARGET, hosts(), {})


def test_of_a_build_only_files_of_its_lock_are_taken() -> None:
    any_machine = file("tiny-1.0-py3-none-any.whl", sha256="b" * 64)
    native = file("tiny-1.0-cp311-cp311-manylinux_2_28_x86_64.whl", sha256="c" * 64)
    [chosen] = choose([offered(any_machine, native)], TARGET, hosts(), {"tiny": frozenset({"sha256:" + "c" * 64})})
    assert chosen.file == native
    with pytest.raises(ResolutionError, match="has a hash of the build's lock"):
        choose([offered(any_machine)], TARGET, hosts(), {"tiny": frozenset({"sha256:" + "c" * 64})})
    [beyond] = choose([offered(any_machine)], TARGET, hosts(), {"other": frozenset()})
    assert beyond.file == any_machine


def test_every_foreign_host_is_told_at_once_with_the_flag_that_allows_it() -> None:
    far = [
        offered(file(f"{name}-1.0-py3-none-any.whl", f"https://{host}/x"), name=name)
        for name, host in (("one", "cdn.example.net"), ("two", "proget.example.com:8443"))
    ]
    with pytest.raises(UsageError) as refused:
        choose(far, TARGET, hosts(), {})
    first, second = refused.value.problems
    assert "one 1.0 leads to another host: cdn.example.net" in first.what
    assert "--allow-host proget.example.com:8443" in second.fix
    # followed to the letter
    flags = [problem.fix.rpartition(" ")[2] for problem in refused.value.problems]
    assert [one.host for one in choose(far, TARGET, hosts(*flags), {})] == [
        "cdn.example.net",
        "proget.example.com:8443",
    ]
    # without a port it is for any
    choose(far[1:], TARGET, hosts("proget.example.com"), {})


def test_pypi_names_its_own_second_host() -> None:
    there = offered(file("tiny-1.0-py3-none-any.whl", "https://files.pythonhosted.org/packages"))
    choose([there], TARGET, hosts(index="https://pypi.org/simple"), {})
    with pytest.raises(UsageError, match=r"--allow-host files\.pythonhosted\.org"):
        choose([there], TARGET, hosts(), {})


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://user:pw@H.example.com:443/x", "h.example.com"),
        ("http://h.example.com:80/x", "h.example.com"),
        ("https://h.example.com:80/x", "h.example.com:80"),
        ("http://[::1]:8080/x", "[::1]:8080"),
        ("file:///x", "file"),
    ],
)
def test_a_host_is_compared_with_its_port(url: str, place: str) -> None:
    assert place_of(Address(url)) == place


def test_without_tls_only_this_machine_is_asked_unless_that_is_allowed() -> None:
    for url in ("http://127.0.0.1:8080/simple", "http://localhost/simple", "http://[::1]/simple"):
        hosts(index=url)
    for url in ("http://proget.example.com/simple", "http://127.0.0.1.example.com/simple"):
        with pytest.raises(UsageError, match="--allow-http"):
            hosts(index=url)
        hosts(index=url, may_http=True)
    with pytest.raises(UsageError, match="without TLS"):  # nor where a page leads from TLS to none
        hosts().judge(Address("http://proget.example.com/x.whl"))


@pytest.mark.parametrize("host", ["https://cdn.example.net", "cdn.example.net/x", "", "a b", "*.example.net"])
def test_what_is_no_host_cannot_be_allowed(host: str) -> None:
    with pytest.raises(UsageError, match="write its name alone"):
        hosts(host)


def test_a_page_cannot_lead_to_a_file_of_this_machine() -> None:
    with pytest.raises(ForeignHost, match="ask who runs the index"):
        hosts("file").judge(Address("file:///etc/passwd"))
    Hosts.of([INDEX], ["/srv/wheels"], [], may_http=False).judge(
        Address("file:///srv/wheels/tiny-1.0-py3-none-any.whl")
    )
