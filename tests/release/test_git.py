"""git as a release needs it: annotated tags, branch and tag pushed together, and nobody asked anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import projects
from tests.support.projects import Repo
from venvbuild.errors import IndexUnavailable, UsageError
from venvbuild.release import Repository


def test_create_git_tag_with_annotation(repo: Repo) -> None:
    """Here and on the remote it is an object of its own, and says who made it and why."""
    repo.write("new.txt", "new")
    repo.commit()
    repository = repo.repository
    repository.tag("v1.1.0", "Release 1.1.0")
    repository.push("main", "v1.1.0")
    for ask in (repo.git, repo.at_remote):
        assert ask("cat-file", "-t", "v1.1.0") == "tag"
        assert "Somebody" in ask("cat-file", "-p", "v1.1.0")
        assert ask("rev-parse", "v1.1.0^{commit}") == repo.git("rev-parse", "HEAD")
    assert repo.at_remote("rev-parse", "main") == repo.git("rev-parse", "HEAD")


def test_a_hook_that_refuses_the_tag_keeps_the_branch_too_and_its_words_are_shown(repo: Repo) -> None:
    hook = repo.remote / "hooks" / "update"
    hook.write_text('#!/bin/sh\ncase $1 in refs/tags/*) echo "tags are made on Fridays" >&2; exit 1;; esac\n')
    hook.chmod(0o755)
    before = repo.at_remote("rev-parse", "main")
    repo.write("new.txt", "new")
    repo.commit()
    repo.repository.tag("v1.1.0", "Release 1.1.0")
    with pytest.raises(UsageError, match="tags are made on Fridays"):
        repo.repository.push("main", "v1.1.0")
    assert repo.at_remote("rev-parse", "main") == before
    hook.unlink()
    repo.repository.push("main", "v1.1.0")
    repo.repository.push("main", "v1.1.0")  # once more: it is there
    assert repo.at_remote("tag") == "v1.0.0\nv1.1.0"


def test_a_remote_that_is_away_may_come_back_and_one_that_is_none_may_not(repo: Repo) -> None:
    repo.git("remote", "set-url", "origin", "http://127.0.0.1:1/x.git")
    with pytest.raises(IndexUnavailable):
        repo.repository.on_remote("main", "v1.0.0")
    repo.git("remote", "set-url", "origin", str(repo.folder / "none"))
    with pytest.raises(UsageError):
        repo.repository.on_remote("main", "v1.0.0")


def test_what_is_changed_is_told_by_its_path_but_not_what_is_built(repo: Repo) -> None:
    repo.git("rm", "--cached", "--quiet", ".gitignore")
    repo.git("commit", "--quiet", "--message", "Do not ignore")
    repo.write("dist/x.whl", "")
    repo.write("new\nline.txt", "")
    repo.git("mv", "README.md", "READ ME.md")
    assert sorted(repo.repository.changed()) == [".gitignore", "READ ME.md", "new\nline.txt"]


def test_variables_of_a_hook_do_not_lead_to_another_repository(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nonexistent")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Another")
    repo.write("README.md", "changed")
    repository = repo.repository
    repository.commit("Change it", ["README.md"])
    assert repository.ask("log", "-1", "--format=%an") == "Another"


def test_without_a_repository_a_commit_or_a_name_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="git init"):
        Repository.of(tmp_path)
    projects.git(tmp_path, "init", "--quiet")
    with pytest.raises(UsageError, match="no commit"):
        Repository.of(tmp_path)


def test_a_tag_is_not_made_twice_nor_signed_without_a_key(repo: Repo) -> None:
    with pytest.raises(UsageError, match="already exists"):
        repo.repository.tag("v1.0.0", "Again")
    repo.git("config", "user.signingKey", "/nonexistent")
    repo.git("config", "gpg.format", "ssh")
    with pytest.raises(UsageError, match="--sign-tag"):
        repo.repository.tag("v2.0.0", "Signed", signed=True)
    repo.git("config", "tag.gpgSign", "true")
    repo.repository.tag("v2.0.0", "Not signed")
    assert repo.repository.is_annotated("v2.0.0")


def test_settings_of_the_user_change_nothing_of_what_is_read_or_pushed(repo: Repo) -> None:
    """Each of these made a wrong version, a public tag, or a traceback."""
    for name, value in (
        ("log.showSignature", "true"),
        ("log.decorate", "full"),
        ("color.ui", "always"),
        ("column.ui", "always"),
        ("tag.sort", "-refname"),
        ("push.followTags", "true"),
        ("commit.cleanup", "strip"),
    ):
        repo.git("config", name, value)
    plain = repo.git("cat-file", "-p", "HEAD")
    signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n none\n -----END PGP SIGNATURE-----"
    signed = repo.folder.parent / "signed"
    signed.write_bytes(plain.replace("\n\n", f"\n{signature}\n\n", 1).encode() + b"\n")
    commit = repo.git("hash-object", "-t", "commit", "-w", str(signed))
    assert repo.git("log", "-1", "--format=%ct", commit) != plain.splitlines()[2].split()[-2]
    assert repo.repository.time_of(commit) == int(plain.splitlines()[2].split()[-2])
    for number in range(1, 30):
        repo.git("tag", "--annotate", "--message", "Mine", f"private-{number:02}")
    assert repo.repository.tags() == (*(f"private-{number:02}" for number in range(1, 30)), "v1.0.0")
    repo.write("new.txt", "new")
    repo.git("add", "--all")
    repo.repository.commit("# one\ntwo", ["new.txt"])
    repo.repository.tag("v1.1.0", "# one\ntwo")
    repo.repository.push("main", "v1.1.0")
    assert repo.at_remote("tag").split() == ["v1.0.0", "v1.1.0"]
    for name in ("HEAD", "v1.1.0"):
        assert repo.git("cat-file", "-p", name).partition("\n\n")[2] == "# one\ntwo"


def test_a_refused_push_says_the_hook_first_what_stays_and_how_to_go_on(repo: Repo) -> None:
    hook = repo.remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'frozen until Monday' >&2\nexit 1\n")
    hook.chmod(0o755)
    repo.write("new.txt", "new")
    repo.commit()
    repo.repository.tag("v1.1.0", "Release 1.1.0")
    with pytest.raises(UsageError) as refused:
        repo.repository.push("main", "v1.1.0")
    [problem] = refused.value.problems
    assert problem.why.startswith("frozen until Monday; main: [remote rejected]")
    assert "\\t" not in problem.why
    assert "main and the tag v1.1.0 stay here" in problem.fix
    hook.unlink()
    repo.git(*problem.fix.split("`")[1].split()[1:])
    assert repo.at_remote("rev-parse", "main", "v1.1.0^{commit}").split() == [repo.git("rev-parse", "HEAD")] * 2
