"""From a file, or a build, to the judged ZIP: what is told on the way, and every way in which it fails."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.snowflake.test_native_loader import NATIVE, extension, run
from tests.support.index_server import IndexServer
from tests.support.tool import Tool
from tests.support.wheels import wheel
from venvbuild import retrying, settings
from venvbuild.errors import IndexUnavailable, IntegrityError, RequirementsRefused, ResolutionError, UsageError
from venvbuild.snowflake import MANIFEST, Bundle, ImportFailed, Wish, make_bundle, wanted, with_index

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
SOABI = f"cp{HERE.replace('.', '')}"
NATIVE_TAG = f"{SOABI}-{SOABI}-manylinux_2_17_x86_64"
WISH = Wish(Path("requirements.txt"), None, HERE, "x86_64", "refuse", None, None, "top", (), False)


class Maker:
    """A user's folder, an index, and what was told."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.told: list[tuple[str, str]] = []
        self.count = 0

    def make(self, *lines: str, environ: dict[str, str] | None = None, **wish: Any) -> Bundle:
        path = self.folder / "requirements.txt"
        path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        self.told.clear()
        self.count += 1
        place = self.folder / f"made-{self.count}"
        place.mkdir()
        seen = {**os.environ, "VENVBUILD_INDEX_URL": self.url, "UV_HTTP_RETRIES": "0", **(environ or {})}
        loaded = with_index(settings.load({}, seen), seen)
        asked_for = replace(WISH, **{"requirements": path, **wish})
        return make_bundle(asked_for, place, lambda step, text: self.told.append((step, text)), loaded, seen)

    @property
    def host(self) -> str:
        return self.url.split("/")[2]

    def said(self, step: str) -> list[str]:
        return [text for name, text in self.told if name == step]


@pytest.fixture
def maker(tmp_path: Path, index: IndexServer) -> Maker:
    wheel(index.folder, "tiny", "1.0", requires=["helper"])
    wheel(index.folder, "helper", "2.0", files={"helper/__init__.py": "", "helper/data.txt": "x"})
    return Maker(tmp_path, index.url())


@pytest.fixture
def native(maker: Maker, index: IndexServer) -> Maker:
    """With a distribution whose extension module is real, one that needs it, and one that does without."""
    module = extension()
    files: dict[str, str | bytes] = {
        "nat/__init__.py": "where = __file__\nimport nat._bisect\n",
        f"nat/{module.name}": module.read_bytes(),
    }
    wheel(index.folder, "nat", "1.0", tag=NATIVE_TAG, files=files)
    soft: dict[str, str | bytes] = {
        "soft/__init__.py": "try:\n    import soft._bisect\nexcept ImportError:\n    pass\n",
        f"soft/{module.name}": module.read_bytes(),
    }
    wheel(index.folder, "soft", "1.0", tag=NATIVE_TAG, files=soft)
    wheel(index.folder, "user", "1.0", requires=["nat"], files={"user.py": "import nat\n"})
    return maker


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "DELAYS_S", (0.0, 0.0))


def test_each_step_is_told_and_the_same_wheels_give_the_same_zip(maker: Maker) -> None:
    first = maker.make("tiny==1.0", is_default_python=True)
    name = f"app_packages-{first.content_sha256[:12]}.zip"
    [imported], size = maker.said("import"), maker.said("fetch")[0].split(", ")[1]
    assert maker.told[:4] == [
        ("check", f"1 pin, Python {HERE} for Snowflake (default), x86_64"),
        ("lock", "2 distributions, 1 of them not pinned by you (helper)"),
        ("fetch", f"2 wheels, {size}, 2 from the index, 0 from the cache; host: {maker.host}"),
        ("zip", f"{name}, 10 files, {first.size / 1e3:.1f} kB, content sha256 {first.content_sha256[:12]}..."),
    ]
    assert imported.startswith(f"2 modules import from the ZIP on Python {HERE}.")
    assert first.warnings == tuple(maker.said("warning"))
    assert first.warnings[0].startswith("helper==2.0 has 1 data file")
    second = maker.make("tiny==1.0")
    assert "0 from the index, 2 from the cache" in maker.said("fetch")[0]
    assert second.zip.read_bytes() == first.zip.read_bytes()
    assert (second.zip.name, second.sha256) == (name, first.sha256)


