"""Whatever an enemy wrote into a store, a package or the name of a file: what a command shows of it is harmless."""

from __future__ import annotations

import csv
import dataclasses
import importlib
import io
import json
import re
import shutil
import sys
import tarfile
import unicodedata
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest

from athena import rows
from tests.support import foreign, projects, releases
from tests.support.builds import DESCRIPTION, put_build, version
from tests.support.scripted import put_whole
from tests.support.terminal import at_a_terminal
from tests.support.tool import Ended, Tool
from tests.support.wheels import unpack, wheel
from venvbuild import builds
from venvbuild.builds import places
from venvbuild.commands import COMMANDS
from venvbuild.snowflake import Record
from venvbuild.stores import Store, open_store

PASSWORD = "hunter2-Canary-77"
URL = f"https://robot:{PASSWORD}@ci.example.com/job/e/42/"
OF_A_PACKAGE = "https://robot:sw0rdfish-Canary-78@example.com/x.whl"
"""With a password that nobody told the redactor."""
BAR = "\r\x1b[K"
"""The one sequence that is ours: it clears the line."""
HONEST = "👩\u200d💻 می\u200cخواهم e\u0301"
"""Joiners and marks that words and pictures are not themselves without."""
WORD = (
    "=cmd|'!A0\x1b[31m\x1b]0;t\x07\x1b]8;;x\x07\x1b]52;c;QQ==\x07\x9b1A\x7f\u202e\u2066\u200e\u200f\u061c\u200b\u2060"
    "\ufeff\U000e0041\x08"
)
"""Of what is no white space."""
EVIL = f"{WORD}\x85\u2028\u2029\rFORGED\r\nFORGED: a line\n\ttab {HONEST}"
"""It may be the name of a file, too."""


# --- what is shown


def judge(said: str, what: str) -> None:
    """No character of `said` does anything to a screen, no secret is in it, and no line of it is the enemy's."""
    for character in set(said) - set("\n\t\u200c\u200d"):
        assert unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp"), f"{character!a} of {what}"
    assert "Canary" not in said, what
    # In CSV a line break stands between quotes.
    assert "csv" in what or not re.search("^FORGED", said, re.MULTILINE), what


def judge_cells(text: str, what: str) -> None:
    for row in csv.reader(io.StringIO(text)):
        for cell in row:
            is_number = re.fullmatch(r"-?[0-9.]+(e-?[0-9]+)?", cell)
            assert is_number or not re.match(r'[\s"]*[=+\-@\t\r\n]', cell), f"{cell!a} of {what}"


# --- who shows it


def leaves() -> dict[str, click.Command]:
    """Every command, those of groups by all their words."""
    found: dict[str, click.Command] = {}
    for name, module in COMMANDS.items():
        found |= leaves_of(name, importlib.import_module(f"venvbuild.commands.{module}").command)
    return found


def leaves_of(name: str, command: click.Command) -> dict[str, click.Command]:
    if not isinstance(command, click.Group):
        return {name: command}
    return {
        words: one
        for own, inner in command.commands.items()
        for words, one in leaves_of(f"{name} {own}", inner).items()
    }


DESCRIPTIONS = ("evil.toml", "odd.toml", "evil.yaml", "tag.yml")


