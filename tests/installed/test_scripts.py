"""Scripts that named a place: they start wherever they are, and are to Python what they were."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.requirement import require
from venvbuild.installed import relocated_scripts, started_scripts
from venvbuild.installed.scripts import Script, behind_header, script_of

LONG = "/" + "d" * 130
BESIDE = '"$(dirname -- "$(realpath -- "$0")")"/'


def octal(text: str) -> str:
    """As uv spells what an encoding might change."""
    return '"$(printf %b' + "".join(f" '\\'{ord(one):04o}" for one in text) + ')"'


def by_sh(quoted: str, coding: str = "") -> str:
    return f"#!/bin/sh\n{coding}'''exec' {quoted} \"$0\" \"$@\"\n' '''\n"


@pytest.mark.parametrize(
    ("header", "venv", "options"),
    [
        pytest.param("#!/env/bin/python\n", "/env", "", id="plain"),
        pytest.param("#!/env/bin/python3.13t\n", "/env", "", id="free-threaded"),
        pytest.param("#!/env/bin/python3.11 -sE\n", "/env", "-sE", id="with an option"),
        pytest.param("#!/a b/bin/python\n", "/a b", "", id="pip's, which no kernel starts"),
        pytest.param(by_sh(f"{LONG}/bin/python"), LONG, "", id="long"),
        pytest.param(by_sh(f"{LONG}/bin/python -I"), LONG, "-I", id="long, with an option"),
        pytest.param(by_sh('"/a b/bin/python"'), "/a b", "", id="double quotes"),
        pytest.param(by_sh("'/a b/bin/python'"), "/a b", "", id="single quotes"),
        pytest.param(by_sh("'/it'\"'\"'s/bin/python3'"), "/it's", "", id="a quote in it"),
        pytest.param(by_sh("'/a b/bin/python'", "# coding: latin-1\n"), "/a b", "", id="an encoding"),
        pytest.param(by_sh(octal("/a b/bin/python"), "# coding: cp1252\n"), "/a b", "", id="in octal"),
        pytest.param(by_sh(f"{BESIDE}'python'"), "/nowhere", "", id="uv's, relocatable"),
        pytest.param(by_sh(f"{BESIDE}'python3' -sE"), "/nowhere", "-sE", id="our earlier one"),
        pytest.param(by_sh(BESIDE + octal("python"), "# coding: utf-8\n"), "/nowhere", "", id="uv's, with an encoding"),
    ],
)  # fmt: skip
def test_each_way_to_name_a_python_is_read(header: str, venv: str, options: str) -> None:
    body = b"# -*- coding: latin-1 -*-\r\n'''exec' \"$0\" \xe9\n"
    assert script_of(header.encode() + body, ["/other", venv]) == Script(options, body)
    assert behind_header(header.encode() + body) == body


@pytest.mark.parametrize(
    "script",
    ["#!/bin/sh\necho\n", "#!/usr/bin/env python\n", "#!/env/bin/python-config\n", "#!/env/bin/python -E; rm -r /\n",
     "#!/environment/bin/python\n", "#!/env/bin/node\n", "no script", "", by_sh("'unclosed"), by_sh("python"),
     by_sh(f"{BESIDE}'node'"), by_sh(f"{BESIDE}../lib/'python'")],
)  # fmt: skip
def test_other_scripts_are_left(script: str) -> None:
    assert script_of(script.encode(), ["/env"]) is None


# --- how it is started


def make(venv: Path, **scripts: bytes) -> Path:
    """An environment of the Python that runs the tests, with scripts that name it, made relocatable."""
    (venv / "bin").mkdir(parents=True)
    (venv / "bin/python").symlink_to(sys.executable)
    (venv / "pyvenv.cfg").write_text(f"home = {os.path.dirname(os.path.realpath(sys.executable))}\n")
    for name, body in scripts.items():
        (venv / "bin" / name).write_bytes(b"#!%s/bin/python\n%s" % (os.fsencode(venv), body))
        (venv / "bin" / name).chmod(0o755)
    write(venv)
    return venv


def write(venv: Path) -> None:
    found = relocated_scripts(venv, [str(venv)])
    assert found.problems == ()
    (venv / "_scripts").mkdir(exist_ok=True)
    for name, content, mode in (file for one in found.scripts for file in one.files):
        (venv / name).write_bytes(content)
        (venv / name).chmod(mode)


SHELLS = (("dash",), ("busybox", "sh"), ("bash",), ("bash", "--posix", "-eu"), ("zsh",))
ODD = "v $(x)\n"
NAMES = ("tool", "-dash", "sp ace", "näme", "line\nend\n")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with links of all kinds to the scripts of an environment whose Python says how it was called."""
    folder = tmp_path_factory.mktemp("a place")
    (folder / ODD).mkdir()
    venv = make(folder / "venv", **dict.fromkeys(NAMES, b"")).rename(folder / ODD / "venv")
    (venv / "bin/python").unlink()
    (venv / "bin/python").write_text('#!/bin/sh\nprintf "<%s>" "$0" "$@" "${p-}" "${l-}"\n')
    (venv / "bin/python").chmod(0o755)
    for name in ("one", "two/deep", "of bin"):
        (folder / name).mkdir(parents=True)
    (folder / "one/absolute").symlink_to(venv / "bin/tool")
    (folder / "two/deep/relative").symlink_to("../../one/absolute")
    (folder / "third").symlink_to(folder / "two/deep/relative")
    (folder / "here").symlink_to("third")
    (folder / "-h").symlink_to("here")
    (folder / "lines").symlink_to("ends\n\n")
    (folder / "ends\n\n").symlink_to(venv / "bin/line\nend\n")
    (folder / "two/deep/straight").symlink_to(f"../../{ODD}/venv/bin/tool")
    (folder / "linked").symlink_to("two/deep")
    (folder / "-d").symlink_to(venv / "bin")
    (folder / "bin").symlink_to(venv / "bin")
    (folder / "venv").symlink_to(venv)
    return folder


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_it_finds_the_python_beside_it_through_links_of_all_kinds(place: Path, shell: tuple[str, ...]) -> None:
    require(shutil.which(shell[0]), f"there is no {shell[0]} here")
    venv = place / ODD / "venv"
    links = ("one/absolute", "two/deep/relative", "third", "./here", "./-h", "lines", "linked/relative",
             "linked/straight", "bin/tool", "venv/bin/sp ace")  # fmt: skip
    called = [(str(place / link), place) for link in links] + [(link, place) for link in links]
    called += [(str(venv / "bin" / name), place) for name in NAMES] + [
        ("./-dash", venv / "bin"),
        ("bin/tool", venv),
        ("-d/tool", place),
    ]
    env = {"PATH": "/usr/bin:/bin", "p": "mine", "l": "too", "IFS": "/", "CDPATH": f"{venv}:/usr:.", "ENV": "/x"}
    for path, cwd in called:
        command = [*shell, *(["--"] if path[0] == "-" else []), path, "a  b", ""]
        done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
        named = path if "/" in path and path[0] != "-" else f"./{path}"
        expected = f"<{venv}/bin/python><{named}><a  b><><mine><too>"
        assert (done.stdout, done.stderr) == (expected, ""), path