def test_the_manifest_says_what_is_inside_and_nothing_of_this_machine(maker: Maker) -> None:
    made = maker.make("tiny==1.0", zip_name="release_v1.zip", import_check="none")
    assert made.zip.name == "release_v1.zip"
    with zipfile.ZipFile(made.zip) as archive:
        assert archive.read(MANIFEST) == made.manifest
    manifest = json.loads(made.manifest)
    assert manifest["content_sha256"] == made.content_sha256
    assert manifest["target"] == {"python": HERE, "platform": "x86_64"}
    assert [(one["name"], one["verdict"], one["inside"]) for one in manifest["distributions"]] == [
        ("helper", "pure", True),
        ("tiny", "pure", True),
    ]
    assert str(maker.folder) not in made.manifest.decode()
    assert [(one.name, one.is_pinned, one.host) for one in made.distributions] == [
        ("helper", False, maker.host),
        ("tiny", True, maker.host),
    ]


def test_without_the_network_the_caches_will_do(maker: Maker, index: IndexServer) -> None:
    first = maker.make("tiny==1.0")
    maker.url = index.url().replace(f":{index.port}", ":1")  # another index has nothing in the cache
    with pytest.raises(IndexUnavailable):
        maker.make("tiny==1.0")
    maker.url = index.url()
    index._server.shutdown()
    index._server.server_close()
    second = maker.make("tiny==1.0")
    assert "the index does not answer: the set was resolved from uv's cache" in second.warnings
    assert second.sha256 == first.sha256


def test_a_version_that_was_withdrawn_is_told_with_its_line(maker: Maker, index: IndexServer) -> None:
    path = wheel(index.folder, "bad", "1.0")
    wheel(index.folder, "bad", "1.1")
    index.yanked[path.name] = "it eats data"
    made = maker.make("bad==1.0")
    [line] = made.warnings
    assert line.endswith(
        "requirements.txt:1: bad==1.0 is yanked; why: it eats data; fix: write bad==1.1, the nearest that is not"
    )


# --- native


def test_native_distributions_are_refused_with_what_was_measured_and_the_two_ways_out(native: Maker) -> None:
    with pytest.raises(ResolutionError) as refused:
        native.make("user==1.0", "soft==1.0")
    soft, nat = refused.value.problems
    assert soft.where.endswith("requirements.txt:2")
    assert "it imports without it, which is a silent, slower fallback at best" in soft.why
    assert nat.what.startswith("nat==1.0 is native (needed by user==1.0; 1 file, nat/_bisect.cpython-")
    assert nat.why == "Python cannot load it from a ZIP: ModuleNotFoundError: No module named 'nat._bisect'"
    assert "--native packages" in nat.fix
    assert "PACKAGES = ('nat==1.0', 'soft==1.0')" in nat.fix
    assert "--native ship" in nat.fix


def test_left_to_snowflake_they_are_not_inside_and_named(native: Maker) -> None:
    made = native.make("user==1.0", "soft==1.0", native="packages")
    assert (made.packages, made.is_shipping_native) == (("nat==1.0", "soft==1.0"), False)
    assert {one.name: one.is_inside for one in made.distributions} == {"nat": False, "soft": False, "user": True}
    with zipfile.ZipFile(made.zip) as archive:
        assert not [name for name in archive.namelist() if name.startswith(("nat", "soft", "_venvbuild"))]
    assert "NOT CHECKED, for they need what Snowflake installs (nat): user" in made.warnings


