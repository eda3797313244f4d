"""What the first start says when it fails: what is wrong, what to do about just that, and the exit code.

Disks that are full and programs that are denied are played by a Python that is none, for root is denied nothing. The
first start of the real one is in test_bin.py.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.index_server import IndexServer
from tests.support.volumes import Mounts
from tests.support.wheels import wheel
from venvbuild import bootstrap
from venvbuild.bootstrap import SetUpFailed

MAKE_ROOM, LET_WRITE, APT = "make room", "let this user write there", "apt-get install"
FULL = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"
QUOTA = "ERROR: Could not install packages due to an OSError: [Errno 122] Disk quota exceeded: '/c/x'"
DENIED = "ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: '/c/x'"
READ_ONLY = "OSError: [Errno 30] Read-only file system: '/c/x'"
NO_EXEC = "Error: [Errno 13] Permission denied: '/c/bin/python'"
NO_TEMPORARY = "FileNotFoundError: [Errno 2] No usable temporary directory found in ['/tmp', '/var/tmp']"
FIREWALL = (
    "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError('Failed to establish a new "
    "connection: [Errno 13] Permission denied')': /simple/tiny/\nERROR: No matching distribution found for tiny==1.0"
)
NO_ENSUREPIP = "The virtual environment was not created successfully because ensurepip is not available."
INSTALLS = 'mkdir -p "${0%/*}/../lib/python3/site-packages/tiny-1.0.dist-info"'
OTHER_BYTES = f"WARNING: {DENIED}\nERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE."


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "locks" / "base.txt"
    path.parent.mkdir()
    path.write_text("tiny==1.0 --hash=sha256:" + "0" * 64 + "\n")
    return path


def played(
    folder: Path, *, venv: str = "exit 0", ensurepip: str = "exit 0", pip: str = "exit 0", mode: int = 0o755
) -> str:
    """A program that plays a Python: what `-m venv` does, and `-m ensurepip` and `-m pip` of the Python it makes."""
    made = f"#!/bin/sh\ncase $3 in ensurepip) {ensurepip} ;; *) {pip} ;; esac\n"
    folder.mkdir(exist_ok=True)
    program = folder / "played"
    program.write_text(
        f'#!/bin/sh\nmkdir -p "$5/bin"\nprintf %s {shlex.quote(made)} > "$5/bin/python"\n'
        f'chmod {mode:o} "$5/bin/python"\n{venv}\n'
    )
    program.chmod(0o755)
    return str(program)


def says(text: str) -> str:
    return f"printf '%s\\n' {shlex.quote(text)}; exit 1"


def refusal(lock: Path, cache: Path) -> SetUpFailed:
    """How setting up fails; nothing of it stays, and no advice is given but the one for that."""
    with pytest.raises(SetUpFailed) as caught:
        bootstrap.set_up(lock, cache)
    if os.path.isdir(cache):
        assert [path.name for path in cache.iterdir() if path.suffix != ".lock"] == []
    assert str(caught.value).count("  fix: ") == 1
    return caught.value


@pytest.mark.parametrize(
    ("output", "code", "advice"),
    [
        pytest.param(FULL, 7, MAKE_ROOM, id="full"),
        pytest.param(QUOTA, 7, MAKE_ROOM, id="quota"),
        pytest.param("OSError: [Errno 27] File too large", 7, MAKE_ROOM, id="too large"),
        pytest.param("OSError: [Errno 5] Input/output error", 7, MAKE_ROOM, id="broken disk"),
        pytest.param(DENIED, 2, LET_WRITE, id="denied"),
        pytest.param(READ_ONLY, 2, LET_WRITE, id="read-only"),
        pytest.param(NO_TEMPORARY, 2, "set TMPDIR", id="no temporary folder"),
        pytest.param(FIREWALL, 6, "check the network", id="denied by a firewall"),
        pytest.param("ERROR: No matching distribution found for tiny==1.0", 6, "credentials", id="no such file"),
        pytest.param(OTHER_BYTES, 2, "mirrors PyPI", id="other bytes"),
    ],
)
def test_what_pip_says_gets_its_own_code_and_advice(
    lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str, code: int, advice: str
) -> None:
    monkeypatch.setattr(sys, "executable", played(tmp_path, pip=says(output)))
    failed = refusal(lock, tmp_path / "cache")
    assert failed.exit_code == code
    assert advice in str(failed)
    assert (MAKE_ROOM in str(failed)) == (code == 7 or output == NO_TEMPORARY)
    assert f"  | {output.splitlines()[-1]}"[:60] in str(failed)


@pytest.mark.parametrize(
    ("output", "code", "advice"),
    [
        pytest.param(FULL + "\n  in a traceback" * 9, 7, MAKE_ROOM, id="full"),
        pytest.param(NO_EXEC, 2, "noexec", id="programs may not run there"),
        pytest.param(NO_ENSUREPIP, 2, APT, id="no ensurepip"),
    ],
)
def test_an_environment_that_cannot_be_made_is_laid_on_what_hinders_it(
    lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str, code: int, advice: str
) -> None:
    for python in (played(tmp_path, venv=says(output)), played(tmp_path / "other", ensurepip=says(output))):
        monkeypatch.setattr(sys, "executable", python)
        failed = refusal(lock, tmp_path / "cache")
        assert (failed.exit_code, advice in str(failed)) == (code, True)
        assert (APT in str(failed)) == (output == NO_ENSUREPIP)
        assert f"  | {output.splitlines()[0]}" in str(failed)


def test_temporary_folders_that_are_all_full_are_a_full_disk(
    lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full_disk: Path
) -> None:
    """Where `-m venv` found room for its last file, ensurepip has none for its first, and says only this."""
    said = subprocess.run(
        [sys.executable, "-c", "import tempfile; tempfile._candidate_tempdir_list = lambda: ['.']; tempfile.mkdtemp()"],
        capture_output=True,
        text=True,
        check=False,
        cwd=full_disk,
    ).stderr.replace("'.'", f"'{full_disk}'")
    assert "No usable temporary directory" in said
    monkeypatch.setattr(sys, "executable", played(tmp_path, ensurepip=says(said)))
    failed = refusal(lock, tmp_path / "cache")
    assert (failed.exit_code, MAKE_ROOM in str(failed)) == (7, True)


@pytest.mark.parametrize(
    ("number", "code", "advice"),
    [
        (errno.ENOSPC, 7, MAKE_ROOM),
        (errno.EDQUOT, 7, MAKE_ROOM),
        (errno.EACCES, 2, LET_WRITE),
        (errno.EROFS, 2, LET_WRITE),
        (errno.ENOLCK, 2, "set XDG_CACHE_HOME"),
    ],
)
def test_a_cache_that_cannot_be_used_gets_the_advice_for_its_reason(
    lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: int, advice: str
) -> None:
    def fails(_file: object, _operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("venvbuild.bootstrap.fcntl.flock", fails)
    failed = refusal(lock, tmp_path / "cache")
    assert (failed.exit_code, advice in str(failed)) == (code, True)
    assert (MAKE_ROOM in str(failed)) == (code == 7)
    assert str(failed).startswith(f"{os.strerror(number)}: {tmp_path / 'cache'}\n")


UNESCAPED = [
    pytest.param(f"http://ci:{password}@127.0.0.1:1/simple", id=password)
    for password in ("pa/ssCanary7", "12/ssCanary7", "/ssCanary7", "p@/ssCanary7", "p#ssCanary7", "p?ssCanary7")
]


@pytest.mark.parametrize("variable", ["VENVBUILD_INDEX_URL", "PIP_INDEX_URL"])
@pytest.mark.parametrize("url", [*UNESCAPED, "ci:pa/ssCanary7@127.0.0.1:1/simple"])
def test_a_password_in_an_index_url_is_escaped_or_refused_and_never_shown(
    lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, url: str
) -> None:
    monkeypatch.setattr(sys, "executable", played(tmp_path, pip=says("Port could not be ... as 'pa'")))
    monkeypatch.setenv(variable, url)
    failed = refusal(lock, tmp_path / "cache")
    password = url.removeprefix("http://").removeprefix("ci:").rpartition("@")[0]
    assert failed.exit_code == 2
    assert str(failed).startswith(f"{variable} is no URL of a package index.\n")
    assert "anary7" not in str(failed)
    # To the letter.
    escapes = dict(zip("/?#@[", re.findall(" %..", str(failed).replace(",", "")), strict=True))
    for char, escape in escapes.items():
        password = password.replace(char, escape.strip())
    monkeypatch.setenv(variable, f"http://ci:{password}@127.0.0.1:1/simple")
    monkeypatch.setattr(sys, "executable", played(tmp_path, pip=INSTALLS))
    bootstrap.set_up(lock, tmp_path / "cache")


@pytest.mark.parametrize(
    "url", ["https://ci:p@host.example:8081/me@team/simple", "http://[::1]:1/simple", "/srv/me@home", "http://nexus/x"]
)
def test_an_index_url_that_is_one_goes_to_pip(
    lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    given = tmp_path / "given"
    monkeypatch.setattr(sys, "executable", played(tmp_path, pip=f'printf %s "$PIP_INDEX_URL" > {given}; {INSTALLS}'))
    monkeypatch.setenv("VENVBUILD_INDEX_URL", url)
    bootstrap.set_up(lock, tmp_path / "cache")
    assert given.read_text() == url


@pytest.mark.parametrize(
    "said",
    [
        "ERROR: Could not install packages due to an OSError: Invalid URL 'http://****@/ssCanary7@127.0.0.1:1/simple/'",
        "ValueError: Port could not be cast to integer value as 'ssCanary7'",
        "ValueError: Invalid IPv6 URL",
    ],
)
def test_a_url_of_pips_configuration_that_is_none_is_2_and_nothing_of_it_is_shown(
    lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    monkeypatch.setattr(sys, "executable", played(tmp_path, pip=says(said)))
    failed = refusal(lock, tmp_path / "cache")
    assert (failed.exit_code, "anary7" in str(failed), "index-url" in str(failed)) == (2, False, True)


@pytest.mark.parametrize(
    "said",
    [
        "WARNING: Location 'ci:pa/ssCanary7@127.0.0.1:1/simple/tiny/' is ignored",
        "Looking in indexes: https://ci:pa/ssCanary7@host.example/simple, https://ci:12/ssCanary7@b.example/simple",
        "Looking in links: https://ci:pa'ss\"<Canary7@host.example/simple",
    ],
)
def test_what_pip_says_is_shown_without_what_stands_before_an_at_sign(
    lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    monkeypatch.setattr(sys, "executable", played(tmp_path, pip=says(f"{said}\nERROR: No matching distribution")))
    failed = refusal(lock, tmp_path / "cache")
    assert (failed.exit_code, "anary7" in str(failed), "****@" in str(failed)) == (6, False, True)


def test_a_program_that_is_ended_is_laid_on_no_missing_module(
    lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", played(tmp_path, venv="kill -KILL $$"))
    failed = refusal(lock, tmp_path / "cache")
    assert (failed.exit_code, APT in str(failed)) == (2, False)
    assert "was ended by signal 9" in str(failed)


def test_a_python_that_is_gone_or_may_not_run_is_named(
    lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
    failed = refusal(lock, tmp_path / "cache")
    assert failed.exit_code == 2
    assert str(failed).startswith(f"{tmp_path / 'gone'} cannot be started: No such file or directory\n")
    monkeypatch.setattr(sys, "executable", played(tmp_path, mode=0o644))
    failed = refusal(lock, tmp_path / "cache")
    assert (failed.exit_code, "noexec" in str(failed)) == (2, True)
    assert "/bin/python cannot be started: Permission denied\n" in str(failed)


def test_a_checkout_without_its_lock_is_told_as_such(tmp_path: Path) -> None:
    failed = refusal(tmp_path / "locks" / "base.txt", tmp_path / "cache")
    assert failed.exit_code == 2
    assert str(failed).startswith(f"{tmp_path}/locks/base.txt cannot be read: No such file or directory\n")


def test_a_cache_whose_name_no_disk_takes_is_told_as_such(lock: Path, tmp_path: Path) -> None:
    failed = refusal(lock, tmp_path / ("x" * 300))
    assert (failed.exit_code, "File name too long" in str(failed)) == (2, True)


@pytest.fixture
def checkout(lock: Path, index: IndexServer) -> Path:
    """A checkout of a tool with one tiny dependency, in `lock`; its real first start takes seconds."""
    digest = hashlib.sha256(wheel(index.folder, "tiny", "1.0").read_bytes()).hexdigest()
    lock.write_text(f"tiny==1.0 --hash=sha256:{digest}\n")
    (lock.parents[1] / "venvbuild").mkdir()
    shutil.copy(bootstrap.__file__, lock.parents[1] / "venvbuild" / "bootstrap.py")
    (lock.parents[1] / "venvbuild" / "main.py").write_text("import tiny\ndef main(): print(tiny.__file__)\n")
    return lock.parents[1]


def start(checkout: Path, index: IndexServer, *limits: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*limits, sys.executable, "-IS", checkout / "venvbuild" / "bootstrap.py"],
        env={
            "PATH": os.environ["PATH"],
            "XDG_CACHE_HOME": str(checkout / "cache"),
            "PIP_INDEX_URL": index.url(),
            **more,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_a_real_disk_that_takes_no_more_ends_with_7_and_blames_no_module(checkout: Path, index: IndexServer) -> None:
    """A limit of the size of files plays the full disk."""
    ended = start(checkout, index, "sh", "-c", 'ulimit -f 200; exec "$0" "$@"')
    assert (ended.returncode, APT in ended.stderr) == (7, False)
    assert MAKE_ROOM in ended.stderr
    assert "File too large" in ended.stderr


OF_OTHER_WORK = {
    **{f"PIP_{name}": "elsewhere" for name in ("TARGET", "__TARGET", "Prefix", "ROOT", "PYTHON", "REPORT", "GROUP")},
    **{f"PIP_{name}": "elsewhere" for name in ("CONSTRAINT", "BUILD_CONSTRAINT", "REQUIREMENT", "EDITABLE")},
    **{f"PIP_{name}": "elsewhere" for name in ("REQUIREMENTS_FROM_SCRIPT", "GLOBAL_OPTION")},
    **{f"PIP_{name}": "1" for name in ("USER", "DRY_RUN", "DRY-RUN", "ONLY_DEPS")},
    "PIP_PLATFORM": "win32",
    "PIP_PYTHON_VERSION": "3.8",
    "PIP_IMPLEMENTATION": "pp",
    "PIP_ABI": "none",
}
"""Each alone has some pip install nothing into a set-up, end with an error, or write over what is the user's."""
TAKEN_BACK = "[global]\ntarget = elsewhere\n[install]\nuser = true\nno-binary = :all:\n"