@dataclass
class Place:
    """A machine among enemies."""

    tool: Tool
    hostile: str
    """A build whose every text is the enemy's."""
    scripted: str
    venv: Path
    archive: Path

    def walks(self) -> dict[str, list[list[str | Path]]]:
        """How each command is made to show what the enemy wrote; a new one has to be here, too."""
        work: list[str | Path] = ["--work-dir", self.tool.work]
        step: list[str | Path] = ["--work-dir", self.tool.folder / "steps"]
        return {
            "compile": [["good.in", "-o", "out.txt"], ["evil.in", "-o", "out.txt"], ["odd.in"], [EVIL]],
            "build": [["-r", "evil.txt"], ["-r", "good.txt", *work, "--env-name", "sales"]],
            "check": [
                ["-r", EVIL],
                ["-r", "pylock.evil.toml", "--extra", EVIL],
                ["-r", "pylock.odd.toml", "--group", EVIL],
                ["-r", "good.txt", "--env-name", EVIL],
                ["-r", "good.txt", *step],
            ],
            "create": [step],
            "inspect": [step],
            "pack": [step, ["--venv", self.venv, "-o", "packed.tar.gz"]],
            "describe": [step],
            "upload": [step],
            "register": [step],
            "summary": [work],
            "report": [work],
            "notify": [["failure", "--dry-run", *work]],
            "list": [[], ["--env-name", EVIL], ["--limit", "-1"]],
            "show": [[self.hostile], [self.scripted], [EVIL], [f"sales@{EVIL}"]],
            "lock": [[self.hostile], ["sales@latest"], [self.scripted], [EVIL]],
            "find": [["good"], ["odd"], [EVIL], ["--yanked"]],
            "count": [["good"]],
            "diff": [[self.hostile, self.scripted]],
            "query": [["all.sql"], ["packages.sql"], [EVIL]],
            "table create": [["--dry-run", "--engine", "trino", "--location", f"s3://b/{EVIL}"]],
            "table show": [[]],
            "table drop": [["--dry-run", "--engine", "trino"]],
            "table compact": [[]],
            "table files": [[], ["--tail"]],
            "table sync": [["--dry-run"]],
            "table check": [[], ["--deep"]],
            "get": [
                ["--from-archive", self.archive, f"got {EVIL}"],
                [self.hostile, "got-hostile"],
                ["sales@latest", "got"],
            ],
            "verify": [[self.hostile], [self.scripted], ["sales@latest"]],
            "export": [
                [self.hostile, "--for", "spark"],
                ["sales@latest", "--for", "spark", "-o", f"{WORD}.tar.gz"],
                ["sales@latest", "--for", "spark", "-o", f"{EVIL}/x.tar.gz"],
                ["sales@latest", "--for", "airflow"],
                ["sales@latest", "--for", "jupyter"],
                ["--list"],
            ],
            "import": [["theirs", "--env-name", "moved"], [EVIL, "--env-name", "moved"]],
            "snowflake sync": [
                ["--stage", f"@A.B.{EVIL}", "-r", "good.txt"],
                ["--stage", "@A.B.C", "-r", "good.txt", "--dry-run", "--artifact-repository", EVIL],
                ["--stage", "@A.B.C", "-r", "good.txt", "--connection", EVIL],
                ["--stage", "@A.B.C", "-r", "good.txt", "--dry-run"],
                ["--stage", "@A.B.C", "-r", "pylock.odd.toml", "--group", EVIL, "--dry-run"],
            ],
            "snowflake zip": [
                ["-o", "out.zip", "-r", "good.txt"],
                ["-o", EVIL, "-r", "evil.txt", "--zip-name", EVIL],
                ["-o", "out.zip", "--from", EVIL, "--python", EVIL],
                ["-o", "out.zip", "-r", "good.txt", "--allow-host", EVIL],
                ["-o", "out.zip", "-r", "pylock.odd.toml", "--extra", EVIL],
            ],
            "snowflake stage list": [["--stage", f"@A.B.{EVIL}"], ["--stage", "@A.B.C", "--connection", EVIL]],
            "snowflake stage prune": [["--stage", f"@A.B.{EVIL}", "--keep", "1"]],
            "snowflake where": [["good"], [EVIL]],
            "snowflake repository init": [
                ["--from-settings", "-f", EVIL],
                ["--from-settings", "--index-url", EVIL],
                ["--from-account", EVIL],
                ["--from-account", "a.b.c", "--connection", EVIL],
            ],
            "snowflake repository check": [["-f", name] for name in (EVIL, *DESCRIPTIONS)],
            "snowflake repository plan": [
                ["-f", "evil.toml"],
                ["-f", "odd.toml"],
                ["-f", "odd.toml", "--connection", EVIL],
                ["-f", "odd.toml", "--rotate-secret", EVIL],
            ],
            "snowflake repository apply": [
                ["-f", "evil.toml"],
                ["-f", "odd.toml", "--connection", EVIL],
                ["-f", "odd.toml", "--plan", EVIL],
                ["-f", "odd.toml", "--plan", "evil.json"],
            ],
            "snowflake repository destroy": [["-f", "evil.toml"], ["-f", "odd.toml", "--connection", EVIL]],
            "snowflake repository doctor": [
                ["-f", "evil.toml"],
                ["-f", "odd.toml", EVIL],
                ["-f", "odd.toml", "--package", EVIL],
                ["-f", "odd.toml", "--build", EVIL],
                ["-f", "odd.toml", "--connection", EVIL],
            ],
            "snowflake repository egress": [[], ["--answer", EVIL], ["--answer", "evil.json"]],
            "snowflake repository privatelink status": [[], ["--connection", EVIL]],
            "snowflake repository privatelink provision": [["-f", "evil.toml"], ["-f", "odd.toml"]],
            "snowflake repository uses": [["good", "--connection", EVIL], [EVIL], ["good", "--repository", EVIL]],
            "release status": [["--project", "released"], ["--project", EVIL], ["--project", "misreleased"]],
            "release plan": [["--project", "released", *more] for more in ([], ["minor"], [EVIL])],
            "release bump": [
                ["--project", "released"],
                ["--project", "released", EVIL],
                ["--project", "released", "minor", "--date", EVIL],
                ["--project", "released", "minor", "--pre", EVIL],
                ["--project", "misreleased", "minor", "--tag-format", EVIL, "--changelog", EVIL],
            ],
            "release build": [["--project", "released"], ["--project", "misreleased"]],
            "release check": [["--project", "released"], ["--project", "released", "--python", EVIL]],
            "release tag": [["--project", "released"], ["--project", "released", EVIL]],
            "release publish": [
                ["--project", EVIL],
                ["--project", "released"],
                ["--project", "built", "--backend", EVIL, "--index-url", EVIL, "--upload-url", URL],
                ["--project", "built", "--ca-file", EVIL],
                ["--project", "misreleased"],
            ],
            "release verify": [
                [EVIL],
                [f"{EVIL}=={EVIL}", "--upload-url", "https://h/u/", "--index-url", self.tool.index.url()],
                ["odd==7", "--upload-url", "https://h/u/", "--index-url", self.tool.index.url()],
            ],
            "release run": [
                ["--project", "released"],
                ["--project", "released", EVIL],
                ["--project", "released", "minor", "--until", EVIL],
                ["--project", "misreleased", "--from-tag"],
            ],
            "release rollback": [
                ["--project", "released"],
                ["--project", "released", EVIL],
                ["--project", EVIL],
                ["--project", "misreleased"],
            ],
            "promote": [[self.hostile, "prod"], [self.hostile, EVIL], ["--undo", f"{EVIL}@{EVIL}"]],
            "aliases": [[], ["--history"], [EVIL]],
            "cache dir": [[], ["uv"]],
            "cache size": [[]],
            "cache prune": [["--dry-run"], ["--package", EVIL]],
            "config": [[]],
            "completion": [["bash"], [EVIL]],
            "doctor": [[]],
        }