def test_what_only_they_need_goes_with_them_unless_it_is_pinned(native: Maker, index: IndexServer) -> None:
    files: dict[str, str | bytes] = {"frame/__init__.py": "", f"frame/{extension().name}": extension().read_bytes()}
    wheel(index.folder, "frame", "1.0", tag=NATIVE_TAG, files=files, requires=["dates", "zones", "helper"])
    wheel(index.folder, "dates", "1.0", requires=["six"])
    wheel(index.folder, "six", "1.0")
    wheel(index.folder, "zones", "1.0")
    made = native.make("frame==1.0", "tiny==1.0", "zones==1.0", native="packages", import_check="none")
    assert made.packages == ("frame==1.0",)
    inside = {one.name for one in made.distributions if one.is_inside}
    assert inside == {"helper", "tiny", "zones"}
    [said] = [warning for warning in made.warnings if "only what Snowflake installs needs it" in warning]
    assert said.endswith(": dates, six; pin what is to be in the ZIP")
    # followed to the letter
    made = native.make("frame==1.0", "dates==1.0", native="packages", import_check="none")
    assert {one.name for one in made.distributions if one.is_inside} == {"dates", "six"}


def test_pip_stays_out_unless_it_is_pinned(maker: Maker, index: IndexServer) -> None:
    wheel(index.folder, "piper", "1.0", requires=["pip", "helper"])
    made = maker.make("piper==1.0")
    assert [one.name for one in made.distributions] == ["helper", "piper"]
    assert "pip is not in the ZIP, for nobody pinned it, and is needed by piper==1.0" in made.warnings
    version = next(index.folder.glob("pip-*.whl")).name.split("-")[1]
    pinned = maker.make("piper==1.0", f"pip=={version}", import_check="none")
    assert [one.name for one in pinned.distributions] == ["helper", "pip", "piper"]
    assert not [warning for warning in pinned.warnings if "nobody pinned it" in warning]


def test_a_refused_wheel_is_named_by_its_own_name(maker: Maker, index: IndexServer) -> None:
    wheel(index.folder, "manif", "1.0", files={MANIFEST: "{}"})
    with pytest.raises(IntegrityError, match=r"^manif-1\.0-py3-none-any\.whl cannot be put into the ZIP: manif has"):
        maker.make("manif==1.0")


def test_shipped_they_import_through_the_loader(native: Maker, tmp_path: Path) -> None:
    made = native.make("user==1.0", "soft==1.0", native="ship")
    assert (made.packages, made.is_shipping_native) == ((), True)
    # both native modules among them, each from its own file
    assert native.said("import")[0].startswith("5 modules import from the ZIP")
    ended = run(made.zip, tmp_path / "t", f"{NATIVE}; import user, soft._bisect")
    assert ended.returncode == 0, ended.stderr
    assert any("no account has verified this" in warning for warning in made.warnings)


def test_shipped_for_another_machine_they_are_not_checked_and_said(native: Maker, index: IndexServer) -> None:
    arm = f"{SOABI}-{SOABI}-manylinux_2_17_aarch64"
    wheel(index.folder, "far", "1.0", tag=arm, files={"far/__init__.py": "", f"far/_c.{SOABI}.so": "no code at all"})
    made = native.make("far==1.0", "tiny==1.0", native="ship", platform="aarch64")
    assert "native modules are for another machine than this: whether they import is NOT CHECKED" in made.warnings
    assert native.said("import")[0].startswith("2 modules import")


def test_without_such_a_python_what_imports_is_not_checked_and_said(
    maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(maker.folder))
    monkeypatch.delenv("PYENV_ROOT", raising=False)
    made = maker.make("tiny==1.0", python="3.14")
    assert "there is no Python 3.14 here: whether the ZIP imports is NOT CHECKED" in made.warnings


# --- failures


