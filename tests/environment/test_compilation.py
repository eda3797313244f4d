"""A file is pinned from ranges against a local index: what comes out is whole, true, and what `check` accepts."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from tests.support.index_server import PASSWORD, IndexServer
from tests.support.supplies import here, uv_cache
from tests.support.wheels import sdist, wheel
from venvbuild import requirements, settings
from venvbuild.environment import Compilation, CompileRequest, compile_files
from venvbuild.errors import (
    ConflictsFound,
    IndexUnavailable,
    IntegrityError,
    RequirementsRefused,
    ResolutionError,
    UsageError,
)


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


@pytest.fixture
def index(index: IndexServer) -> IndexServer:
    wheel(index.folder, "needy", "1.0", requires=["other<2"])
    wheel(index.folder, "needy", "2.0", requires=["other"])
    wheel(index.folder, "other", "1.0")
    wheel(index.folder, "other", "1.5")
    wheel(index.folder, "other", "2.0")
    return index


def written(name: str, *lines: str) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path


def compiled(index: IndexServer, *files: str, output: str = "out.txt", url: str = "", **more: Any) -> Compilation:
    flags = {"index_url": url or index.url(), "python_version": here().full_version}
    environ = {name: os.environ[name] for name in ("PATH", "HOME", "PYENV_ROOT") if name in os.environ}
    # This Python, wherever it is.
    environ["PATH"] = f"{here().path.parent}:{environ['PATH']}"
    environ |= {"UV_CACHE_DIR": str(uv_cache()), "UV_HTTP_RETRIES": "0"}
    request = CompileRequest(tuple(map(Path, files)), Path(output), **more)
    return compile_files(request, settings.load(flags, environ), environ, wait=lambda seconds: None)


def pins(output: str = "out.txt") -> dict[str, str]:
    read = requirements.read(Path(output), here().marker_environment)
    return {pin.canonical_name: pin.version for pin in read.pins}


def hashed(file: Path, kind: str) -> str:
    return f"{kind}:{hashlib.new(kind, file.read_bytes()).hexdigest()}"


def sha256(file: Path) -> str:
    return hashed(file, "sha256")


def test_what_is_asked_for_and_what_that_needs_is_pinned_with_hashes_and_reasons(index: IndexServer) -> None:
    written("a.in", "needy<2")
    made = compiled(index, "a.in")
    digests = [sha256(index.folder / f"{name}-py3-none-any.whl") for name in ("needy-1.0", "other-1.5")]
    assert Path("out.txt").read_text() == (
        f"# Pinned by venvbuild for Python {here().version} on {here().platform}. Again, in this folder:\n"
        f"#    venvbuild compile --python {here().version} -o out.txt a.in\n"
        f"needy==1.0 \\\n    --hash={digests[0]}\n    # via -r a.in\n"
        f"other==1.5 \\\n    --hash={digests[1]}\n    # via needy\n"
    )
    assert (made.packages, made.added) == (("needy==1.0", "other==1.5"), ("needy", "other"))


def test_several_files_limits_and_a_project_become_one_file(index: IndexServer) -> None:
    written("a.in", "-r sub/b.in")
    written("sub/b.in", "other")
    written("limits.txt", "other<1.2")
    written("pyproject.toml", "[project]", 'name = "p"', "[project.optional-dependencies]", 'x = ["needy"]')
    compiled(index, "a.in", "pyproject.toml", constraints=(Path("limits.txt"),), extras=("x",))
    assert pins() == {"needy": "2.0", "other": "1.0"}
    text = Path("out.txt").read_text()
    assert "--extra x -c limits.txt -o out.txt a.in pyproject.toml\n" in text
    assert "    #   -c limits.txt\n    #   -r sub/b.in\n    #   needy\n" in text
    assert "    # via -r pyproject.toml\n" in text


def test_versions_of_the_output_are_kept_until_they_are_to_be_upgraded(index: IndexServer) -> None:
    written("a.in", "needy", "other")
    written("out.txt", "needy==1.0", "other==1.0", "gone==1.0")
    made = compiled(index, "a.in")
    assert (made.changed, made.removed, pins()) == ((), ("gone",), {"needy": "1.0", "other": "1.0"})
    made = compiled(index, "a.in", upgrade=("Other",))
    assert (made.changed, pins()) == (("other",), {"needy": "1.0", "other": "1.5"})


def test_a_kept_version_that_no_longer_serves_gives_way(index: IndexServer) -> None:
    written("a.in", "other>1")
    written("out.txt", "other==1.0")
    compiled(index, "a.in")
    assert pins() == {"other": "2.0"}


def test_the_same_files_give_the_same_bytes_wherever_they_lie(
    index: IndexServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written("sub/a.in", "needy")
    compiled(index, "sub/a.in", output="sub/out.txt")
    monkeypatch.chdir("/")
    folder = tmp_path / "work" / "sub"
    compiled(index, str(folder / "a.in"), output=str(folder / "again.txt"))
    one, again = ((folder / name).read_text() for name in ("out.txt", "again.txt"))
    assert again == one.replace("-o out.txt", "-o again.txt")
    assert str(tmp_path) not in one


def test_no_credential_of_the_index_is_in_the_output(index: IndexServer) -> None:
    written("a.in", f"--index-url {index.url('auth')}", "needy")
    compiled(index, "a.in", url=index.url_with_credentials)
    text = Path("out.txt").read_text()
    assert PASSWORD not in text
    assert "127.0.0.1" not in text


def test_a_requirement_for_another_system_is_not_pinned_here(index: IndexServer) -> None:
    written("a.in", "needy", "absent ; sys_platform == 'win32'")
    compiled(index, "a.in")
    assert sorted(pins()) == ["needy", "other"]


# --- pinned again in place


def test_a_pinned_file_gets_all_its_hashes_in_place_and_keeps_what_holds_elsewhere(index: IndexServer) -> None:
    digest = sha256(index.folder / "other-1.0-py3-none-any.whl")
    named = f"sha512:{'0' * 128}"
    elsewhere = f"win==1.0 ; sys_platform == 'win32' --hash={named}"
    written("out.txt", "needy==1.0", f"other==1.0 --hash={digest}", elsewhere)
    compiled(index, "out.txt")
    read = requirements.read(Path("out.txt"), here().marker_environment)
    assert [(pin.name, pin.version, len(pin.hashes)) for pin in read.pins] == [
        ("needy", "1.0", 1),
        ("other", "1.0", 1),
        ("win", "1.0", 1),
    ]
    assert read.pins[-1].hashes == (named,)


def test_a_line_that_holds_elsewhere_only_and_has_no_hash_gets_those_of_the_index(index: IndexServer) -> None:
    wheel(index.folder, "win", "1.0", tag="cp311-cp311-win_amd64")
    written("out.txt", "needy==1.0", "win==1.0 ; sys_platform == 'win32'")
    compiled(index, "out.txt")
    read = requirements.read(Path("out.txt"), here().marker_environment)
    assert read.pins[-1].hashes == (sha256(next(index.folder.glob("win-*.whl"))),)


def test_a_line_that_holds_elsewhere_only_and_is_on_no_index_is_refused(index: IndexServer) -> None:
    text = written("out.txt", "needy==1.0", "absent==1.0 ; sys_platform == 'win32'").read_text()
    with pytest.raises(ResolutionError, match=r"out\.txt:2: there are no hashes for absent==1\.0.* -o"):
        compiled(index, "out.txt")
    assert Path("out.txt").read_text() == text


def test_a_line_that_names_the_index_stays_in_place(index: IndexServer) -> None:
    written("out.txt", f"--index-url {index.url()}", "--require-hashes", "other==1.0")
    compiled(index, "out.txt")
    assert f"\n--index-url {index.url()}\nother==1.0 " in Path("out.txt").read_text()


def test_a_broken_hash_is_made_again(index: IndexServer) -> None:
    written("out.txt", "other==1.0 --hash=sha256:12", "needy==1.0 --hash=md5:0")
    compiled(index, "out.txt")
    assert pins() == {"needy": "1.0", "other": "1.0"}


def test_ranges_are_not_written_over(index: IndexServer) -> None:
    text = written("out.txt", "needy==1.0", "other<2").read_text()
    with pytest.raises(UsageError, match="this line would be lost") as caught:
        compiled(index, "out.txt")
    assert caught.value.problems[0].where == "out.txt:2"
    assert Path("out.txt").read_text() == text


# --- hashes that were given


def test_files_that_were_named_by_their_hash_stay_the_only_ones(index: IndexServer) -> None:
    wanted = sha256(index.folder / "other-1.0-py3-none-any.whl")
    sdist(index.folder, "other", "1.0")
    written("a.in", f"other==1.0 --hash={wanted} --hash=sha256:{'0' * 64}")
    compiled(index, "a.in")
    (pin,) = requirements.read(Path("out.txt"), here().marker_environment).pins
    assert pin.hashes == (wanted,)


@pytest.mark.parametrize(("where", "kind"), [("a.in", "sha512"), ("out.txt", "sha512"), ("a.in", "sha384")])
def test_a_file_that_was_named_by_a_hash_of_another_kind_stays_by_its_sha256(
    where: str, kind: str, index: IndexServer
) -> None:
    file = index.folder / "other-1.0-py3-none-any.whl"
    # a better one, which nobody named
    wheel(index.folder, "other", "1.0", tag=f"cp{here().version.replace('.', '')}-none-any")
    written("a.in", "other==1.0")
    written(where, f"other==1.0 --hash={hashed(file, kind)}")
    compiled(index, "a.in")
    (pin,) = requirements.read(Path("out.txt"), here().marker_environment).pins
    assert pin.hashes == (sha256(file),)


def test_what_two_lines_name_by_hashes_of_two_kinds_has_to_be_one_file(index: IndexServer) -> None:
    plain = index.folder / "other-1.0-py3-none-any.whl"
    best = wheel(index.folder, "other", "1.0", tag=f"cp{here().version.replace('.', '')}-none-any")
    written("a.in", f"other==1.0 --hash={sha256(best)}")
    written("b.in", f"other==1.0 --hash={hashed(plain, 'sha512')}")
    with pytest.raises(IntegrityError, match="has one of the hashes given") as caught:
        compiled(index, "a.in", "b.in")
    assert caught.value.problems[0].where == "b.in:1"
    written("b.in", f"other==1.0 --hash={hashed(best, 'sha512')}")
    compiled(index, "a.in", "b.in")
    (pin,) = requirements.read(Path("out.txt"), here().marker_environment).pins
    assert pin.hashes == (sha256(best),)


def test_source_that_was_named_by_a_hash_of_another_kind_stays_by_its_sha256(index: IndexServer) -> None:
    file = sdist(index.folder, "sourced", "1.0")
    written("a.in", f"sourced==1.0 --hash={hashed(file, 'sha512')}")
    compiled(index, "a.in", allow_sdist=("sourced",))
    (pin,) = requirements.read(Path("out.txt"), here().marker_environment).pins
    assert pin.hashes == (sha256(file),)
    written("a.in", f"sourced==1.0 --hash=sha512:{'0' * 128}")
    with pytest.raises(IntegrityError, match="has one of the hashes given") as caught:
        compiled(index, "a.in", output="new.txt", allow_sdist=("sourced",))
    assert f"{file.name} with {hashed(file, 'sha512')}"[:100] in caught.value.problems[0].why


@pytest.mark.parametrize("wrong", [f"sha256:{'0' * 64}", f"sha512:{'0' * 128}"])
@pytest.mark.parametrize("where", ["a.in", "out.txt"])
def test_a_file_that_the_index_has_changed_is_told_and_nothing_is_written(
    where: str, wrong: str, index: IndexServer
) -> None:
    written("a.in", "other")
    text = written(where, f"other==1.0 --hash={wrong}").read_text()
    with pytest.raises(IntegrityError, match="has one of the hashes given") as caught:
        compiled(index, "a.in")
    assert caught.value.problems[0].where == f"{where}:1"
    assert Path(where).read_text() == text
    assert Path("out.txt").exists() == (where == "out.txt")


def test_a_changed_file_is_taken_when_its_hashes_were_deleted_as_is_said(index: IndexServer) -> None:
    written("a.in", "other")
    written("out.txt", f"other==1.0 --hash=sha256:{'0' * 64}", "needy==1.0")
    with pytest.raises(IntegrityError, match="delete the line's hashes and compile again"):
        compiled(index, "a.in")
    written("out.txt", "other==1.0", "needy==1.0")
    compiled(index, "a.in")
    assert pins() == {"other": "1.0"}


# --- source distributions


def test_what_is_there_as_source_only_is_pinned_when_it_is_allowed(index: IndexServer) -> None:
    wanted = sha256(sdist(index.folder, "sourced", "1.0", requires=["other<2"]))
    written("a.in", "sourced>=1")
    with pytest.raises(ResolutionError, match=r"a\.in:1: sourced==1\.0 has no wheel at all.*--allow-sdist sourced"):
        compiled(index, "a.in")
    compiled(index, "a.in", allow_sdist=("Sourced",))
    read = requirements.read(Path("out.txt"), here().marker_environment)
    assert [(pin.name, pin.version) for pin in read.pins] == [("other", "1.5"), ("sourced", "1.0")]
    # What the build fetches, not what was built of it here.
    assert read.pins[1].hashes == (wanted,)
    assert "--allow-sdist Sourced" in Path("out.txt").read_text()


def test_what_somebody_needs_as_source_only_is_pinned_by_following_what_is_said(index: IndexServer) -> None:
    sdist(index.folder, "deep", "1.0")
    wheel(index.folder, "deep", "2.0")
    wheel(index.folder, "top", "1.0", requires=["deep<2"])
    written("a.in", "top")
    with pytest.raises(ResolutionError) as caught:
        compiled(index, "a.in")
    first, said = caught.value.problems
    assert first.fix.startswith("write deep==1.0 into a.in, and allow its source, whose code then runs")
    assert first.fix.endswith(": --allow-sdist deep")
    assert "hint:" not in said.why
    written("a.in", "top", "deep==1.0")
    compiled(index, "a.in", allow_sdist=("deep",))
    assert pins() == {"deep": "1.0", "top": "1.0"}


def test_a_package_that_no_file_asks_for_is_not_built(index: IndexServer) -> None:
    written("a.in", "needy")
    with pytest.raises(UsageError, match=r"which no file asks for.*write other==<version> into a\.in"):
        compiled(index, "a.in", allow_sdist=("other",))


# --- why not


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("absent", r"a\.in:2: there is no package 'absent'"),
        ("other>7", r"a\.in:2: no version meets other>7; why: the index has 1\.0, 1\.5, 2\.0; fix: .* Python is 2\.0"),
        ("other==7.0", r"a\.in:2: there is no version other==7\.0; .*fix: .*other==2\.0"),
        ("new", r"a\.in:2: new==1\.0 does not support Python"),
        ("elsewhere", r"a\.in:2: elsewhere==1\.0 has no wheel for Python"),
        ("other>1.5", r"nothing meets all that is asked for; why: .*other"),
    ],
)
def test_why_nothing_can_be_pinned_is_told_with_its_line(line: str, said: str, index: IndexServer) -> None:
    wheel(index.folder, "new", "1.0", python=">=3.99")
    wheel(index.folder, "elsewhere", "1.0", tag="cp39-cp39-win_amd64")
    written("a.in", "needy==1.0", line)
    with pytest.raises(ResolutionError, match=said):
        compiled(index, "a.in")
    assert not Path("out.txt").exists()


def test_lines_that_no_version_meets_together_are_told_with_their_places(index: IndexServer) -> None:
    written("a.in", "needy", "other<2")
    written("limits.txt", "other>1.5")
    with pytest.raises(ResolutionError) as caught:
        compiled(index, "a.in", constraints=(Path("limits.txt"),))
    (problem,) = caught.value.problems
    assert (problem.where, problem.why) == ("limits.txt:1", "other<2 (a.in:2), other>1.5 (limits.txt:1)")


def test_pins_that_contradict_each_other_are_told_as_a_build_tells_it(index: IndexServer) -> None:
    written("a.in", "needy==1.0", "other==2.0")
    with pytest.raises(ConflictsFound, match=r"a\.in:2: needy 1\.0 needs other<2, other 2\.0 is pinned"):
        compiled(index, "a.in")


def test_all_that_is_missing_is_told_at_once(index: IndexServer) -> None:
    written("a.in", "absent", "other>7")
    with pytest.raises(ResolutionError) as caught:
        compiled(index, "a.in")
    assert [problem.where for problem in caught.value.problems] == ["a.in:1", "a.in:2"]


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("status-503", IndexUnavailable),
        ("status-401", UsageError),
        ("none", UsageError),
        ("login", UsageError),
        ("file-503", IndexUnavailable),
        ("file-403", UsageError),
        ("file-404", ResolutionError),
    ],
)
def test_an_index_that_fails_is_the_reason(mode: str, kind: type[Exception], index: IndexServer) -> None:
    written("a.in", "needy")
    with pytest.raises(kind):
        compiled(index, "a.in", url=index.url(mode))


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"upgrade": ("neeedy",)}, "--upgrade names neeedy, which nothing needs"),
        ({"constraints": (Path("out.txt"),)}, "the output is one of the constraints"),
        ({"extras": ("x",), "files": ("pyproject.toml",)}, "there is no extra x"),
    ],
)
def test_what_was_asked_wrongly_is_refused(flags: dict[str, Any], said: str, index: IndexServer) -> None:
    written("a.in", "needy")
    written("pyproject.toml", "[project]", 'dependencies = ["needy"]')
    text = written("out.txt", "needy==1.0").read_text()
    with pytest.raises((UsageError, RequirementsRefused), match=said):
        compiled(index, *map(str, flags.get("files", ("a.in",))), **{k: v for k, v in flags.items() if k != "files"})
    assert Path("out.txt").read_text() == text


@pytest.mark.parametrize("output", ["absent/out.txt", "folder", "link", "a.in/out.txt", "-"])
def test_an_output_that_is_no_file_is_refused_before_the_index_is_asked(output: str, index: IndexServer) -> None:
    written("a.in", "needy")
    Path("folder").mkdir()
    Path("link").symlink_to("/dev/null")
    with pytest.raises(UsageError):
        compiled(index, "a.in", output=output)
    assert index.requests == []


def test_the_output_keeps_its_mode_and_nothing_is_left_beside_it(index: IndexServer) -> None:
    written("a.in", "needy")
    written("out.txt", "needy==1.0").chmod(0o640)
    compiled(index, "a.in")
    assert Path("out.txt").stat().st_mode & 0o777 == 0o640
    assert sorted(os.listdir(".")) == ["a.in", "out.txt"]


def test_a_name_that_would_break_the_header_stays_in_its_line(index: IndexServer) -> None:
    name = "a\nevil==1.0\n.in"
    written(name, "needy")
    compiled(index, name)
    assert sorted(pins()) == ["needy", "other"]
