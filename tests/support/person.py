"""A person who does what a refusal advises, to the letter, and neither thinks nor looks anything up.

`Person.go` runs the tool, does what the fix of each problem says, and runs it again, until there is a build or until
all that is left is for somebody who knows more to decide. A fix that says nothing which can be done, or that changes
nothing, fails the test: a hint is a promise.
"""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.support.tool import Tool

_MAX_ROUNDS = 12
_FLAG = r"--[a-z][a-z-]*(?: (?!--)[^\s;,]+)?"
_END = r"(?:$|, or | or | \(|; (?!\w+_)|, the |, and |\. )"
"""What follows the text that is to be written."""
_DECISIONS = (
    r"^decide\b", r"is this the right (?:file|index)\b", r"\bthat this is the (?:right|requirements) file\b",
    r"\bthat this is the pylock\.toml$", r"^correct (?:the|its|it|--extra)\b",
    r"^check the line$", r"^fetch (?:the file|it) again\b", r"^publish\b",
    r"^choose\b", r"^change (?:one of|the pins)\b", r"^use another\b", r"^write the value itself$", r"^ask\b",
    r"^compare\b", r"^write it like\b", r"\b(?:name==version|NAME==VERSION|==<version>|==VERSION)", r"^make its wheel",
    r"^pin (?:a|another|it with a hash)\b", r"^(?:no version|no other version|leave one of)\b", r"^nothing\b",
    r"^keep the lines of one side\b", r"^try again\b", r"^in (?:that|the) environment\b",
    r"^name (?:it|one|another|a file|the)\b", r"^in its folder: ", r"^conda env create ", r"^list it as pins: ",
    r"^export again\b", r"\binstall what its build needs", r"^write at least one\b",
    r"^compile what it was made from", r"^(?:in \S+, )?run\b", r"^read the\b",
    r"\block again\b", r"^(?:correct|leave) (?:--extra|--group|flag)\b", r"^(?:use|ask) an index that has\b",
    r"; the index named none in time$", r"^(?:make room|make it|set (?:TMPDIR|another))\b",
)  # fmt: skip
"""How fixes begin, or what they hold, that ask for what only a person knows, or for another tool."""


def can_follow(fix: str) -> bool:
    """Whether the fix says what to do, or that somebody is to decide."""
    return _is_decision(fix) or _action(fix) is not None


@dataclass(frozen=True)
class Ended:
    """How it went."""

    rounds: int
    """Runs of the tool."""
    is_built: bool
    """Else what is left is for a person to decide."""
    told: tuple[str, ...]
    """Each problem that was told, in order."""