@pytest.mark.parametrize(
    ("lines", "kind", "said"),
    [
        (["tiny"], RequirementsRefused, r"requirements\.txt:1: .*tiny==1\.0"),
        (["tiny==9.0"], ResolutionError, r"requirements\.txt:1: there is no version tiny==9\.0"),
        (["nowhere==1.0"], ResolutionError, r"requirements\.txt:1: there is no package 'nowhere'"),
        (
            ["windows==1.0"],
            ResolutionError,
            r"requirements\.txt:1: windows==1\.0 has no wheel .*; fix: pin windows==0\.9$",
        ),
        (["older==1.0"], ResolutionError, r"take a Python that it has a wheel for: --python 3\.10$"),
        (["oldest==1.0"], ResolutionError, "leave it out: no version of it has a wheel for the target"),
        (["tiny==1.0; sys_platform == 'win32'"], RequirementsRefused, "no pin is for Python .* on linux_x86_64"),
        (["needy==1.0"], ResolutionError, r"the set cannot be resolved .* windows-only"),
        (
            ["tiny==1.0 --hash=sha256:" + "0" * 64, "helper==2.0 --hash=sha256:" + "0" * 64],
            IntegrityError,
            "the index has",
        ),
        (["bad==1.0"], ImportFailed, r"bad of bad==1\.0 does not import from the ZIP; why: NotADirectoryError"),
    ],
)
def test_what_cannot_be_in_the_zip_is_told_with_its_line(
    maker: Maker, index: IndexServer, lines: list[str], kind: type[Exception], said: str
) -> None:
    wheel(index.folder, "windows", "1.0", tag="cp311-cp311-win_amd64")
    wheel(index.folder, "windows", "0.9")
    wheel(index.folder, "windows-only", "1.0", tag="cp311-cp311-win_amd64")
    wheel(index.folder, "older", "1.0", tag="cp310-cp310-manylinux_2_17_x86_64")
    wheel(index.folder, "oldest", "1.0", tag="cp39-cp39-manylinux_2_17_x86_64")
    wheel(index.folder, "needy", "1.0", requires=["windows-only"])
    wheel(index.folder, "bad", "1.0", files={"bad.py": "open(__file__.replace('bad.py', 'x')).read()\n"})
    with pytest.raises(kind, match=said):
        maker.make(*lines)
    # nothing half-made, but for what imports not: that is kept
    made = [path.name for path in maker.folder.glob("made-*/*")]
    assert made == [] if kind is not ImportFailed else len(made) == 1 and made[0].startswith("app_packages-")


@pytest.mark.parametrize(("told", "given"), [
    ("sha256", "sha512"), ("sha512", "sha256"), ("sha512", "sha512"), ("md5", "sha384"), ("", "sha512"),
])  # fmt: skip
def test_a_hash_of_another_kind_than_the_index_tells_is_held_against_the_bytes(
    told: str, given: str, maker: Maker, index: IndexServer
) -> None:
    file = wheel(index.folder, "alone", "1.0")
    index.hash_kind, index.hashless = told or "sha256", not told
    right = hashlib.new(given, file.read_bytes()).hexdigest()
    maker.make(f"alone==1.0 --hash={given}:{right}")
    with pytest.raises(IntegrityError, match=rf"the index has {file.name} with {given}:{right}"):
        maker.make(f"alone==1.0 --hash={given}:{'0' * len(right)}")


def test_what_neither_the_index_nor_its_pin_has_a_sha256_of_is_not_taken(maker: Maker, index: IndexServer) -> None:
    file = wheel(index.folder, "alone", "1.0")
    index.hash_kind = "sha512"
    with pytest.raises(IntegrityError, match=r"no sha256 of alone 1\.0; .* alone==1\.0 --hash=sha512:\.\.\.; or"):
        maker.make("alone==1.0")
    maker.make(f"alone==1.0 --hash=sha512:{hashlib.sha512(file.read_bytes()).hexdigest()}")


def test_the_ways_out_that_are_told_work(maker: Maker, index: IndexServer) -> None:
    wheel(index.folder, "windows", "0.9")
    wheel(index.folder, "older", "1.0", tag="cp310-cp310-manylinux_2_17_x86_64")
    wheel(index.folder, "bad", "1.0", files={"bad.py": "raise RuntimeError\n"})
    maker.make("windows==0.9")
    maker.make("older==1.0", python="3.10")
    assert maker.make("bad==1.0", import_check="none").warnings == ()
    assert maker.said("import") == ["not checked (--import-check none)"]


