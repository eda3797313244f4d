"""venvbuild in processes of their own that need not import it, which takes half a second: forks of one that has.

A fork has its own environment, folder, standard streams, exit and coverage. It shares with its siblings what the tool
had imported before any of them ran, so a test of what is imported, or of how a Python starts, takes a new process.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import random
import select
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NoReturn

from tests.support.scripts import REPOSITORY

_PARENTS = 2
"""Each with a hash seed of its own, in turn: two runs of one test see a set in two orders, as two processes do."""
_READ_AT_START = ("LANG", "LC_", "PYTHON", "COVERAGE_", "LD_", "TZ")
"""How the variables begin that a Python reads when it starts."""
_KEPT = ("LANG", "LC_ALL", "LC_CTYPE", "TZ")
"""Of these, those in which the tests themselves run."""
_IMPORTED_LATE = (
    "boto3.s3.transfer", "botocore.client", "botocore.credentials", "botocore.handlers", "jinja2.ext", "jsonschema",
    "pyathena", "sqlglot.dialects.duckdb", "sqlglot.dialects.trino",
)  # fmt: skip
"""What the tool, and what it uses, import only when they need it."""
_LARGEST_MESSAGE = 1 << 17
_START_TIMEOUT_S = 60


@dataclass(frozen=True)
class Fork:
    """One that was started."""

    pid: int
    _asked: socket.socket
    """Tells the status when it has ended."""
    _stdout: IO[bytes]
    _stderr: IO[bytes]

    def has_ended(self) -> bool:
        """Whether `end` would wait for nothing."""
        return bool(select.select([self._asked], [], [], 0)[0])

    def kill(self) -> None:
        """Like SIGKILL of any process; `end` is still to be called."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def end(self, timeout_s: float) -> subprocess.CompletedProcess[str]:
        """Wait for its end, and how it ended.

        Raises:
            subprocess.TimeoutExpired: it ran longer and was killed.
        """
        with self._asked, self._stdout, self._stderr:
            self._asked.settimeout(timeout_s)
            try:
                status = int(self._asked.recv(_LARGEST_MESSAGE))
            except TimeoutError:
                self.kill()
                raise subprocess.TimeoutExpired("venvbuild", timeout_s) from None
            code = os.waitstatus_to_exitcode(status)
            return subprocess.CompletedProcess("venvbuild", code, _text(self._stdout), _text(self._stderr))


class Forks:
    """The parents of the forks; started by the first runs."""

    def __init__(self, traced: Mapping[str, str]) -> None:
        """`traced` are the variables by which coverage measures a process; none when nothing is measured."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith(_READ_AT_START)}
        kept = {name: value for name, value in os.environ.items() if name in _KEPT} | {"PYTHONPATH": str(REPOSITORY)}
        self._read_at_start = _read_at_start(kept)
        self._env = {**plain, **kept, **traced}
        self._lock = threading.Lock()
        self._sockets: list[Path] = []
        self._runs = 0
        self._open = ExitStack()

    def fit(self, env: Mapping[str, str]) -> bool:
        """Whether a fork sees this environment as a new process would."""
        return _read_at_start(env) == self._read_at_start

    def start(self, arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> Fork:
        """`venvbuild` with these arguments; whoever starts it ends it."""
        asked = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        stdout, stderr = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115  # `end` closes them
        asked.connect(str(self._next_socket()))
        request = {"arguments": list(arguments), "cwd": os.fspath(cwd), "env": dict(env)}
        socket.send_fds(asked, [json.dumps(request).encode()], [stdout.fileno(), stderr.fileno()])
        return Fork(int(asked.recv(_LARGEST_MESSAGE)), asked, stdout, stderr)

    def close(self) -> None:
        """End the parents."""
        self._open.close()

    def _next_socket(self) -> Path:
        with self._lock:
            if len(self._sockets) < _PARENTS:
                self._sockets.append(self._open.enter_context(_parent(self._env)))
            self._runs += 1
            return self._sockets[self._runs % len(self._sockets)]


@contextmanager
def _parent(env: Mapping[str, str]) -> Iterator[Path]:
    """The socket at which one listens."""
    with tempfile.TemporaryDirectory(prefix="venvbuild-forks-") as folder:
        path = Path(folder, "socket")
        # It ends when its stdin does, also when we are killed.
        with subprocess.Popen([sys.executable, "-m", __name__, str(path)], env=dict(env), stdin=subprocess.PIPE) as one:
            deadline = time.monotonic() + _START_TIMEOUT_S
            while not path.exists():
                if one.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("the parent of the forks did not start")
                time.sleep(0.01)
            yield path


def _read_at_start(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith(_READ_AT_START)}


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode().replace("\r\n", "\n")  # as subprocess does for text=True


def _serve(path: Path) -> NoReturn:
    """Fork for each request until stdin ends; in a fork, run and exit."""
    _import_all()
    # What is here now is never garbage, and to look at it would copy its pages into each fork.
    gc.collect()
    gc.freeze()
    awake, wake = socket.socketpair()
    wake.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake.fileno())
    running: dict[int, socket.socket] = {}
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener, selectors.DefaultSelector() as selector:
        begun = path.with_suffix(".begun")
        listener.bind(str(begun))
        listener.listen(16)
        begun.rename(path)  # who sees it can connect
        for one in (listener, awake, sys.stdin):
            selector.register(one, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is sys.stdin:
                    _end(0)
                elif key.fileobj is awake:
                    awake.recv(4096)
                    _tell_ends(running)
                else:
                    asked, _ = listener.accept()
                    message, streams, _, _ = socket.recv_fds(asked, _LARGEST_MESSAGE, 2)
                    if (pid := os.fork()) == 0:
                        _run(json.loads(message), streams)
                    for stream in streams:
                        os.close(stream)
                    running[pid] = asked
                    asked.send(b"%d" % pid)


def _import_all() -> None:
    """All that the commands import sooner or later."""
    for package in ("venvbuild", "athena"):
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    for name in _IMPORTED_LATE:
        importlib.import_module(name)


def _tell_ends(running: dict[int, socket.socket]) -> None:
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        # Who asked may have gone: it has waited long enough.
        with running.pop(pid) as asked, suppress(BrokenPipeError, ConnectionResetError):
            asked.send(b"%d" % status)


def _run(request: dict[str, object], streams: Sequence[int]) -> NoReturn:
    """Be what a new process would be, and end like one."""
    code = 70
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        null = os.open(os.devnull, os.O_RDONLY)
        for number, source in enumerate((null, *streams)):
            os.dup2(source, number)
        os.closerange(3, 256)
        os.chdir(str(request["cwd"]))
        os.environ.clear()
        os.environ.update(request["env"])  # type: ignore[call-overload]
        tempfile.tempdir = None
        random.seed()
        sys.argv = ["venvbuild", *request["arguments"]]  # type: ignore[misc]
        code = _main()
    except BaseException:  # noqa: BLE001  # told, as at the end of any Python
        traceback.print_exc()
    finally:
        _end(code)


def _end(code: int) -> NoReturn:
    """As Python does, but for taking apart all modules, which would tell of what DuckDB keeps."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _main() -> int:
    from venvbuild.main import main

    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