@pytest.mark.parametrize("part", ["{bin}", "", ".", "./", "../bin"])
def test_it_is_found_by_any_kind_of_path(place: Path, part: str) -> None:
    folder = place / ODD / "venv" / "bin"
    path = f"{part.format(bin=folder)}:/usr/bin:/bin"
    for shell in ("dash", "bash"):
        done = subprocess.run([shell, "-c", "tool x"], cwd=folder, env={"PATH": path}, capture_output=True, text=True,
                              check=False)  # fmt: skip
        assert done.stdout.startswith(f"<{folder}/python><"), done.stderr
        assert done.stdout.endswith("tool><x><><>")
    env = {"PATH": f"{folder}:{path}"}
    by_name = subprocess.run(["bash", "tool"], cwd="/", env=env, capture_output=True, text=True, check=False)
    assert by_name.stdout == f"<{folder}/python><{folder}/tool><><>"


def test_where_no_python_is_nothing_else_is_started(tmp_path: Path) -> None:
    venv = make(tmp_path / "venv", tool=b"print('started')\n")
    (venv / "bin/python").unlink()
    done = subprocess.run([venv / "bin/tool"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (127, "")
    assert f"{venv}/bin/python" in done.stderr


# --- what it is to Python

SEEN = """
import os, sys
frame = sys._getframe()
print([__doc__, __name__, __file__, sys.argv, sys.path[0], frame.f_lineno, sorted(globals()), sys.prefix == PREFIX])
"""


def test_a_script_sees_what_it_would_see_in_an_ordinary_environment(tmp_path: Path) -> None:
    script = b'"""Doc."""\nfrom __future__ import annotations\nPREFIX = %r' % str(tmp_path / "venv") + SEEN.encode()
    venv = make(tmp_path / "venv", one=script, two=b"PREFIX = 1" + SEEN.encode())
    ordinary = tmp_path / "ordinary"
    shutil.copytree(venv, ordinary, symlinks=True)
    for name in ("one", "two"):
        text = (venv / "_scripts" / name).read_bytes().replace(b"#!python", b"#!%s/bin/python" % os.fsencode(ordinary))
        (ordinary / "bin" / name).write_bytes(text.replace(os.fsencode(venv), os.fsencode(ordinary)))
        (tmp_path / f"link {name}").symlink_to(ordinary / "bin" / name)
        expected = [told(tmp_path / f"link {name}", "x"), told(ordinary / "bin/python", ordinary / "bin" / name)]
        (tmp_path / f"link {name}").unlink()
        (tmp_path / f"link {name}").symlink_to(venv / "bin" / name)
        found = [told(tmp_path / f"link {name}", "x"), told(venv / "bin/python", venv / "bin" / name)]
        assert found == [one.replace(str(ordinary), str(venv)) for one in expected]


def told(*command: str | Path, **env: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **env})
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_scripts_import_each_other_are_spawned_and_pickled(tmp_path: Path) -> None:
    spawns = b"""
import multiprocessing, os, pickle, sys
import helper, plain
try: import broken
except ZeroDivisionError: DATA = "/data"
def double(x): return 2 * x
if __name__ == "__main__":
    assert pickle.loads(pickle.dumps(double)) is double
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(double, [1, helper.TWO, plain.THREE]), open(os.path.dirname(__file__) + DATA).read())
"""
    venv = make(tmp_path / "venv", **{"spawns": spawns, "helper.py": b"TWO = 2\n", "broken.py": b"1 / 0\n"})
    (venv / "bin/plain.py").write_text("THREE = 3\n")
    (venv / "bin/data").write_text("here")
    assert told(venv / "bin/spawns") == "[2, 4, 6] here\n"


FAILING = {
    "plainly": b'"""Doc."""\n\ndef f(): 1 / 0  # here\nf()\n',
    "chained": b"try: {}[1]\nexcept KeyError as e: raise ValueError('x') from e\n",
    "syntax": b"print('x')\nprint 2\n",
    "latin": b"x = '\xe9'\n",
    "hooked": b"import sys\nsys.excepthook = lambda *about: print(about[0], about[2].tb_lineno)\n1 / 0\n",
    "hook of Python": b"import sys\nassert sys.excepthook is not sys.__excepthook__\n",
    "exits": b"import atexit\natexit.register(print, 'late')\nraise SystemExit('with words')\n",
    "exits with a number": b"exit(7)\n",
    "interrupted": b"import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nprint('not here')\n",
    "cancelled": b"import asyncio, atexit\natexit.register(print, 'late')\nraise asyncio.CancelledError('x')\n",
    "in a thread": b"import threading\nt = threading.Thread(target=lambda: 1 / 0, name='t')\nt.start(); t.join()\n",
    "warned": b"import warnings\nwarnings.warn('careful', DeprecationWarning)\n",
}


def test_an_error_is_told_as_of_an_ordinary_script(tmp_path: Path) -> None:
    venv = make(tmp_path / "venv", **FAILING)
    for name in FAILING:
        (tmp_path / name).write_bytes((venv / "_scripts" / name).read_bytes())
        plain = subprocess.run([venv / "bin/python", tmp_path / name], capture_output=True, text=True, check=False)
        done = subprocess.run([venv / "bin" / name], capture_output=True, text=True, check=False)
        stderr = done.stderr.replace(f"{venv}/_scripts/", f"{tmp_path}/")
        if name == "interrupted":  # Python itself tells it
            stderr = plain.stderr
        if name != "latin":  # Python words it otherwise where it reads from memory
            assert stderr == plain.stderr
        assert (done.returncode, done.stdout) == (plain.returncode, plain.stdout), done.stderr


def test_a_zip_that_python_runs_stays_one_file(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "app", "w") as app:
        app.writestr("__main__.py", "import sys; print(sys.argv, sys.flags.no_user_site)")
    venv = make(tmp_path / "venv")
    content = b"#!%s/bin/python -s\n" % os.fsencode(venv)
    (venv / "bin/app").write_bytes(content + (tmp_path / "app").read_bytes())
    (venv / "bin/app").chmod(0o755)
    write(venv)
    assert told(venv / "bin/app", "x") == f"['{venv}/bin/app', 'x'] 1\n"
    assert told(venv / "bin/python", venv / "bin/app") == f"['{venv}/bin/app'] 0\n"
    assert not (venv / "_scripts/app").exists()


def test_options_are_kept(tmp_path: Path) -> None:
    venv = make(tmp_path / "venv")
    flags = b"import sys; print(sys.flags.no_user_site, sys.flags.ignore_environment)\n"
    (venv / "bin/flags").write_bytes(b"#!%s/bin/python -sE\n%s" % (os.fsencode(venv), flags))
    (venv / "bin/flags").chmod(0o755)
    write(venv)
    assert told(venv / "bin/flags") == "1 1\n"
    assert (venv / "_scripts/flags").read_bytes() == b"#!python -sE\n" + flags


# --- what stands in the way, and what is there already


def test_what_was_rewritten_is_left_the_second_time(tmp_path: Path) -> None:
    venv = make(tmp_path / "venv", tool=b"x\n")
    assert relocated_scripts(venv, [str(venv)]).scripts == ()


@pytest.mark.parametrize(
    ("there", "what"),
    [
        ({"_scripts/tool": "theirs"}, ["_scripts/tool is there already, where the script tool has to be"]),
        ({"_scripts": "theirs"}, ["_scripts is there already, where the script other has to be"]),
        ({"_scripts/else": "theirs"}, []),
    ],
    ids=["a file of the name", "a file for the folder", "another file"],
)
def test_what_a_package_has_where_a_script_has_to_be_is_named(
    tmp_path: Path, there: Mapping[str, str], what: list[str]
) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("tool", "other"):
        (tmp_path / "bin" / name).write_text(f"#!{tmp_path}/bin/python\n")
    for name, text in there.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    found = relocated_scripts(tmp_path, [str(tmp_path)])
    assert [one.what for one in found.problems] == what
    for name in there:  # what the fix says
        (tmp_path / name).unlink()
    assert relocated_scripts(tmp_path, [str(tmp_path)]).problems == ()


def test_a_link_for_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/tool").write_text(f"#!{tmp_path}/bin/python\n")
    (tmp_path / "_scripts").symlink_to("bin")
    assert [one.what for one in relocated_scripts(tmp_path, [str(tmp_path)]).problems] != []


def test_what_python_reads_of_each_script_is_told(tmp_path: Path) -> None:
    venv = make(tmp_path / "venv", **{"new": b"x\n", "lost": b"", "-sE": b""})
    (venv / "_scripts/lost").unlink()
    old = by_sh(f"{BESIDE}'python' -sE").encode() + b"y\n"
    (venv / "bin/old").write_bytes(old)
    (venv / "bin/other").write_bytes(b"#!/bin/sh\n")
    read, problems = started_scripts(venv)
    assert read["bin/new"] == (b"#!python\nx\n",) * 2
    assert read["bin/old"] == (b"#\ny\n", old)
    assert set(read) == {"bin/new", "bin/old", "bin/-sE"}
    assert [one.what for one in problems] == ["bin/lost starts _scripts/lost, which is not there"]
