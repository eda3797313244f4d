"""What is an environment, for which Python, and what it calls itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from venvbuild.errors import UsageError
from venvbuild.foreign.environment import recognised


def environment(folder: Path, configuration: str, *versions: str, activate: str = "") -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/activate").write_text(activate)
    (folder / "pyvenv.cfg").write_text(configuration)
    for version in versions:
        (folder / f"lib/python{version}/site-packages").mkdir(parents=True)
    return folder


@pytest.mark.parametrize(
    ("configuration", "version", "full_version"),
    [
        ("home = /x\nversion = 3.8.18\n", "3.8", "3.8.18"),
        ("HOME=/x\nversion_info=3.8.18.final.0\n", "3.8", "3.8.18"),
        ("version_info = 3.8.0rc1\n", "3.8", "3.8.0rc1"),
        ("home = /x\n", "3.8", None),
    ],
    ids=["venv", "virtualenv", "pre-release", "told by lib only"],
)
def test_the_python_is_told_by_pyvenv_cfg_or_by_lib(
    tmp_path: Path, configuration: str, version: str, full_version: str | None
) -> None:
    found = recognised(environment(tmp_path / "env", configuration, "3.8"))
    assert (found.python_version, found.python_full_version) == (version, full_version)
    assert found.home in (Path("/x"), None)


@pytest.mark.parametrize(
    ("configuration", "versions", "words"),
    [
        ("version = 3.12.1\n", ["3.11"], "for Python 3.12.*packages for Python 3.11"),
        ("home = /x\n", ["3.11", "3.9"], "does not say.*3.11, 3.9"),
        ("version = 3.7.16\n", ["3.7"], "for Python 3.7.*3.8 or newer"),
        ("version = 3.8.0\n", [], "no lib/pythonX.Y/site-packages"),
        ("version = 3.14.1\n", ["3.14t"], "for a free-threaded Python, 3.14t.*make it with the usual Python 3.14"),
        ("home = /x\n", ["3.14t"], "for a free-threaded Python, 3.14t"),
        ("home = /x\n", ["3.x", "3.14.1"], "no lib/pythonX.Y/site-packages"),
    ],
)
def test_a_python_that_does_not_fit_is_refused(
    tmp_path: Path, configuration: str, versions: list[str], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        recognised(environment(tmp_path / "env", configuration, *versions))


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ('VIRTUAL_ENV="/made here"', "/made here"),
        ("VIRTUAL_ENV='/made here'", "/made here"),
        ("        export VIRTUAL_ENV=/made", "/made"),
        ('VIRTUAL_ENV=\'\'"$(dirname -- "$(dirname -- "$(realpath -- "$SCRIPT_PATH")")")"\'\'', None),
        ('VIRTUAL_ENV=$(cygpath "/made")', None),
        ("VIRTUAL_ENV='", None),
    ],
)
def test_it_knows_itself_by_each_path_it_ever_had(tmp_path: Path, line: str, place: str | None) -> None:
    environment(tmp_path / "real", "version = 3.9.1\n", "3.9", activate=f"x=1\n{line}\n")
    (tmp_path / "link").symlink_to("real")
    names = recognised(tmp_path / "link").names
    assert names == (str(tmp_path / "link"), str(tmp_path / "real"), *([place] if place else []))


@pytest.mark.parametrize(
    ("command", "place"),
    [
        ("/usr/bin/python3 -m venv /srv/ws/venv", "/srv/ws/venv"),
        ("/usr/bin/python3 -m venv --without-pip --prompt=x /srv/my ws/venv/", "/srv/my ws/venv"),
        ("/usr/bin/python3 -m venv $HOME/venv", None),
        ("/usr/bin/python3 -m other /srv/ws/venv", None),
    ],
)
def test_it_is_also_known_by_where_the_venv_module_made_it(tmp_path: Path, command: str, place: str | None) -> None:
    found = recognised(environment(tmp_path / "env", f"version = 3.11.7\ncommand = {command}\n", "3.11"))
    assert set(found.names) == {str(tmp_path / "env"), *([place] if place else [])}


def test_a_path_is_inside_under_any_of_its_names(tmp_path: Path) -> None:
    activate = "VIRTUAL_ENV=/srv/venv\n"
    found = recognised(environment(tmp_path / "env", "version = 3.11.7\n", "3.11", activate=activate))
    assert found.inside("/srv/venv/lib/../bin/x") == "bin/x"
    assert found.inside(str(tmp_path / "env")) == ""
    for outside in ("/srv/venv2/x", "/srv/venv/../x", "srv/venv/x", "/srv"):
        assert found.inside(outside) is None


def test_a_folder_of_a_free_threaded_python_beside_is_not_looked_at(tmp_path: Path) -> None:
    found = recognised(environment(tmp_path / "env", "version = 3.14.1\n", "3.14", "3.14t"))
    assert found.python_version == "3.14"
