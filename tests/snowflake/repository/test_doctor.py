"""An index asked as Snowflake asks it, over TLS, on three hosts."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.snowflake.repository.test_commands import Call
from tests.support.builds import put_build
from tests.support.hosts import Hosts, hosts
from tests.support.receivers import self_signed
from venvbuild.builds import places
from venvbuild.errors import UsageError
from venvbuild.redaction import REDACTOR
from venvbuild.snowflake.repository import description, doctor, rules
from venvbuild.stores import open_store

USER, PASSWORD = "svc-canary", "p@ss:w/ord-Canary-77"
BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
DIGEST = f"#sha256={'a' * 64}"
WHEEL = "tiny-1.0-py3-none-any.whl"


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(self_signed(tmp_path / "authority.pem", "127.0.0.2", "127.0.0.3")))
    monkeypatch.setenv("REPO_USER", USER)
    monkeypatch.setenv("REPO_TOKEN", PASSWORD)
    return Call(capsys)


@pytest.fixture
def three(call: Call, tmp_path: Path) -> Iterator[Hosts]:
    """An index at the first that sends its files over the second to the third, and a description that is right."""
    with hosts(tmp_path / "authority.pem") as running:
        first, second, third = running.urls
        running.authorization = BASIC
        running.answers = {
            "/simple/": (200, "a list"),
            "/simple/tiny/": (200, f'<a href="/files/{WHEEL}{DIGEST}">{WHEEL}</a>'),
            f"/files/{WHEEL}": (302, f"{second}/cdn?X-Signature=Canary-sig"),
            "/cdn?X-Signature=Canary-sig": (307, f"{third}/bucket"),
            "/bucket": (200, "x"),
        }
        write(running, [first, second, third])
        yield running


def write(three: Hosts, prefixes: list[str], more: str = "", secret: str = "") -> None:
    kind = secret or 'type = "password"\nusername_env = "REPO_USER"\npassword_env = "REPO_TOKEN"\n'
    Path("snowflake.toml").write_text(
        f"[secret.s]\n{kind}[integration.i]\nallowed_prefixes = {json.dumps(prefixes)}\nsecrets = ['s']\n"
        f"[repository.r]\nintegration = 'i'\nsecret = 's'\nindex_url = '{three.urls[0]}/simple/'\n{more}"
    )


def test_a_missing_prefix_is_told_as_a_line_that_works(call: Call, three: Hosts) -> None:
    write(three, [three.urls[0]])
    code, out, said = call("doctor", "--package", "tiny==1.0")
    assert code == 11
    assert re.search(r"hosts     127.0.0.1:\d+ \(allowed\)\n +127.0.0.2:\d+ \(NOT allowed: .* error code 10003", out)
    [line] = re.findall("^fix +(.*)$", out, re.MULTILINE)
    assert said.splitlines()[-1].endswith(f"fix: write {line}")
    assert said.count("fix:") == 1
    # followed to the letter
    text = Path("snowflake.toml").read_text()
    Path("snowflake.toml").write_text(re.sub("^allowed_prefixes = .*$", line, text, flags=re.MULTILINE))
    code, out, said = call("doctor", "r", "--package", "tiny==1.0")
    assert (code, said) == (0, "")
    assert out.splitlines()[:2] == [
        f"index     {three.urls[0]}/simple/   200, links carry sha256",
        "tls       signed by 127.0.0.1, which this machine trusts",
    ]


def test_the_header_is_snowflakes_and_goes_to_nobody_else(call: Call, three: Hosts) -> None:
    code, out, said = call("doctor", "--package", "tiny", "--json")
    assert code == 0
    assert "anary" not in out + said
    assert {(address, authorization) for address, _, authorization in three.seen} == {
        ("127.0.0.1", BASIC), ("127.0.0.2", ""), ("127.0.0.3", "")
    }  # fmt: skip
    told = json.loads(out)
    assert (told["has_hashes"], told["packages"]) == (True, [{"package": "tiny", "is_there": True}])
    write(three, list(three.urls), secret='type = "generic_string"\nvalue_env = "WHOLE"\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WHOLE", f"{USER}:{PASSWORD}")
        assert call("doctor", "--package", "tiny")[0] == 0


def test_what_is_sent_is_masked_from_then_on(call: Call, three: Hosts) -> None:
    write(three, list(three.urls), secret='type = "generic_string"\nvalue_env = "WHOLE"\n')
    described = description.read(Path("snowflake.toml"))
    sent = "robot-7:Zx9-not-shown-Qw4"
    header = doctor.header(described, described.repositories[0], {"WHOLE": sent})
    assert header == f"Basic {base64.b64encode(sent.encode()).decode()}"
    said = REDACTOR.redact(f"why: {sent}; {header}; Zx9-not-shown-Qw4")
    assert not [part for part in ("Zx9-not-shown-Qw4", header[6:]) if part in said]


def test_a_variable_that_is_not_set_ends_with_2_and_is_named(
    call: Call, three: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REPO_TOKEN")
    code, out, said = call("doctor")
    assert (code, out, said) == (2, "", "snowflake.toml:4: the variable REPO_TOKEN is not set; fix: set REPO_TOKEN")
    # what Azure Pipelines puts for a variable that is not defined
    monkeypatch.setenv("REPO_TOKEN", "$(REPO_TOKEN)")
    assert call("doctor")[0] == 2
    assert not three.seen
    monkeypatch.setenv("REPO_TOKEN", PASSWORD)
    assert call("doctor")[0] == 0


def test_refused_credentials_are_told_without_them(call: Call, three: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPO_TOKEN", "Canary-wrong-one")
    code, out, said = call("doctor", "--package", "tiny")
    assert code == 11
    assert "refuses the credentials (HTTP 401)" in said
    assert "correct the values of the secret's variables" in said
    assert "anary" not in out + said


def test_what_is_not_in_the_file_is_said(call: Call, three: Hosts) -> None:
    text = Path("snowflake.toml").read_text()
    Path("snowflake.toml").write_text(text.replace("integration = 'i'", "integration = 'other'"))
    code, out, _ = call("doctor", "--package", "tiny")
    assert code == 0
    assert out.count("(its integration is not in this file)") == 3
    assert f'fix       allowed_prefixes = ["{three.urls[0]}", ' in out
    Path("snowflake.toml").write_text(text.replace("secret = 's'", "secret = 'other'"))
    code, _, said = call("doctor")
    assert (code, said.partition("fix: ")[2]) == (2, "describe it as [secret.other]")
    of_other = "type = 'password'\nusername_env = 'REPO_USER'\npassword_env = 'REPO_TOKEN'\n"
    Path("snowflake.toml").write_text(text.replace("secret = 's'", "secret = 'other'") + f"[secret.other]\n{of_other}")
    assert call("doctor")[0] == 0


@pytest.mark.parametrize(
    ("path", "answer", "told"),
    [
        pytest.param(f"/files/{WHEEL}", (302, f"/files/{WHEEL}"), "go round in a circle of 1", id="loop"),
        pytest.param(f"/files/{WHEEL}", (302, "/r1"), "redirects more than 20 times", id="21-hops"),
        pytest.param(f"/files/{WHEEL}", (403, ""), "forbids it (HTTP 403)", id="blocked"),
        pytest.param(f"/files/{WHEEL}", (302, "https://127.0.0.1:1/x"), "127.0.0.1:1: does not answer", id="silent"),
        pytest.param(f"/files/{WHEEL}", (302, "http://127.0.0.1:1/x"), "is asked without TLS", id="no-tls"),
        pytest.param("/simple/", (302, "OTHER/who"), "let index_url name that host itself", id="moved"),
        pytest.param("/simple/tiny/", (404, ""), "does not have it (HTTP 404)", id="no-package"),
        pytest.param("/simple/tiny/", (200, "<form>log in"), "lists no file of it", id="login-page"),
        pytest.param("/simple/tiny/", (200, '<a href="file:///tiny-1.0.tar.gz">'), "is no URL of the web", id="file"),
        pytest.param("/simple/", (403, ""), "the index: 127.0.0.1", id="forbidden"),
    ],
)
def test_what_would_fail_is_a_finding(call: Call, three: Hosts, path: str, answer: tuple[int, str], told: str) -> None:
    status, body = answer
    three.answers |= {f"/r{at}": (302, f"/r{at + 1}") for at in range(1, 30)}
    three.answers |= {path: (status, body.replace("OTHER", three.urls[1])), "/who": (401, "")}
    code, _, said = call("doctor", "--package", "tiny==1.0")
    assert code == 11
    assert told in said
    # what no prefix can allow is not said to need one
    assert ("no prefix allows" in said) == ("https://127.0.0.1:1/" in body)
    assert "anary" not in said


def test_what_an_index_writes_is_harmless_on_a_screen(call: Call, three: Hosts) -> None:
    evil = "\x1b]52;c;QQ==\x07\u202e"
    links = f"<a href='https://a\x1bM\u202e/tiny-1.0.tar.gz'></a><a href='/{evil}/tiny-2.0.tar.gz'></a>"
    three.answers["/simple/tiny/"] = (200, links)
    code, out, said = call("doctor", "--package", "tiny")
    assert (code, "is no host that a prefix can name" in said) == (11, True)
    assert not {"\x1b", "\x07", "\u202e"} & set(out + said)
    code, out, _ = call("doctor", "--package", "tiny", "--json")
    assert (code, len(json.loads(out)["hosts"])) == (11, 2)


def test_links_without_hashes_matter_to_retention(call: Call, three: Hosts) -> None:
    three.answers["/simple/tiny/"] = (200, f'<a href="/files/{WHEEL}">')
    code, out, _ = call("doctor", "--package", "tiny")
    assert code == 0
    assert "links carry no sha256" in out
    write(three, list(three.urls), 'retention = "on_object_creation"\n')
    code, _, said = call("doctor", "--package", "tiny")
    assert (code, "snowflake.toml:12: links of the index carry no #sha256=" in said) == (11, True)


def test_a_certificate_that_nobody_signed_is_a_finding_and_gets_no_secret(
    call: Call, three: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    code, _, said = call("doctor", "--package", "tiny")
    assert (code, "has no certificate that is trusted here; why: self" in said) == (11, True)
    assert not three.seen


def test_an_index_that_does_not_answer_ends_with_6_and_its_host(call: Call, three: Hosts) -> None:
    three.answers["/simple/"] = (503, "")
    code, out, said = call("doctor")
    assert (code, out) == (6, "")
    assert re.match(r"127\.0\.0\.1:\d+: the index does not answer; why: HTTP 503; fix:", said)


def test_an_url_that_does_not_end_in_simple_is_told_and_asked(call: Call, three: Hosts) -> None:
    three.answers |= {"/pypi/": (200, ""), "/pypi/tiny/": three.answers["/simple/tiny/"]}
    Path("snowflake.toml").write_text(Path("snowflake.toml").read_text().replace("/simple/'", "/pypi/'"))
    code, out, said = call("doctor", "--package", "tiny")
    assert (code, "1 of 1 are there" in out) == (11, True)
    assert "the index URL does not end in /simple/" in said
    Path("snowflake.toml").write_text(Path("snowflake.toml").read_text().replace("https", "http"))
    assert call("doctor")[0] == 3


def test_a_procedure_needs_snowpark(call: Call, three: Hosts) -> None:
    body = "kind = 'procedure'\nreturns = 'STRING'\npython = '3.11'\nrepository = 'r'\nhandler = 'h'\nbody = 'h = 1'\n"
    packages = "packages = ['snowflake-snowpark-python', 'tiny==1.0']\n"
    write(three, list(three.urls), f"[function.f]\n{body}{packages}")
    code, out, said = call("doctor")
    assert (code, "1 of 2 are there" in out) == (11, True)
    assert "snowflake-snowpark-python, which each procedure needs: " in said
    name = "snowflake_snowpark_python-1.0-py3-none-any.whl"
    three.answers["/simple/snowflake-snowpark-python/"] = (200, f'<a href="/bucket{DIGEST}">x</a><a href="/f/{name}">')
    three.answers[f"/f/{name}"] = (200, "x")
    assert call("doctor")[0] == 0


def test_each_pin_of_a_build_needs_a_wheel_for_snowflake(call: Call, three: Hosts, tmp_path: Path) -> None:
    lock = b"tiny==1.0 --hash=sha256:00\nnative==2.0\npip==25.0\n"
    store = open_store(f"file://{tmp_path}/store")
    files = {places.REQUIREMENTS: b"tiny==1.0\nnative==2.0\n", places.LOCK: lock}
    version = put_build(store, 1, files, python_version="3.11")
    three.answers["/simple/native/"] = (200, '<a href="/f/native-2.0-cp311-cp311-win_amd64.whl">')
    code, out, said = call("doctor", "--build", version, "--store", f"file://{tmp_path}/store")
    assert (code, "1 of 2 are there" in out) == (11, True)
    assert "native==2.0: the index has no wheel of it for Python 3.11 on " in said
    name = "native-2.0-cp311-cp311-manylinux_2_17_x86_64.whl"
    three.answers |= {"/simple/native/": (200, f'<a href="/f/{name}">'), f"/f/{name}": (200, "x")}
    assert call("doctor", "--build", version, "--store", f"file://{tmp_path}/store")[0] == 0


@pytest.mark.parametrize(
    ("host", "prefix"),
    [
        ("d2iv9.cloudfront.net", "https://*.cloudfront.net"),
        ("acme.blob.core.windows.net", "https://*.blob.core.windows.net"),
        ("b.s3.eu-west-1.amazonaws.com", "https://*.s3.eu-west-1.amazonaws.com"),
        ("b.s3.amazonaws.com", "https://*.s3.amazonaws.com"),
        ("s3.eu-west-1.amazonaws.com", "https://s3.eu-west-1.amazonaws.com"),
        ("files.example.com:8443", "https://files.example.com:8443"),
        ("cloudfront.net.example.com", "https://cloudfront.net.example.com"),
    ],
)
def test_a_star_stands_for_a_bucket_and_for_nothing_else(host: str, prefix: str) -> None:
    assert doctor._prefix(host) == prefix
    assert rules.covers(prefix, f"https://{host}/x")


@pytest.mark.parametrize(("name", "code"), [("q", 2), (None, 2), ("R2", 0), ("A.B.R2", 0), ("r", 0)])
def test_one_of_several_repositories_is_named(call: Call, three: Hosts, name: str | None, code: int) -> None:
    write(three, list(three.urls), "[repository.'A.B.R2']\nintegration='i'\nindex_url='https://x/simple/'\n")
    described = description.read(Path("snowflake.toml"))
    if code:
        with pytest.raises(UsageError, match=r"fix: name one of r, A\.B\.R2"):
            doctor.named(described, name)
    else:
        assert doctor.named(described, name)
    assert call("doctor", "r", "--package", "tiny>1")[0] == 2
