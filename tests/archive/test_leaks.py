"""What the gate finds in a file, whoever packs it, and what it leaves alone."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.support.wheels import unpack, wheel
from venvbuild.archive import leaks
from venvbuild.archive.leaks import Gate
from venvbuild.archive.members import Member
from venvbuild.installed import distributions_in
from venvbuild.redaction.forms import Secret

SECRET, BUILD = b"s3cret-value-1", b"/build/place"
KNOWN = Secret(SECRET.decode())
A_SECRET, A_PATH = ["a secret"], ["a path of this build"]


def found(gate: Gate, *pieces: bytes, path: str = "", before: bytes = b"", sha256: str = "") -> list[str]:
    """What the gate finds in a file that it is shown in these pieces."""
    search = gate.searching(path, before)
    for piece in pieces:
        search.see(piece)
    return search.found(sha256)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        pytest.param(b"x = 1", [], id="nothing"),
        pytest.param(b"key = 's3cret-value-1'", A_SECRET, id="secret"),
        pytest.param(b"xs3cret-value-1x", A_SECRET, id="secret within a word"),
        pytest.param(b"#!/build/place/bin/python", A_PATH, id="path"),
        pytest.param(b"/build/place", A_PATH, id="path alone"),
        pytest.param(b"s3cret-value-1 /build/place", [*A_PATH, *A_SECRET], id="both, sorted"),
        pytest.param(b"operations/build/place", [], id="end of another path"),
        pytest.param(b"/build/places", [], id="beginning of another name"),
        pytest.param(b"/build/place.py", [], id="beginning of another file"),
        pytest.param(b"a/build/place, then /build/place", A_PATH, id="the second time it is one"),
        pytest.param(b"file:///build/place", A_PATH, id="URL"),
    ],
)
def test_a_secret_is_found_anywhere_and_a_path_where_it_is_whole(content: bytes, what: list[str]) -> None:
    assert found(Gate((BUILD,), (KNOWN,), {}), content) == what


def test_in_bytecode_a_path_is_found_behind_a_letter_that_may_be_its_length() -> None:
    gate = Gate((BUILD,), (), {})
    assert found(gate.for_bytecode(), b"a/build/place") == A_PATH
    assert found(gate, b"a/build/place") == []


@pytest.mark.parametrize("cut", range(1, 14))
def test_a_secret_is_found_wherever_the_file_is_cut(cut: int) -> None:
    assert found(Gate((), (KNOWN,), {}), b"--" + SECRET[:cut], SECRET[cut:] + b"--") == A_SECRET


@pytest.mark.parametrize("cut", range(1, 14))
def test_a_path_across_a_cut_is_judged_by_what_stands_before_it(cut: int) -> None:
    gate = Gate((BUILD,), (), {})
    for text, what in ((b" /build/place", A_PATH), (b"x/build/place", [])):
        assert found(gate, text[:cut], text[cut:] + b" ") == what


def test_a_part_of_a_file_is_judged_with_what_stands_before_it() -> None:
    assert found(Gate((), (KNOWN,), {}), SECRET[7:], before=SECRET[:7]) == A_SECRET


@pytest.mark.parametrize("piece", [b"", b"s3cret-value-1 /build/place"])
def test_a_gate_that_looks_for_nothing_finds_nothing(piece: bytes) -> None:
    assert found(Gate((), (), {}), piece) == []
    assert Gate((), (), {}).longest == 0


# --- the wheel's own files


def promise(content: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")


def of_wheel(path: Path, shipped: bytes, there: bytes, *, places: Iterable[bytes] = ()) -> list[str]:
    """What is found in a file of a wheel that shipped these bytes and now has those."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(there)
    gate = Gate((BUILD,), (KNOWN,), {str(path): promise(shipped)}, places=tuple(places))
    return found(gate, there, path=str(path), sha256=hashlib.sha256(there).hexdigest())