def test_a_file_is_not_advised_on_by_an_index_that_may_not_be_asked(
    maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    # an unpinned line has the index asked for versions, here without TLS and with the credentials
    asked: list[object] = []
    monkeypatch.setattr(wanted, "suggested", lambda *given: asked.append(given))
    maker.url = "http://svc:Canary@proget.example.com/simple"
    with pytest.raises(UsageError, match="asked without TLS"):
        maker.make("tiny")
    assert asked == []


def test_a_file_that_is_not_there_is_told(maker: Maker) -> None:
    with pytest.raises(UsageError, match=r"absent\.txt"):
        maker.make(requirements=maker.folder / "absent.txt")


@pytest.mark.parametrize(
    ("mode", "kind", "said"),
    [
        ("status-503", IndexUnavailable, "HTTP 503; asked 3 times; fix: try again"),
        ("status-429", IndexUnavailable, "HTTP 429; asked 3 times; fix: try again"),
        ("status-403", UsageError, "no credentials are given"),
        ("none", UsageError, r"correct the index URL \(VENVBUILD_INDEX_URL\)"),
    ],
)
def test_an_index_that_fails_is_told_by_its_kind(
    maker: Maker, index: IndexServer, mode: str, kind: type[Exception], said: str
) -> None:
    maker.url = index.url(mode)
    with pytest.raises(kind, match=f"127.0.0.1:{index.port}.*{said}"):
        maker.make("tiny==1.0")
    with pytest.raises(kind, match=said.replace("VENVBUILD_INDEX_URL", "PROGET_URL")):
        maker.make("tiny==1.0", environ={"PROGET_URL": index.url(mode)})


def test_two_owners_of_a_path_and_what_is_left_out_are_told(maker: Maker, index: IndexServer) -> None:
    wheel(index.folder, "aaa", "1.0", files={"shared.py": "x = 1\n", "aaa-1.0.data/scripts/run": "#!python\n"})
    wheel(index.folder, "bbb", "1.0", files={"shared.py": "x = 2\n"})
    made = maker.make("aaa==1.0", "bbb==1.0")
    assert "shared.py is of aaa and of bbb: bbb's is in the ZIP" in made.warnings
    assert maker.said("zip")[0].endswith("; left out: 1 of scripts")


# --- the command


def test_the_command_makes_the_zip_and_tells_of_it(tool: Tool, index: IndexServer) -> None:
    wheel(index.folder, "tiny", "1.0")
    tool.requirements("tiny==1.0")
    (tool.folder / "downloads").mkdir()
    ended = tool.run("snowflake", "zip", "-o", "out.zip", "--python", HERE, "--download-dir", "downloads", "--json")
    assert ended.code == 0, ended.stderr
    assert (ended.json["file"], ended.json["warnings"]) == ("out.zip", [])
    assert ended.json["distributions"][0]["name"] == "tiny"
    assert [path.name for path in (tool.folder / "downloads").iterdir()] == ["tiny-1.0-py3-none-any.whl"]
    assert ended.stderr.splitlines()[0] == f"check     1 pin, Python {HERE} for Snowflake, x86_64"
    # into a folder by its name, over what it made before, and never over anything else
    again = tool.run("snowflake", "zip", "-o", "downloads")
    assert again.stdout == f"downloads/{ended.json['zip']}  {ended.json['sha256']}\n"
    assert tool.run("snowflake", "zip", "-o", "out.zip").code == 0
    refused = tool.run("snowflake", "zip", "-o", "downloads/tiny-1.0-py3-none-any.whl")
    assert refused.code == 2
    assert "-o downloads/tiny-1.0-py3-none-any.whl.new.zip" in refused.stderr
    assert tool.run("snowflake", "zip", "-o", "downloads/tiny-1.0-py3-none-any.whl.new.zip").code == 0
    assert sorted(path.name for path in tool.folder.glob("**/.venvbuild*")) == []


def test_a_zip_that_does_not_import_replaces_none_that_does(tool: Tool, index: IndexServer) -> None:
    wheel(index.folder, "tiny", "1.0")
    wheel(index.folder, "bad", "1.0", files={"bad.py": "raise RuntimeError('not today')\n"})
    tool.requirements("tiny==1.0")
    assert tool.run("snowflake", "zip", "-o", "out.zip").code == 0
    (tool.folder / "builds").mkdir()
    assert tool.run("snowflake", "zip", "-o", "builds", "--zip-name", "app.zip").code == 0
    good = (tool.folder / "out.zip").read_bytes()
    tool.requirements("bad==1.0")
    for _ in range(2):  # and over the failed one of the run before
        assert tool.run("snowflake", "zip", "-o", "out.zip").code == 11
    assert tool.run("snowflake", "zip", "-o", "builds", "--zip-name", "app.zip").code == 11
    assert (tool.folder / "out.zip").read_bytes() == (tool.folder / "builds" / "app.zip").read_bytes() == good
    kept = sorted(str(path.relative_to(tool.folder)) for path in tool.folder.glob("**/*.failed.zip"))
    assert kept == ["builds/app.failed.zip", "out.failed.zip"]
    (tool.folder / "out.failed.zip").write_text("somebody's")
    ended = tool.run("snowflake", "zip", "-o", "out.zip")
    assert (ended.code, "out.failed.zip" in ended.stderr) == (11, True)
    assert (tool.folder / "out.failed.zip").read_text() == "somebody's"


def test_where_no_file_can_be_a_folder_is_advised_that_can(tool: Tool, index: IndexServer) -> None:
    wheel(index.folder, "tiny", "1.0")
    tool.requirements("tiny==1.0")
    for place in ("/dev/null", "/dev/stdout"):
        refused = tool.run("snowflake", "zip", "-o", place)
        assert refused.code == 2
        assert "-o ." in refused.stderr
        assert f"{place}.new" not in refused.stderr
    assert tool.run("snowflake", "zip", "-o", ".").code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--python", ""], 3, "'' is no Python of Snowflake"),
        (["--proget-url", ""], 2, "the URL is empty"),
        (["--python", "3.9"], 3, "Snowflake's Python 3.9 ended on 2026-04-30"),
        (["--from", "sales@prod", "-r", "requirements.txt"], 2, "one of the two"),
        (["--from", "sales@prod"], 9, "sales"),
        (["-r", "absent.txt"], 2, "absent.txt"),
        (["--proget-url", "https://svc:Canary@proget.example.com/simple"], 2, "VENVBUILD_INDEX_PASSWORD"),
        (["--proget-url", "http://proget.example.com/simple"], 2, "--allow-http"),
        (["-o", "nowhere/out.zip"], 2, "the folder of the ZIP is not there"),
        (["-r", "bad.txt"], 11, "the ZIP is kept all the same: out.failed.zip"),
    ],
)
def test_each_failure_has_its_code(tool: Tool, index: IndexServer, arguments: list[str], code: int, said: str) -> None:
    wheel(index.folder, "bad", "1.0", files={"bad.py": "raise RuntimeError('not today')\n"})
    tool.requirements("tiny==1.0")
    tool.requirements("bad==1.0", name="bad.txt")
    ended = tool.run("snowflake", "zip", "-o", "out.zip", *arguments, VENVBUILD_PROGET=None)
    assert ended.code == code, ended.stderr
    assert said in ended.stderr
    assert "Canary" not in ended.stderr
    assert [path.name for path in tool.folder.glob("*.zip")] == (["out.failed.zip"] if code == 11 else [])


