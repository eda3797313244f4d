"""Wheel and sdist of what is committed, in a dist that is ours; or nothing of it."""

from __future__ import annotations

import os
import shlex
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.support import projects
from tests.support.projects import Repo
from tests.support.requirement import require
from venvbuild.errors import IndexUnavailable, IntegrityError, RequirementsRefused, ResolutionError, UsageError
from venvbuild.release import Manifest, Repository, Tools, build, manifest
from venvbuild.release.checkout import checked_out


def test_clean_dist_removes_old_files(built_repo: Repo, tools: Tools) -> None:
    """What an earlier release left goes when the next one is built, and stays where it cannot; so does .gitignore."""
    repo, dist = built_repo, built_repo.source.dist
    made = Manifest.read(dist)
    assert {path.name for path in dist.iterdir()} == {one.filename for one in made.files} | {manifest.FILE}
    (dist / ".gitignore").write_text("*\n")
    (dist / ".venvbuild-1.0.0" / "out").mkdir(parents=True)  # of one that was killed
    repo.write("src/demo_tools/__init__.py", '__version__ = "1.0.1"\n')
    repo.commit()
    with pytest.raises(RequirementsRefused, match=r"1\.0\.1"):
        build(repo.source, tools, 300)
    Manifest.read(dist).require(dist)
    repo.git("reset", "--quiet", "--hard", "HEAD~1")
    again = build(repo.source, tools, 300)
    assert again == made  # the same commit gives the same bytes
    assert {path.name for path in dist.iterdir()} == {one.filename for one in made.files} | {
        manifest.FILE,
        ".gitignore",
    }


def test_a_dist_that_is_not_ours_is_left_alone(repo: Repo, tools: Tools, tmp_path: Path) -> None:
    dist = repo.source.dist
    repo.write("dist/other-1.0.tar.gz", "mine")
    with pytest.raises(UsageError, match=r"other-1\.0\.tar\.gz"):
        build(repo.source, tools, 300)
    assert [path.name for path in dist.iterdir()] == ["other-1.0.tar.gz"]
    (tmp_path / "elsewhere").mkdir()
    dist.rename(tmp_path / "elsewhere" / "dist")
    dist.symlink_to(tmp_path / "elsewhere" / "dist")
    repo.write(".gitignore", "dist\n")
    repo.git("tag", "--delete", "v1.0.0")
    repo.commit()
    with pytest.raises(UsageError, match="link"):
        build(repo.source, tools, 300)
    dist.unlink()
    dist.touch()
    with pytest.raises(UsageError, match="no folder"):
        build(repo.source, tools, 300)


def test_build_creates_sdist_and_wheel(built_repo: Repo) -> None:
    """Exactly one of each, of what is committed, told in the manifest with what they were built with."""
    repo, dist = built_repo, built_repo.source.dist
    made = Manifest.read(dist)
    made.require(dist)
    assert {path.name for path in dist.iterdir()} == {one.filename for one in made.files} | {manifest.FILE}
    assert [one.filename for one in made.files] == ["demo_tools-1.0.0-py3-none-any.whl", "demo_tools-1.0.0.tar.gz"]
    assert (made.name, made.version, made.tag) == ("demo-tools", "1.0.0", "v1.0.0")
    assert made.commit == repo.git("rev-parse", "HEAD")
    assert "hatchling==1.33.0" in made.build_requirements
    with zipfile.ZipFile(dist / made.files[0].filename) as wheel:
        assert sorted(wheel.namelist()) == [
            "demo_tools-1.0.0.dist-info/METADATA",
            "demo_tools-1.0.0.dist-info/RECORD",
            "demo_tools-1.0.0.dist-info/WHEEL",
            "demo_tools-1.0.0.dist-info/entry_points.txt",
            "demo_tools-1.0.0.dist-info/licenses/LICENSE",
            "demo_tools/__init__.py",
        ]
    with tarfile.open(dist / made.files[1].filename) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
        [when] = {member.mtime for member in sdist}
    assert names == {"src/demo_tools/__init__.py", "CHANGELOG.md", "LICENSE", "README.md", "pyproject.toml", "PKG-INFO",
                     ".gitignore"}  # fmt: skip
    assert when == int(repo.git("log", "-1", "--format=%ct"))


def test_build_fails_on_invalid_metadata(repo: Repo, tools: Tools) -> None:
    """What the standards refuse is 3, before anything is built; what the backend refuses is 4, in its words."""
    repo.git("tag", "--delete", "v1.0.0")
    text = (repo.folder / "pyproject.toml").read_text()
    repo.write("pyproject.toml", text.replace('name = "demo-tools"', 'name = "demo tools!"'))
    repo.commit()
    with pytest.raises(RequirementsRefused, match=r"`project\.name` must be pep508-identifier"):
        build(repo.source, tools, 300)
    repo.write("pyproject.toml", text.replace('packages = ["src/demo_tools"]', "packages = 7"))
    repo.commit()
    with pytest.raises(ResolutionError, match="packages` must be an array"):
        build(repo.source, tools, 300)
    assert list(repo.source.dist.iterdir()) == []