def shapes_of(command: click.Command, *, is_first: bool) -> list[list[str]]:
    options = {flag for one in command.params for flag in one.opts}
    formats = [one.type for one in command.params if "--format" in one.opts and isinstance(one.type, click.Choice)]
    shapes = [["--format", form] for one in formats for form in one.choices if form != "json"] or [[]]
    # That JSON escapes them shows once.
    return [*shapes, ["--json"]] if is_first and "--json" in options else shapes


# --- what they wrote


def worst(rule: dict[str, Any], valid: Any) -> Any:
    """The worst of the enemy's texts that may stand where `valid` does."""
    if isinstance(valid, str | None):
        pattern = rule.get("pattern", "")
        return next(text for tail in (EVIL, WORD, "") if re.search(pattern, text := f"{valid or ''}{tail}"))
    if isinstance(valid, list):
        return [worst(rule["items"], one) for one in valid]
    if isinstance(valid, dict) and "properties" not in rule:
        return {**valid, EVIL: 1.0}
    is_record = isinstance(valid, dict)
    return {name: worst(rule["properties"][name], one) for name, one in valid.items()} if is_record else valid


def hostile_fields() -> dict[str, Any]:
    """Every text of metadata.json that a claim does not give, at its worst."""
    rules = builds.schema()["properties"]
    valid = {
        **DESCRIPTION, "conflicts": [""], "installed_packages": ["good==1.0", "odd==-1"], "is_conflict_free": False,
        "imported_from": {"archive": URL, "archive_sha256": "a" * 64, "venv_version": "", "created_at": ""},
        "build_url": URL,
    }  # fmt: skip
    # What is judged before anything of it is shown.
    exact = {"requirements_sha256", "archive_sha256", "archive_size_bytes", "env_name", "python_version"}
    return {name: value if name in exact else worst(rules[name], value) for name, value in valid.items()}