@pytest.mark.parametrize("settings", [OF_OTHER_WORK, {"PIP_CONFIG_FILE": TAKEN_BACK}], ids=["environment", "pip.conf"])
def test_where_and_for_what_else_a_user_has_pip_install_is_nothing_to_the_set_up(
    checkout: Path, lock: Path, index: IndexServer, settings: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "pip.conf").write_text(settings.get("PIP_CONFIG_FILE", ""))
    elsewhere = {"elsewhere": str(tmp_path / "elsewhere"), TAKEN_BACK: str(tmp_path / "pip.conf")}
    more = {name: elsewhere.get(value, value) for name, value in settings.items()}
    ended = start(checkout, index, "env", "-C", str(tmp_path), **more)
    assert ended.returncode == 0, ended.stderr
    assert Path(ended.stdout).is_relative_to(bootstrap.home_of(lock, checkout / "cache" / "venvbuild"))
    assert not (tmp_path / "elsewhere").exists()


def test_what_pip_is_told_of_index_network_cache_certificates_and_log_goes_to_it_and_no_other_work(
    lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = "INDEX_URL EXTRA_INDEX_URL FIND_LINKS NO_INDEX TRUSTED_HOST PROXY TIMEOUT RETRIES CERT CLIENT_CERT CACHE_DIR"
    told = {f"PIP_{name}=1" for name in f"{ours} LOG QUIET KEYRING_PROVIDER CONFIG_FILE REQUIRE_VIRTUALENV".split()}
    for name, value in [*(one.split("=") for one in told), *OF_OTHER_WORK.items()]:
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "executable", played(tmp_path, pip=f"env > {tmp_path}/given; {INSTALLS}"))
    bootstrap.set_up(lock, tmp_path / "cache")
    given = (tmp_path / "given").read_text().splitlines()
    assert told <= set(given)
    assert not OF_OTHER_WORK.keys() & {line.partition("=")[0] for line in given}


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set-up with pip alone."""
    home = tmp_path_factory.mktemp("bare") / "home"
    bootstrap._make_venv(home, home)
    return home


@pytest.mark.parametrize(
    "setting",
    [
        "prefix = elsewhere",
        "root = elsewhere",
        "dry-run = true",
        "platform = win32",
        "python = elsewhere",
        "constraint = constraints.txt",
        "constraint = elsewhere",
        "requirement = other.txt",
        "editable = .",
    ],
)
def test_what_pip_conf_has_of_other_work_and_no_option_takes_back_is_told_and_can_be_taken_out(
    checkout: Path, lock: Path, index: IndexServer, bare: Path, setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkout)
    for module in bare.glob("lib/python*/site-packages/tiny*"):  # of the case before
        shutil.rmtree(module, ignore_errors=True)
    wheel(index.folder, "other", "1.0")
    Path("constraints.txt").write_text("tiny==2.0\n")
    Path("other.txt").write_text("other\n")
    Path("pip.conf").write_text(f"[global]\nindex-url = {index.url()}\n{setting}\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", "pip.conf")
    with pytest.raises(SetUpFailed, match="configuration is for other work") as failed:
        bootstrap._install(bare / "bin" / "python", lock)
    assert (failed.value.exit_code, str(failed.value).count("  fix: ")) == (2, 1)
    Path("pip.conf").write_text(f"[global]\nindex-url = {index.url()}\n")
    bootstrap._install(bare / "bin" / "python", lock)


def test_pips_configuration_can_be_left_out_where_it_keeps_the_tool_from_its_set_up(
    checkout: Path, index: IndexServer, tmp_path: Path
) -> None:
    (tmp_path / "pip.conf").write_text(f"[global]\nprefix = {tmp_path}/elsewhere\nindex-url = {index.url()}\n")
    more = {"PIP_INDEX_URL": "", "PIP_CONFIG_FILE": str(tmp_path / "pip.conf")}
    ended = start(checkout, index, **more)
    assert ended.returncode == 2
    [sentence, fix] = ended.stderr.splitlines()[1:]
    assert "did not install tiny into the set-up" in sentence
    [advice] = re.findall(r"or set (PIP_CONFIG_FILE)=(\S+), and (VENVBUILD_INDEX_URL) to the index$", fix)
    # To the letter.
    ended = start(checkout, index, **{**more, advice[0]: advice[1], advice[2]: index.url()})
    assert ended.returncode == 0, ended.stderr


def test_a_python_of_the_set_up_that_may_not_run_ends_with_2(
    checkout: Path, lock: Path, index: IndexServer, mounts: Mounts
) -> None:
    """As one that was made before its disk was mounted noexec."""
    (checkout / "cache").mkdir()
    mounts.tmpfs(checkout / "cache", "size=1m,mode=755,noexec")
    home = bootstrap.home_of(lock, checkout / "cache" / "venvbuild")
    files = {"bin/python": "#!/bin/sh\n", "pyvenv.cfg": "", "lib/python3/site-packages/tiny-1.0.dist-info/RECORD": ""}
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    (home / "bin/python").chmod(0o755)
    ended = start(checkout, index)
    assert ended.returncode == 2
    first, fix = ended.stderr.splitlines()
    assert first == f"venvbuild cannot be set up: {home}/bin/python cannot be started: Permission denied"
    assert "noexec" in fix


def test_a_lock_file_that_is_none_is_told_and_not_waited_for(lock: Path, tmp_path: Path) -> None:
    home = bootstrap.home_of(lock, tmp_path / "cache")
    in_the_way = home.with_name(f"{home.name}.lock")
    in_the_way.parent.mkdir()
    os.mkfifo(in_the_way)
    assert str(in_the_way) in str(refusal(lock, tmp_path / "cache"))
    in_the_way.unlink()
    in_the_way.mkdir()
    assert str(in_the_way) in str(refusal(lock, tmp_path / "cache"))


def test_pythons_at_two_places_have_set_ups_of_their_own_and_links_to_one_share_it(
    lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of containers of two images that share a cache: each would find the other's Python gone, and remove it."""
    here = bootstrap.home_of(lock, tmp_path)
    link = tmp_path / "python3"
    link.symlink_to(os.path.realpath(sys.executable))
    monkeypatch.setattr(sys, "executable", str(link))
    assert bootstrap.home_of(lock, tmp_path) == here
    monkeypatch.setattr(sys, "executable", played(tmp_path))
    assert bootstrap.home_of(lock, tmp_path) != here
    monkeypatch.setattr(sys, "executable", str(link))
    monkeypatch.setattr("importlib.machinery.EXTENSION_SUFFIXES", [".cpython-311-aarch64-linux-gnu.so"])
    assert bootstrap.home_of(lock, tmp_path) != here


def test_what_an_index_said_through_pip_moves_no_cursor(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("venvbuild.bootstrap.signal.signal", lambda *_: None)
    with pytest.raises(SystemExit) as ended, bootstrap._told():
        raise SetUpFailed(6, "no index\n  | \x1b[31mred\x9b1A \u202e\rö 日")
    assert ended.value.code == 6
    assert capsys.readouterr().err.splitlines() == [
        "venvbuild cannot be set up: no index",
        r"  | \x1b[31mred\x9b1A \u202e\rö 日",
    ]
