"""Where a release stands, by git and dist alone: yes, no, or a conflict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from packaging.version import Version

from tests.support import projects
from tests.support.projects import Repo
from venvbuild.errors import IntegrityError, UsageError
from venvbuild.release import BuiltFile, Manifest, released_at_head, require_new, require_tag, stands
from venvbuild.release.changelog import Changelog
from venvbuild.release.index import Found, Presence
from venvbuild.release.manifest import described
from venvbuild.release.standing import Standing

NEXT = Version("1.1.0")


def committed(repo: Repo) -> None:
    """As `bump` commits it, without asking a build backend."""
    changelog = Changelog.read(repo.folder / "CHANGELOG.md")
    for place in [one for one in (repo.project.place, *repo.project.also) if one]:
        repo.write(place.file, place.edited(str(NEXT)).decode())
    if changelog:
        repo.write("CHANGELOG.md", changelog.released(NEXT, date(2026, 11, 28), "v1.1.0"))
    repo.commit("Release 1.1.0")


def in_dist(repo: Repo, **more: str) -> Manifest:
    """Two files with the manifest that a build of HEAD writes."""
    dist = repo.folder / "dist"
    dist.mkdir(exist_ok=True)
    files: list[BuiltFile] = []
    for name, kind in (("demo_tools-1.1.0-py3-none-any.whl", "wheel"), ("demo_tools-1.1.0.tar.gz", "sdist")):
        (dist / name).write_text(name)
        files.append(described(dist / name, kind))  # type: ignore[arg-type]
    made = Manifest("demo-tools", "1.1.0", repo.git("rev-parse", "HEAD"), "v1.1.0", (), tuple(files))
    made = replace(made, **more)  # type: ignore[arg-type]
    made.write(dist)
    return made


def now(repo: Repo) -> Standing:
    return stands(repo.source, NEXT, None, asks_remote=True)


@pytest.mark.parametrize("make", [projects.seed, projects.hatchling, projects.setup_cfg, projects.flit])
@pytest.mark.parametrize("changelog", [True, False])
def test_a_release_is_known_by_its_commit_and_by_its_tag(
    make: Callable[[Path], None], changelog: bool, tmp_path: Path
) -> None:
    repo = projects.repo(tmp_path, make)
    if not changelog:
        (repo.folder / "CHANGELOG.md").unlink()
    repo.write("more.txt", "")
    repo.commit()
    assert released_at_head(repo.source) is None
    committed(repo)
    assert released_at_head(repo.source) == NEXT
    repo.write("README.md", "# Later\n")
    repo.git("commit", "--quiet", "--all", "--amend", "--no-edit")
    assert released_at_head(repo.source) is None  # it changes more than a release does
    repo.git("tag", "v1.1.0")
    assert released_at_head(repo.source) == NEXT


def test_each_step_answers_yes_no_or_conflict(repo: Repo) -> None:
    committed(repo)
    assert now(repo).as_words() == "committed"
    made = in_dist(repo, tag="")
    repo.git("tag", "-a", "-m", "x", "v1.1.0")
    assert now(repo).as_words() == "committed, tagged"  # what was built before the tag is built again
    in_dist(repo, commit="1f2e3d4c" * 5)
    assert now(repo).built is None
    made = in_dist(repo)
    assert now(repo).built == made
    repo.git("push", "--quiet", "origin", "v1.1.0")
    assert now(repo).is_pushed is False  # without its branch
    repo.git("push", "--quiet", "origin", "main")
    assert now(repo).as_words() == "committed, tagged, built, pushed"
    (repo.folder / "dist" / made.files[0].filename).write_text("other")
    with pytest.raises(IntegrityError, match="other bytes"):
        now(repo)
    in_dist(repo)
    repo.git("tag", "--force", "-a", "-m", "again", "v1.1.0")
    with pytest.raises(IntegrityError, match="origin has"):
        now(repo)
    repo.git("tag", "--force", "-a", "-m", "again", "v1.1.0", "HEAD^")
    with pytest.raises(IntegrityError, match="HEAD is at"):
        now(repo)


def test_what_the_index_has_is_told_by_kind(repo: Repo) -> None:
    made = in_dist(repo)
    found = {one: Found(Presence.SAME if one.kind == "wheel" else Presence.ABSENT) for one in made.files}
    standing = Standing(NEXT, True, made, True, found)
    assert standing.is_public
    assert standing.as_words() == "committed, tagged, built, pushed; wheel on the index (same bytes), sdist not"


def test_a_release_that_waits_for_its_tag_or_its_push_is_told_with_the_next_command(repo: Repo) -> None:
    def waits() -> str:
        try:
            require_new(repo.source, Changelog.read(repo.folder / "CHANGELOG.md"))
        except UsageError as error:
            return f"{error.problems[0].what} | {error.problems[0].fix}"
        return ""

    assert waits() == ""
    committed(repo)
    assert waits().startswith("HEAD is 1.1.0 already, which has no tag yet | `venvbuild release tag` makes v1.1.0; ")
    repo.git("tag", "-a", "-m", "x", "v1.1.0")
    what, _, fix = waits().partition(" | ")
    assert what == "HEAD is 1.1.0 already, and origin does not have v1.1.0"
    text = (repo.folder / "CHANGELOG.md").read_text()
    repo.write("CHANGELOG.md", text.replace("## [Unreleased]\n", "## [Unreleased]\n\n- New.\n", 1))
    assert waits() == ""  # there is something for another one
    repo.write("CHANGELOG.md", text)
    repo.git("remote", "set-url", "origin", str(repo.folder / "none"))
    assert waits() == ""  # preflight tells that, too
    repo.git("remote", "set-url", "origin", str(repo.remote))
    repo.git(*fix.split("`")[1].split()[1:])
    assert waits() == ""
    assert repo.at_remote("rev-parse", "main", "v1.1.0^{commit}").split() == [repo.git("rev-parse", "HEAD")] * 2


def test_a_tag_must_be_of_the_version_that_is_checked_out(repo: Repo) -> None:
    assert require_tag(repo.source) == Version("1.0.0")
    repo.git("tag", "-d", "v1.0.0")
    repo.git("tag", "v9.0.0")
    with pytest.raises(UsageError, match=r"the project is 1.0.0, and v1.0.0 is no tag of HEAD"):
        require_tag(repo.source)