def put_rows(store: Store) -> None:
    """A row that no metadata.json has, with a text of the enemy's wherever the table has one; and one that is none."""
    name = version(7)
    row: dict[str, Any] = {"venv_version": name, "created_at": f"{builds.instant_of(name):%Y-%m-%d %H:%M:%S}"}
    of_types = {"string": EVIL, "array<string>": [EVIL, "-1"], "boolean": False, "bigint": -1}
    of_names = {"requires": {"abi": EVIL, "glibc": WORD}, "duration_s": {EVIL: -1.0}, "imported_from": {"archive": URL}}
    for column in rows.columns():
        row.setdefault(column.name, of_names.get(column.name, of_types.get(column.type)))
    day = f"venv-catalog/builds/dt={row['created_at'][:10]}"
    store.put_if_absent(f"{day}/{name}.json", json.dumps({**row, "build_url": URL + EVIL}).encode())
    store.put_if_absent(f"{day}/{EVIL}.json", json.dumps({**row, "created_at": EVIL}).encode())


def put_projects(folder: Path) -> None:
    """A project whose names are the enemy's, and one that nothing can read."""
    released = projects.repo(folder / "for-released").folder
    released.rename(folder / "released")
    (folder / "released" / EVIL).touch()
    (folder / "released" / "CHANGELOG.md").write_text(f"## [Unreleased]\n\n### {WORD}\n- {EVIL}\n\n## [{WORD}]\n")
    (folder / "released" / "dist").mkdir()
    (folder / "released" / "dist" / EVIL).touch()
    (folder / "released" / "dist" / "venvbuild-release.json").write_text(json.dumps({"schema_version": EVIL}))
    releases.built(folder / "built" / "dist", "1.0.0")
    misreleased = projects.repo(folder / "for-misreleased").folder
    misreleased.rename(folder / "misreleased")
    settings = f"[project]\nname = {json.dumps(EVIL)}\nversion = {json.dumps(EVIL)}\n"
    (folder / "misreleased" / "pyproject.toml").write_text(settings, "utf-8")


