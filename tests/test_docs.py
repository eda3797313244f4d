"""What the documentation promises is what the program does."""

from __future__ import annotations

import configparser
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from venvbuild import __version__, builds, errors
from venvbuild.commands import COMMANDS
from venvbuild.inspection.findings import FAILING, REPORTED
from venvbuild.release import Changelog
from venvbuild.settings import SETTINGS, Setting

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/*.md"), REPOSITORY / "benchmarks" / "README.md"])
REFERENCE = (REPOSITORY / "docs" / "reference.md").read_text("utf-8")


def section(title: str) -> str:
    """The text of one section of docs/reference.md, without its subsections' end."""
    level = re.search(rf"^(#+) {re.escape(title)}$", REFERENCE, re.MULTILINE)
    assert level, f"docs/reference.md has no section {title!r}"
    rest = REFERENCE[level.end() :]
    end = re.search(rf"^#{{1,{len(level[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def rows(title: str) -> dict[str, list[str]]:
    """The rows of a section's tables by their first cell, without its backquotes."""
    lines = re.findall(r"^\| (.*) \|$", section(title), re.MULTILINE)
    cells = [re.split(r" (?<!\\)\| ", line) for line in lines]
    return {row[0].replace("`", ""): row[1:] for row in cells if not set(row[0]) <= {"-", "|"}}


def command_of(name: str) -> click.Command:
    command: click.Command = importlib.import_module(f"venvbuild.commands.{COMMANDS[name]}").command
    return command


def flags(command: click.Command) -> Iterator[str]:
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        yield from flags(inner)
    for option in command.params:
        if isinstance(option, click.Option):
            yield from (*option.opts, *option.secondary_opts)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_in_the_reference_with_all_its_flags(name: str) -> None:
    assert [row for row in rows("Commands") if re.fullmatch(rf"venvbuild {name}( [A-Za-z]+)*", row)]
    missing = [flag for flag in flags(command_of(name)) if f"`{flag}" not in section("Flags")]
    assert missing == []


def test_no_command_or_flag_is_documented_that_does_not_exist() -> None:
    documented = re.findall(r"^\| `venvbuild ([a-z]+)", REFERENCE, re.MULTILINE)
    assert list(dict.fromkeys(documented)) == list(COMMANDS)
    known = {flag for name in COMMANDS for flag in flags(command_of(name))}
    assert set(re.findall(r"`(--?[a-z][a-z-]*)", section("Flags"))) - {"--version", "-h", "--help", "--json"} <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_each_venvbuild_command_line_of_a_page_exists(page: Path) -> None:
    lines = re.findall(r"^(?:\$ )?(?:bin/)?venvbuild ([a-z]+)(.*)$", page.read_text("utf-8"), re.MULTILINE)
    for name, rest in lines:
        assert name in COMMANDS
        assert set(re.findall(r"(?<= )--?[a-z][a-z-]*", rest)) <= set(flags(command_of(name)))


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_a_setting_is_in_the_reference_with_its_variable_flag_and_default(setting: Setting) -> None:
    variable, flag, default = rows("Settings")[setting.name]
    assert variable == f"`{setting.env}`"
    is_a_flag = any(setting.flag in flags(command_of(name)) for name in COMMANDS)
    assert flag == (f"`{setting.flag}`" if is_a_flag else "no flag")
    if setting.default not in (None, ()):
        assert default.startswith(f"`{str(setting.default).lower()}`")


def test_every_exit_code_is_in_the_reference() -> None:
    classes = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.VenvBuildError)]
    codes = {0, 130, 141, errors.Terminated.exit_code} | {one.exit_code for one in classes}
    assert {int(code) for code in rows("Exit codes") if code.isdigit()} == codes


def test_every_field_of_the_metadata_is_in_the_reference_in_order() -> None:
    documented = [name for name in rows("metadata.json") if name != "field"]
    assert documented == list(builds.schema()["properties"])


def test_every_type_of_finding_is_in_the_reference() -> None:
    words = set(re.findall(r"`([a-z-]+)`", section("Files of a build")))
    assert words >= FAILING | REPORTED


def test_the_first_screen_of_the_readme_shows_the_two_commands() -> None:
    first_screen = (REPOSITORY / "README.md").read_text("utf-8").splitlines()[:60]
    assert "bin/venvbuild build -r examples/kedro/requirements.txt --env-name demo" in first_screen
    assert "bin/test" in first_screen
    assert (REPOSITORY / "examples" / "kedro" / "requirements.txt").is_file()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    for target, _, anchor in re.findall(r"\]\((?!https?://)([^)#]*)(#?)([^)]*)\)", page.read_text("utf-8")):
        linked = page.parent / target if target else page
        assert linked.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.*)$", linked.read_text("utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^a-z0-9 _-]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_changelog_begins_with_what_is_unreleased_and_its_newest_version_is_the_packages() -> None:
    changelog = Changelog.read(REPOSITORY / "CHANGELOG.md")
    assert changelog
    headings = re.findall(r"^## (.*)$", "".join(changelog.lines), re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    # none before the first release: its number is in the package, and `release bump` makes its heading
    assert changelog.versions[:1] in ((), (__version__,))


def test_what_setup_cfg_installs_is_what_the_base_lock_is_compiled_from() -> None:
    setup = configparser.ConfigParser()
    setup.read(REPOSITORY / "setup.cfg")
    required = setup["options"]["install_requires"].split("\n")
    listed = (REPOSITORY / "locks" / "base.in").read_text("utf-8").split("\n")
    assert [line for line in required if line] == [line for line in listed if line and not line.startswith("#")]


@pytest.mark.parametrize("package", ["venvbuild", "athena"])
def test_what_is_installed_has_every_file_that_is_no_module(package: str) -> None:
    setup = configparser.ConfigParser()
    setup.read(REPOSITORY / "setup.cfg")
    folder = REPOSITORY / package
    listed = [pattern.strip() for pattern in setup["options.package_data"][package].split(",")]
    files = {path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert {path for pattern in listed for path in folder.glob(pattern)} == files


def test_the_base_lock_pins_each_of_them_with_hashes() -> None:
    lock = (REPOSITORY / "locks" / "base.txt").read_text("utf-8")
    for line in (REPOSITORY / "locks" / "base.in").read_text("utf-8").splitlines():
        name = re.split(r"[<>=; ]", line)[0]
        assert re.search(rf"^{name}==\S+( ; .*)? \\\n +--hash=sha256:", lock, re.MULTILINE), name


def test_the_constraints_of_an_installation_are_the_versions_of_the_base_lock() -> None:
    lock = (REPOSITORY / "locks" / "base.txt").read_text("utf-8")
    versions = (REPOSITORY / "locks" / "base-versions.txt").read_text("utf-8")
    assert versions.splitlines() == re.findall(r"^(\w\S*==.*?) \\$", lock, re.MULTILINE)


def test_each_extra_has_a_lock_of_what_setup_cfg_asks_for() -> None:
    setup = configparser.ConfigParser()
    setup.read(REPOSITORY / "setup.cfg")
    for extra, wanted in setup["options.extras_require"].items():
        # where venvbuild/extras.py finds it when the tool was installed
        assert f"locks/{extra}.txt" in setup["options.data_files"]["share/venvbuild/locks"].split(", ")
        listed = (REPOSITORY / "locks" / f"{extra}.in").read_text("utf-8").splitlines()
        assert [line for line in listed if not line.startswith(("-c", "#"))] == wanted.split()
        lock = "\n" + (REPOSITORY / "locks" / f"{extra}.txt").read_text("utf-8")
        assert f"\n{re.split('[<>=]', wanted.split()[0])[0]}==" in lock