def test_what_is_not_committed_is_not_built(repo: Repo, tools: Tools) -> None:
    repo.write("src/demo_tools/draft.py", "")
    with pytest.raises(UsageError, match=r"src/demo_tools/draft\.py"):
        build(repo.source, tools, 300)


def test_a_tag_on_another_commit_is_8_and_its_advice_leads_to_the_release(repo: Repo, tools: Tools) -> None:
    repo.write("README.md", "# Later\n")
    repo.commit()
    with pytest.raises(IntegrityError, match="tag") as refused:
        build(repo.source, tools, 300)
    repo.git(*refused.value.problems[0].fix.split("`")[1].split()[1:])
    assert repo.repository.branch is None
    assert repo.repository.head == repo.git("rev-parse", "v1.0.0^{commit}")


def test_an_index_that_is_away_is_6(repo: Repo, tools: Tools, tmp_path: Path) -> None:
    away = {**tools.index, "UV_DEFAULT_INDEX": "http://127.0.0.1:1/simple", "UV_CACHE_DIR": str(tmp_path / "cache"),
            "UV_HTTP_RETRIES": "0"}  # fmt: skip
    with pytest.raises(IndexUnavailable):
        build(repo.source, Tools(tools.python, tools.uv, away), 300)
    assert list(repo.source.dist.iterdir()) == []


def test_a_shallow_clone_of_the_tag_gives_the_same_bytes(built_repo: Repo, tools: Tools, tmp_path: Path) -> None:
    """As a workflow checks out: depth 1, no branch."""
    repo, made = built_repo, Manifest.read(built_repo.source.dist)
    projects.git(tmp_path, "clone", "--quiet", "--depth", "1", "--branch", "v1.0.0", f"file://{repo.remote}", "shallow")
    shallow = Repo(tmp_path / "shallow", repo.remote)
    assert shallow.repository.branch is None
    assert build(shallow.source, tools, 300) == made


def test_what_is_checked_out_is_the_commit_whatever_the_user_has_set(repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "attributes").write_text("* text eol=crlf\n")
    for name, value in (("core.autocrlf", "true"), ("core.attributesFile", str(tmp_path / "attributes"))):
        projects.git(tmp_path, "config", "--file", str(tmp_path / "config"), name, value)
    environ = {"GIT_CONFIG_GLOBAL": str(tmp_path / "config"), "PATH": os.environ["PATH"]}
    repository = Repository(repo.folder, repo.folder, environ)
    copy = checked_out(repository, repository.head, tmp_path / "copy")
    for name in ("README.md", "pyproject.toml"):
        assert (copy / name).read_bytes() == (repo.folder / name).read_bytes()
    assert projects.git(copy, "describe", "--dirty") == "v1.0.0"
    assert projects.git(copy, "remote", "get-url", "origin") == str(repo.remote)


def test_submodules_are_those_that_are_checked_out_and_nothing_is_fetched(repo: Repo, tmp_path: Path) -> None:
    """One with a relative address, with one of its own in it; the places that they came from are gone."""
    allowed = ("-c", "protocol.file.allow=always")
    inner, outer = (projects.repo(tmp_path / name) for name in ("inner", "outer"))
    outer.git(*allowed, "submodule", "--quiet", "add", str(inner.remote), "deep/inner")
    outer.commit()
    outer.git("push", "--quiet", "origin", "main")
    repo.git(*allowed, "submodule", "--quiet", "add", "../outer/remote.git", "vendor/outer")
    repo.commit()
    with pytest.raises(UsageError, match="is not there") as refused:
        checked_out(repo.repository, "HEAD", tmp_path / "lacks")
    repo.git(*allowed, *refused.value.problems[0].fix.split("`")[1].split()[1:])
    for one in (inner, outer):
        one.remote.rename(one.remote.with_name("gone"))
    copy = checked_out(repo.repository, "HEAD", tmp_path / "copy")
    assert (copy / "vendor/outer/deep/inner/README.md").read_text() == "# demo-tools\n\nTools.\n"
    assert projects.git(copy, "status", "--porcelain") == ""
    assert "vendor/outer/deep/inner/README.md" in projects.git(copy, "ls-files", "--recurse-submodules").split()


def test_a_folder_of_another_user_is_opened_where_it_is_trusted_and_else_the_way_is_told(
    repo: Repo, tmp_path: Path
) -> None:
    require(os.geteuid() == 0, "to give a folder to another user takes root: run the tests as root")
    for folder, folders, names in os.walk(repo.folder):
        for name in (".", *folders, *names):
            os.chown(Path(folder, name), 12345, 12345)
    environ = {"GIT_CONFIG_GLOBAL": str(tmp_path / "config"), "PATH": os.environ["PATH"]}
    probe = Repository(repo.folder, repo.folder, environ)
    with pytest.raises(UsageError, match="another user's") as refused:
        Repository.of(repo.folder, environ)
    probe.run(*shlex.split(refused.value.problems[0].fix.split("`")[1])[1:])
    repository = Repository.of(repo.folder, environ)
    assert (checked_out(repository, repository.head, tmp_path / "copy") / "pyproject.toml").is_file()