@pytest.fixture
def place(tool: Tool) -> Place:
    tool.env.update(BUILD_URL=URL + EVIL, GIT_COMMIT=EVIL, VENVBUILD_NOTIFY_URLS=f"json://127.0.0.1:1/{PASSWORD}")
    put_projects(tool.folder)
    store = open_store(tool.store)
    files = {places.REQUIREMENTS: b"good==1.0\n", places.archive_name(version(1)): b"tar", WORD: b"x"}
    hostile = put_build(store, 1, files, **hostile_fields())
    scripted = put_whole(
        store, version(2), requirements_file=URL + EVIL, venv_archive=f"{URL}{EVIL}.tar.gz", conflicts=[EVIL, URL],
        installed_packages=[f"good==1.0{WORD}", EVIL], created_at=EVIL, is_conflict_free=False,
    )  # fmt: skip
    for one in (hostile, scripted):
        rows.register(store, builds.read_any(store, one))
        store.put_if_absent(builds.key(one, EVIL), b"x")
    Path(tool.stored(hostile), "no text \udce9").touch()
    put_rows(store)
    move = {"venv_version": hostile, "moved_at": "2025-07-22T08:30:00Z", "previous": None}
    store.put_if_absent(f"venv-catalog/aliases/{EVIL}/{EVIL}/1.json", json.dumps(move).encode())
    text = dict.fromkeys([field.name for field in dataclasses.fields(Record)], EVIL)
    record = {**text, "distributions": [f"good=={EVIL}", EVIL], "packages": [EVIL, URL]}
    store.put_if_absent(f"venv-catalog/snowflake/{hostile}/{WORD}.json", json.dumps(record).encode())
    store.put_if_absent(f"venv-catalog/snowflake/{hostile}/{WORD}2.json", EVIL.encode())
    _packages(tool)
    venv, archive = _environment(tool)
    theirs = tool.folder / "theirs"
    (theirs / EVIL).mkdir(parents=True)
    shutil.copy(archive, theirs / EVIL / f"{WORD}.tar.gz")
    told = {"venv_version": EVIL, "venv_archive": f"{URL}{WORD}.tar.gz", "conflicts": [EVIL], "python_version": 3}
    (theirs / EVIL / "metadata.json").write_text(json.dumps(told))
    (tool.folder / "all.sql").write_text("SELECT *, -1 AS n, -1.5 AS f, '=1' AS \"=x\" FROM venv_builds_metadata")
    _descriptions(tool)
    (tool.folder / "packages.sql").write_text("SELECT * FROM venv_packages")
    return Place(tool, hostile, scripted, venv, archive)


def _descriptions(tool: Tool) -> None:
    """Of a repository for Snowflake: one that passes with the enemy's texts, and one that is told of; and an answer."""
    texts = {"comment": EVIL + URL, "grant_usage_to": [WORD], "integration": "i", "index_url": "https://a/simple/"}
    odd = "".join(f"{key} = {json.dumps(value)}\n" for key, value in texts.items())
    link = f"[privatelink]\nservice = {json.dumps(EVIL)}\nhost = 'a'\n"
    (tool.folder / "odd.toml").write_text(
        f"[repository.r]\n{odd}[integration.i]\nallowed_prefixes = ['https://a']\n{link}"
    )
    evil = f"[secret.{json.dumps(EVIL)}]\n{json.dumps(EVIL)} = 1\ntype = {json.dumps(WORD)}\n[repository.r]\n"
    (tool.folder / "evil.toml").write_text(f"{evil}{odd.replace('https://a', URL)}{json.dumps(WORD)} = 2\n")
    twice = json.dumps({EVIL: {"a": 1}, "secret": {EVIL: {EVIL: 1}}, "context": {"schema": EVIL}})
    (tool.folder / "evil.yaml").write_text(f"{twice[:-1]}, {json.dumps(EVIL)}: 2}}")
    tag = "".join(f"%{byte:02x}" for byte in EVIL.encode())
    (tool.folder / "tag.yml").write_text(f"a: !<{tag}> 1\nb: {WORD}: {WORD}\n")
    ranges = [{"ipv4_prefix": "10.0.0.0/8", "usage": EVIL}, {"ipv4_prefix": EVIL}]
    (tool.folder / "evil.json").write_text(json.dumps(ranges[:1]))