def test_no_snowflake_is_imported_or_set(tool: Tool, index: IndexServer) -> None:
    wheel(index.folder, "tiny", "1.0")
    tool.requirements("tiny==1.0")
    command = tool.command("snowflake", "zip", "-o", "out.zip", "--import-check", "none")
    ended = replace_python(command, tool)
    assert ended.returncode == 0, ended.stderr
    imported = [
        line.rpartition("|")[2].strip() for line in ended.stderr.splitlines() if line.startswith("import time:")
    ]
    assert "venvbuild.snowflake" in imported
    assert not [name for name in imported if name.split(".")[0] in ("snowflake", "boto3", "botocore", "duckdb")]


def replace_python(command: list[str], tool: Tool) -> Any:
    import subprocess

    timed = [command[0], "-X", "importtime", *command[1:]]
    return subprocess.run(timed, cwd=tool.folder, env=tool.environment(), capture_output=True, text=True, check=False)


def test_a_build_gives_its_pins_its_lock_and_its_hashes(tool: Tool, index: IndexServer) -> None:
    wheel(index.folder, "tiny", "1.0", requires=["helper"])
    wheel(index.folder, "helper", "2.0")
    built = tool.build("tiny==1.0", ENV_NAME="sales", PYTHON_VERSION=HERE)
    assert built.code == 0, built.stderr
    # what came later is not taken, what a lock does not know of is
    wheel(index.folder, "helper", "3.0")
    zipped = tool.run("snowflake", "zip", "--from", "sales@latest", "-o", "out.zip", "--python", HERE, "--json")
    assert zipped.code == 0, zipped.stderr
    found = {one["name"]: (one["version"], one["is_pinned"]) for one in zipped.json["distributions"]}
    assert found == {"tiny": ("1.0", True), "helper": ("2.0", True)}  # and no pip
    assert "lock      2 distributions, all of them in the lock of the build" in zipped.stderr
    other = tool.run("snowflake", "zip", "--from", "sales@latest", "-o", "out.zip", "--python", "3.13", "--json")
    assert f"was built for Python {HERE}, and the ZIP is for 3.13" in other.json["warnings"][0]
    # the hashes are those of the build
    wheel(index.folder, "helper", "2.0", files={"helper.py": "x = 2\n"})
    shutil.rmtree(Path(tool.environment()["HOME"], ".cache", "uv"), ignore_errors=True)
    refused = tool.run("snowflake", "zip", "--from", "sales@latest", "-o", "out.zip", "--python", HERE)
    assert refused.code == 4, refused.stderr
    assert "no wheel of helper 2.0 for the target has a hash of the build's lock" in refused.stderr


