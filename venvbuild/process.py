"""The one door through which other programs are run.

A command is a list, never a shell string. It gets an environment made for it, no stdin, a time limit, and a process
group of its own, so that nothing of it is left behind when we end, and neither when we are killed. What it prints is
redacted line by line.
"""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from venvbuild.redaction import REDACTOR, Lines, strip_credentials

log = logging.getLogger(__name__)

# What a program needs of its surroundings; everything else (keys, tokens, PIP_*, UV_*, PYTHON*) stays here.
_PASSED_ON = frozenset(
    {
        "PATH",
        "LANG",
        "LANGUAGE",
        "TZ",
        "TMPDIR",
        "LD_LIBRARY_PATH",
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
    }
)


@dataclass(frozen=True)
class Completed:
    """A command that has ended."""

    command: tuple[str, ...]
    exit_code: int
    stdout: str
    """As the program wrote it, not redacted: data to be parsed, never to be shown."""
    stderr: str
    """Redacted."""


class CommandFailed(Exception):
    """A command ended with another code than 0, or did not end in time (`exit_code` is then None).

    Translated by whoever knows what it means to the job; reaching the top it is a bug of ours.
    """

    def __init__(self, command: Sequence[str], exit_code: int | None, stdout: str, stderr: str) -> None:
        self.command, self.exit_code = tuple(command), exit_code
        self.stdout, self.stderr = REDACTOR.redact(stdout), stderr
        how = f"ended with {exit_code}" if exit_code is not None else "did not end in time"
        super().__init__(f"{REDACTOR.redact(shlex.join(command))} {how}\n{self.output}".rstrip())

    @property
    def output(self) -> str:
        """All it said, redacted."""
        return "\n".join(part.strip() for part in (self.stdout, self.stderr) if part.strip())


def clean_environment(home: Path | None = None, /, **extra: str) -> dict[str, str]:
    """An environment without secrets: PATH, locale, temporary folder, proxies, CA files, and `extra`.

    `home` is the HOME it gets; None passes on our own, for programs of ours that run no package's code.
    """
    kept = {name: value for name, value in os.environ.items() if name in _PASSED_ON or name.startswith("LC_")}
    if home is not None:  # for what may run packages' code: a proxy's password is not for it
        kept = {name: strip_credentials(value) for name, value in kept.items()}
        kept["HOME"] = str(home)
    elif "HOME" in os.environ:
        kept["HOME"] = os.environ["HOME"]
    return {**kept, **extra}


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    timeout_s: float,
    cwd: Path | None = None,
    check: bool = True,
    on_line: Callable[[str], None] | None = None,
    stop: Callable[[int], bool] | None = None,
) -> Completed:
    """Run `command` to its end; its stderr goes to the log and to `on_line`, a redacted line at a time.

    The log takes them as info where somebody listens, else as debug.

    `stop` is asked about every second, with the pid; when it says so, the run ends as if it had run too long.

    Raises:
        CommandFailed: it ended with another code than 0 and `check` is true, or ran longer than `timeout_s`.
        FileNotFoundError, PermissionError: there is no such program.
    """
    words = [os.fspath(word) for word in command]
    log.debug("+ %s", shlex.join(words))
    lines = Lines(REDACTOR)
    said: list[str] = []

    def heard(some: Iterator[str]) -> None:
        for line in some:
            log.log(logging.INFO if on_line else logging.DEBUG, "| %s", line)
            said.append(line)
            if on_line:
                on_line(line)

    stdout = bytearray()
    with _started(words, env, cwd) as child:
        deadline = time.monotonic() + timeout_s
        in_time = _read(child, deadline, stdout.extend, lambda chunk: heard(lines.feed(chunk)), stop)
        heard(lines.close())
        exit_code = child.wait() if in_time else None
    completed = Completed(tuple(words), exit_code or 0, stdout.decode("utf-8", "replace"), "\n".join(said))
    if exit_code is None or (check and exit_code != 0):
        raise CommandFailed(words, exit_code, completed.stdout, completed.stderr)
    return completed