def _packages(tool: Tool) -> None:
    """What is built: a package whose every text is the enemy's, as far as an installer takes it."""
    metadata = f"Metadata-Version: 2.1\nName: odd\nVersion: 1.0\nSummary: {WORD}\nProvides-Extra: {WORD}\n"
    metadata += f"Requires-Dist: good\nRequires-Dist: gone @ {OF_A_PACKAGE} ; extra == 'x'\n"
    files = {"odd.py": "", "=odd.py": "", "odd.pth": f"/{WORD}\n"}  # uv takes no name that is not printable
    odd = wheel(tool.index.folder, "odd", "1.0", files=files, metadata=metadata)
    wheel(tool.index.folder, "good", "1.0")
    tool.index.yanked[odd.name] = EVIL
    tool.requirements("good==1.0", "odd==1.0", f"# {HONEST}", name="good.txt")
    tool.requirements(f"good=={WORD}", f"# {EVIL}", f"-i {URL}", name="evil.txt")
    tool.requirements("good", name="good.in")
    tool.requirements("odd", name="odd.in")  # which makes uv tell why it was yanked
    tool.requirements(f"good>={WORD}", f"good @ {URL}", name="evil.in")
    evil = '"' + "".join(f"\\U{ord(one):08X}" for one in EVIL) + '"'
    head = f'lock-version = "1.0"\ncreated-by = {evil}\n'
    wheels = f"[{{ name = {evil}, hashes = {{ {evil} = {evil} }} }}]"
    said = "".join(f"{key} = {evil}\n" for key in ("name", "version", "marker", "requires-python"))
    lists = "".join(f"{key} = [{evil}]\n" for key in ("environments", "extras", "dependency-groups"))
    tool.requirements(f"{head}{lists}[[packages]]\n{said}wheels = {wheels}", name="pylock.evil.toml")
    entry = '[[packages]]\nname = "odd"\ndirectory = { path = "." }'
    tool.requirements(f"{head}dependency-groups = [{evil}]\n{entry}", name="pylock.odd.toml")


def _environment(tool: Tool) -> tuple[Path, Path]:
    """One that somebody else made, and its archive."""
    venv = tool.folder / f"venv {WORD}"
    foreign.by_uv(f"{sys.version_info[0]}.{sys.version_info[1]}", venv)
    [packages] = venv.glob("lib/python*/site-packages")
    info = unpack(wheel(tool.folder / "wheels", "mine", "1.0"), packages)
    (info / "direct_url.json").write_text(json.dumps({"url": URL + EVIL, "dir_info": {"editable": True}}))
    (packages / f"{EVIL}.pth").write_text(f"/outside{WORD}\n{URL}\n")
    (packages / f"__editable__{EVIL}.pth").touch()
    archive = tool.folder / f"{EVIL}.tar.gz"
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(venv, "venv")
    return venv, archive


# --- the walk


def test_no_command_lets_a_screen_obey_what_an_enemy_wrote(place: Place) -> None:
    walks = place.walks()
    assert list(walks) == list(leaves()), "a command must show here that what it prints is harmless"
    found = {name: [harmless(ended, what) for ended, what in run(place, name)] for name in walks}
    shown = {name for name, runs in found.items() if any(runs)}
    # else it was not looked at what is shown
    assert shown >= {
        "compile",
        "list",
        "show",
        "find",
        "diff",
        "query",
        "aliases",
        "verify",
        "pack",
        "get",
        "import",
        "check",
        "snowflake where",
    }
    for path in (place.tool.work / "report").iterdir():
        judge(path.read_text("utf-8"), path.name)
    ElementTree.parse(place.tool.work / "report/junit.xml")


def test_a_terminal_gets_nothing_of_theirs_beside_our_bar(place: Place) -> None:
    env = place.tool.environment()
    for expected, *arguments in ((0, "build", "-r", "good.txt"), (0, "list"), (8, "verify", place.hostile)):
        code, said = at_a_terminal(place.tool.command(*arguments), env, place.tool.folder, columns=400)
        assert code == expected, said
        judge(said.replace(BAR, ""), arguments[0])
        assert r"\x1b" in said
        assert (BAR in said) == (arguments[0] == "build")


def run(place: Place, name: str) -> Iterator[tuple[Ended, str]]:
    for number, arguments in enumerate(place.walks()[name]):
        for shape in shapes_of(leaves()[name], is_first=number == 0):
            yield place.tool.run(*name.split(), *arguments, *shape), f"{name} {' '.join(shape)} {arguments!a}"


def harmless(ended: Ended, what: str) -> bool:
    """Whether something of the enemy's was shown, which is harmless now."""
    assert ended.code != 1, f"{what}: {ended.stderr}"
    judge(ended.stderr, what)
    judge(ended.stdout, what)
    if "--format csv" in what:
        judge_cells(ended.stdout, what)
    if "--json" in what and ended.stdout:
        json.loads(ended.stdout)
    return r"\x1b]52;c;QQ==" in ended.stdout + ended.stderr