def test_extras_and_groups_of_a_pylock_choose_what_goes_in(maker: Maker, index: IndexServer) -> None:
    lines = ['lock-version = "1.0"', 'extras = ["web"]', 'dependency-groups = ["dev"]', 'created-by = "t"']
    markers = {"tiny": "", "helper": "", "webby": "'web' in extras", "devy": "'dev' in dependency_groups"}
    for name, marker in markers.items():
        file = next(index.folder.glob(f"{name}-*.whl"), None) or wheel(index.folder, name, "1.0")
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        said = [f'marker = "{marker}"'] if marker else []
        wheels = f'wheels = [{{ url = "{index.url()}/{file.name}", hashes = {{ sha256 = "{digest}" }} }}]'
        lines += ["[[packages]]", f'name = "{name}"', f'version = "{file.name.split("-")[1]}"', *said, wheels]
    lock = maker.folder / "pylock.toml"
    lock.write_text("".join(f"{line}\n" for line in lines))

    def names(**chosen: Any) -> set[str]:
        return {one.name for one in maker.make(requirements=lock, **chosen).distributions}

    assert names() == {"tiny", "helper"}
    assert names(extras=("web",)) == {"tiny", "helper", "webby"}
    assert names(extras=("web",), groups=("dev",)) == {"tiny", "helper", "webby", "devy"}
    with pytest.raises(RequirementsRefused, match="there is no extra wbe"):
        names(extras=("wbe",))


def test_a_wheel_that_is_not_as_large_as_its_lock_says_is_refused_from_the_cache_too(
    maker: Maker, index: IndexServer
) -> None:
    file = wheel(index.folder, "alone", "1.0")
    digest, size = hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_size
    lock = maker.folder / "pylock.toml"

    def make(size: int) -> None:
        said = f'url = "{index.url()}/{file.name}", size = {size}, hashes = {{ sha256 = "{digest}" }}'
        package = f'[[packages]]\nname = "alone"\nversion = "1.0"\nwheels = [{{ {said} }}]\n'
        lock.write_text(f'lock-version = "1.0"\ncreated-by = "t"\n{package}')
        maker.make(requirements=lock)

    for _ in range(2):
        with pytest.raises(IntegrityError, match=f"{file.name} has {size:,} bytes, and the lock says {size + 1:,}"):
            make(size + 1)
        make(size)