class _Reaper:
    """A process that outlives us by a moment and kills the groups of commands that we could not end: after SIGKILL.

    One for all commands: a shell at the other end of a pipe, told in a line which groups there are. The pipe ends when
    we do, whatever ended us. (PR_SET_PDEATHSIG would kill the command alone, not what it started.)
    """

    _SCRIPT = 'while read -r line; do groups=$line; done; for group in $groups; do kill -KILL "-$group"; done'

    def __init__(self) -> None:
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._lock = threading.Lock()
        self._groups: set[int] = set()
        self._shell: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Be there before the first command is; commands run all the same where it cannot."""
        with self._lock, contextlib.suppress(OSError):
            if self._shell is None:
                self._shell = subprocess.Popen(
                    ["/bin/sh", "-c", self._SCRIPT],
                    # It lives as long as we do: without a secret, and in no folder that somebody may want to remove.
                    env={},
                    cwd="/",
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                    bufsize=0,
                )
                self._tell()

    def add(self, group: int) -> None:
        with self._lock:
            self._groups.add(group)
            self._tell()

    def remove(self, group: int) -> None:
        with self._lock:
            self._groups.discard(group)
            self._tell()

    def forget(self) -> None:
        """In a fork of ours: it has commands of its own, and must not keep the pipe open."""
        if self._shell is not None and self._shell.stdin is not None:
            self._shell.stdin.close()
            self._shell.returncode = 0  # it is no child of the fork
        self._begin_anew()

    def _tell(self) -> None:
        if self._shell is not None and self._shell.stdin is not None:
            try:
                self._shell.stdin.write(b"%s\n" % " ".join(map(str, self._groups)).encode())
            except BrokenPipeError:  # somebody killed it; the next command gets another
                self._shell.stdin.close()
                self._shell.wait()
                self._shell = None


_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_REAPER = _Reaper()
os.register_at_fork(after_in_child=_REAPER.forget)


@contextlib.contextmanager
def _started(words: list[str], env: Mapping[str, str], cwd: Path | None) -> Iterator[subprocess.Popen[bytes]]:
    """The child, in a process group of its own which does not outlive this block, whatever ends it."""
    _REAPER.begin()
    child: subprocess.Popen[bytes] | None = None
    try:
        with _signals_held_back():
            child = subprocess.Popen(
                words,
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # and so a group, which can be killed as a whole
                bufsize=0,  # what a buffer has read, no selector tells of
            )
            _REAPER.add(child.pid)
        yield child
    finally:
        if child:
            _end_group(child)
            _REAPER.remove(child.pid)
            for stream in (child.stdout, child.stderr):
                if stream:
                    stream.close()


@contextlib.contextmanager
def _signals_held_back() -> Iterator[None]:
    """What this process does at a signal it does at the end of this block: raised within `Popen`, nobody would know of
    the child that runs already. (A mask would be inherited by the child.)
    """
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield  # no handler runs here
        return
    ours = {one: handler for one in _ENDING if callable(handler := signal.getsignal(one))}
    for one in ours:
        signal.signal(one, lambda number, _frame: came.append(number))
    try:
        yield
    finally:
        for one, handler in ours.items():
            signal.signal(one, handler)
        for number in came:
            signal.raise_signal(number)


def _end_group(child: subprocess.Popen[bytes], grace_s: float = 5) -> None:
    """TERM, then KILL, to everything the child started; what has ended already needs nothing."""
    if child.poll() is None:
        _signal_group(child.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(grace_s)  # time to remove what is half-made
    _signal_group(child.pid, signal.SIGKILL)  # also grandchildren that outlived the child
    child.wait()


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _read(
    child: subprocess.Popen[bytes],
    deadline: float,
    on_stdout: Callable[[bytes], None],
    on_stderr: Callable[[bytes], None],
    stop: Callable[[int], bool] | None,
) -> bool:
    """Read both streams until the child and its streams end; False when `deadline` or `stop` came first."""
    with selectors.DefaultSelector() as selector:
        assert child.stdout is not None
        assert child.stderr is not None
        selector.register(child.stdout, selectors.EVENT_READ, on_stdout)
        selector.register(child.stderr, selectors.EVENT_READ, on_stderr)
        while selector.get_map():
            # A second at most, for `stop` is asked and does not call.
            ready = selector.select(min(1.0, max(0.0, deadline - time.monotonic())))
            for key, _ in ready:
                chunk = os.read(key.fd, 1 << 16)  # as much as a pipe holds (pipe(7))
                if chunk:
                    key.data(chunk)
                else:
                    selector.unregister(key.fileobj)
            if time.monotonic() >= deadline or (stop and stop(child.pid)):
                return False
            if not ready and child.poll() is not None:
                return True  # a grandchild keeps a stream open; the child's own words are all read
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(max(0.0, deadline - time.monotonic()))
        return True
    return False