def test_a_file_as_the_wheel_brought_it_may_hold_a_path(tmp_path: Path) -> None:
    assert of_wheel(tmp_path / "a.py", b"/build/place", b"/build/place") == []


def test_a_file_that_was_changed_since_may_hold_no_path(tmp_path: Path) -> None:
    assert of_wheel(tmp_path / "a.py", b"another", b"/build/place") == A_PATH


def test_a_file_as_the_wheel_brought_it_may_hold_no_secret(tmp_path: Path) -> None:
    assert of_wheel(tmp_path / "a.py", SECRET, SECRET) == A_SECRET


def test_a_place_is_refused_even_in_a_file_of_a_wheel(tmp_path: Path) -> None:
    """The wheel may have been built in that very environment."""
    text = b"/opt/venv/bin/python"
    assert of_wheel(tmp_path / "a.py", text, text, places=[b"/opt/venv"]) == ["the environment's path /opt/venv"]


def test_what_describes_a_package_may_name_a_place_as_an_example(tmp_path: Path) -> None:
    text = b"python -m venv /opt/venv"
    assert of_wheel(tmp_path / "a-1.0.dist-info" / "METADATA", text, text, places=[b"/opt/venv"]) == []


# --- a gate for an environment


def test_the_gate_knows_what_each_wheel_promised(tmp_path: Path) -> None:
    unpack(wheel(tmp_path / "wheels", "good", "1.0", files={"good.py": "x = 1\n"}), tmp_path / "site")
    gate = Gate.of([tmp_path], [], distributions_in([tmp_path / "site"], with_damage=False))
    assert gate.promised[str(tmp_path / "site" / "good.py")] == promise(b"x = 1\n")
    assert gate.paths == (str(tmp_path).encode(),)


def test_a_path_that_is_given_twice_is_looked_for_once() -> None:
    assert Gate.of([Path("/a"), Path("/b"), Path("/a")], [], []).paths == (b"/a", b"/b")


def test_for_bytecode_no_wheel_promises_anything(tmp_path: Path) -> None:
    gate = Gate((BUILD,), (KNOWN,), {"/x": "sha256=y"}).for_bytecode()
    assert (dict(gate.promised), gate.paths, gate.secrets) == ({}, (BUILD,), (KNOWN,))


# --- names


@pytest.mark.parametrize(
    ("member", "what"),
    [
        pytest.param(Member("lib/s3cret-value-1.py", "f", 0o644), "a name in lib holds a secret", id="name"),
        pytest.param(Member("s3cret-value-1", "d", 0o755), "a name in . holds a secret", id="at the top"),
        pytest.param(Member("lib/a", "l", 0o777, link="s3cret-value-1"), "a name in lib holds a secret", id="link"),
        pytest.param(Member("s3cret-value-1/a.py", "f", 0o644), "a name in its folder too holds a secret", id="folder"),
    ],
)
def test_a_name_with_a_secret_is_told_by_its_folder(member: Member, what: str) -> None:
    (problem,) = Gate((), (KNOWN,), {}).in_names([Member("lib/good.py", "f", 0o644), member])
    assert problem.what == f"{what}; the archive is not made"
    assert "s3cret" not in problem.as_line()


def test_a_name_may_be_like_the_path_of_the_build() -> None:
    assert list(Gate((BUILD,), (), {}).in_names([Member("build/place", "d", 0o755)])) == []


@pytest.mark.parametrize(
    ("what", "fix"),
    [
        ("a secret", "change that secret"),
        ("a path of this build", "ask its publisher for a wheel"),
        ("the environment's path /opt/venv", "make the environment in another one"),
    ],
)
def test_a_leak_comes_with_what_to_do_about_it(what: str, fix: str) -> None:
    problem = leaks.Leak("bin/tool", what).problem()
    assert (problem.what, problem.rule) == (f"bin/tool holds {what}; the archive is not made", "LEAK")
    assert fix in problem.fix