@dataclass
class Person:
    """Has a file, and the flags of the last call."""

    tool: Tool
    file: Path
    command: str = "build"
    """What is to succeed; `check` only reads."""
    flags: list[str] = field(default_factory=list)
    compile_flags: list[str] = field(default_factory=list)
    """Those of the next `compile`."""
    env: Mapping[str, str] = field(default_factory=dict)
    chance: Random = field(default_factory=lambda: Random(1))
    """Takes one of several ways where the fix leaves the choice."""

    def go(self) -> Ended:
        """Run it, and follow what it says, again and again."""
        told: list[str] = []
        seen = [self._state()]
        for number in range(1, _MAX_ROUNDS + 1):
            done = self.tool.run(self.command, "--json", "-r", self.file, *self.flags, **self.env)
            if done.code == 0:
                return Ended(number, True, tuple(told))
            problems = done.json["error"]["problems"]
            told += [f"{number}. {one['where']}: {one['what']}; fix: {one['fix']}" for one in problems]
            if not self._follow(problems):
                return Ended(number, False, tuple(told))
            assert self._state() not in seen, "following the advice leads nowhere:\n" + "\n".join(told)
            seen.append(self._state())
        raise AssertionError("following the advice never ends:\n" + "\n".join(told))

    def _state(self) -> object:
        files = {path.name: path.read_bytes() for path in self.tool.folder.iterdir() if path.is_file()}
        return self.file, files, sorted(self.flags), sorted(self.compile_flags)

    def _follow(self, problems: list[dict[str, str]]) -> bool:
        """Do what all of them say, the last line first, so that the numbers of the others stay right."""
        is_any_done, commands = False, {}
        for problem in sorted(problems, key=_line_of, reverse=True):
            fix = self._chosen(problem["fix"])
            if _is_decision(fix):
                continue
            action = _action(fix)
            assert action, f"nobody can follow: {problem}"
            if action is Person.run:
                commands[fix] = problem
            else:
                action(self, fix, problem)
                is_any_done = True
        return sum(self.run(fix, problem) for fix, problem in commands.items()) > 0 or is_any_done

    def _chosen(self, fix: str) -> str:
        """One of the ways, where the reader is to decide between them."""
        ways = fix.removeprefix("you decide: ").split("; or ")
        return self.chance.choice(ways) if fix.startswith("you decide: ") else fix

    # --- what can be done

    def run(self, fix: str, problem: Mapping[str, str]) -> bool:
        """A command of ours, as it stands; what it says when it refuses is followed too. Whether anything was done."""
        found = re.search(r"\bvenvbuild (compile .+?)(?:$|; |, and )", fix)
        assert found, fix
        done = self.tool.run(*shlex.split(found[1]), *self.compile_flags, "--json", **self.env)
        if done.code:
            count = len(self.flags)
            is_any_done = self._follow(done.json["error"]["problems"])
            self.compile_flags += self.flags[count:]  # what it advised is for its own next call as well
            return is_any_done
        self.take_flags(fix, problem)
        return True

    def remove(self, fix: str, problem: Mapping[str, str]) -> None:
        self._replace(problem, lambda _: [])
        self.take_flags(fix, problem)
        if "remove the line and --" in fix:
            self.drop_flags(fix, problem)

    def drop_flags(self, fix: str, _: Mapping[str, str]) -> None:
        """Call it without these the next time."""
        pairs = [*zip(self.flags[::2], self.flags[1::2], strict=True)]
        self.flags = [word for pair in pairs if " ".join(pair) not in re.findall(_FLAG, fix) for word in pair]

    def write(self, fix: str, problem: Mapping[str, str]) -> None:
        found = re.search(rf"\b(?:write|for instance) (?!one )(.+?)(?: on lines? \d+| without its hashes)?{_END}", fix)
        assert found, fix
        lines = re.search(r" on lines? (\d+(?:(?:, | and )\d+)*)", fix)
        elsewhere = [f"{self.file}:{number}" for number in re.findall(r"\d+", lines[1])] if lines else []
        for where in elsewhere or [problem["where"]]:
            self._replace({"where": where}, lambda _: [found[1]])
        self.take_flags(fix, problem)

    def leave_out(self, fix: str, problem: Mapping[str, str]) -> None:
        option = re.findall(r"--?[\w-]+", fix)[0]
        self._replace(problem, lambda text: [re.sub(rf"\s{option}(?:[= ](?!-)[^\s\\]+)?", "", text)])
        self.take_flags(fix, problem)

    def add(self, fix: str, problem: Mapping[str, str]) -> None:
        found = re.search(r"\badd (?:the lines? )?(.+?)(?:$|; | and )", fix)
        assert found, fix
        with self.file.open("a") as file:
            file.write("".join(f"{line}\n" for line in found[1].split(", ")))
        self.take_flags(fix, problem)

    def take_flags(self, fix: str, _: Mapping[str, str]) -> None:
        """Those that the next call is to have: of `build with --a b --c d`, and after a colon at the end."""
        found = re.search(rf"(?:\bbuild with |: |\bcall it with )({_FLAG}(?: {_FLAG})*)", fix)
        words = shlex.split(found[1]) if found else []
        named = re.search(r"\bbuild with -r (\S+)", fix)
        if named:
            self.file = self.tool.folder / named[1]
        self.flags += words if words[:2] not in [self.flags[n : n + 2] for n in range(len(self.flags))] else []

    def save(self, _: str, problem: Mapping[str, str]) -> None:
        """The same text as an editor writes it."""
        path = self.tool.folder / re.sub(r":\d+$", "", problem["where"])
        path.write_text("\n".join(path.read_bytes().decode("utf-8-sig", "replace").splitlines()) + "\n", "utf-8")

    def use_completed(self, fix: str, _: Mapping[str, str]) -> None:
        self.file = self.tool.folder / fix.removeprefix("use the completed file, ").partition(",")[0]

    def change(self, fix: str, problem: Mapping[str, str]) -> None:
        """What is done to the text of one line."""
        self._replace(problem, lambda text: _EDITS[fix](text).split("\n"))

    def _replace(self, problem: Mapping[str, str], made: Callable[[str], list[str]]) -> None:
        """The whole requirement at this line, with what a backslash joins to it."""
        path = self.tool.folder / problem["where"].rpartition(":")[0]
        lines = path.read_text("utf-8").split("\n")
        first = last = _line_of(problem) - 1
        while lines[last].endswith("\\") and last + 1 < len(lines):
            last += 1
        lines[first : last + 1] = made("\n".join(lines[first : last + 1]))
        path.write_text("\n".join(lines), "utf-8")


def _line_of(problem: Mapping[str, str]) -> int:
    found = re.search(r":(\d+)$", problem["where"])
    return int(found[1]) if found else 0


def _ascii(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return plain.replace("  ", " ")


_EDITS: Mapping[str, Callable[[str], str]] = {
    "type it again in ASCII": _ascii,
    "put a blank before the `#`": lambda text: text.replace("#", " #", 1),
    "put each on a line of its own": lambda text: re.sub(r"[,\s]+", "\n", text),
    "remove the blanks after the backslash, or the backslash": lambda text: text.replace("\\", ""),
    "remove the character": lambda text: "".join(one for one in text if one.isprintable()),
}
_RULES: tuple[tuple[str, Callable[[Person, str, Mapping[str, str]], object]], ...] = (
    (r"\bvenvbuild compile ", Person.run),
    (r"\b(?:remove|delete) (?:the line|it)\b|\bkeep one of\b", Person.remove),
    (r"^leave out --", Person.drop_flags),
    (r"^write the line without -", Person.leave_out),
    (r"^save the file\b", Person.save),
    (r"^use the completed file, ", Person.use_completed),
    (r"\bwrite \S|^did you mean ==\? ", Person.write),
    (r"\badd \S", Person.add),
    (rf"(?:\bbuild with |: ){_FLAG}", Person.take_flags),
)
"""What a fix holds -> what is done; the first that fits."""


def _is_decision(fix: str) -> bool:
    return any(re.search(pattern, fix) for pattern in _DECISIONS)


def _action(fix: str) -> Callable[[Person, str, Mapping[str, str]], object] | None:
    if fix in _EDITS:
        return Person.change
    return next((do for pattern, do in _RULES if re.search(pattern, fix)), None)
