"""Which value counts, where it came from, and what is not followed."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.requirement import require
from venvbuild.errors import RequirementsRefused, UsageError
from venvbuild.settings import installers, loading, registry
from venvbuild.settings.folders import Folders
from venvbuild.settings.installers import certificates
from venvbuild.settings.loading import Settings
from venvbuild.settings.registry import SETTINGS


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def load(home: Path, flags: Mapping[str, object] | None = None, config: Path | None = None, **environ: str) -> Settings:
    return load_from(home, environ, flags, config)


def load_from(
    home: Path, environ: Mapping[str, str], flags: Mapping[str, object] | None = None, config: Path | None = None
) -> Settings:
    return loading.load(flags or {}, {"HOME": str(home), "XDG_CONFIG_DIRS": str(home / "none"), **environ}, config)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_flag_beats_environment_beats_file_beats_default(home: Path) -> None:
    assert load(home).env_name == "default"
    write(home / ".config/venvbuild/config.toml", 'env_name = "file"\n')
    assert load(home).env_name == "file"
    assert load(home, ENV_NAME="environment").env_name == "environment"
    found = load(home, {"env_name": "flag"}, ENV_NAME="environment")
    assert (found.env_name, found.origins["env_name"]) == ("flag", "--env-name")


def test_a_projects_file_counts_only_when_it_is_named(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = write(tmp_path / "project/config.toml", 'env_name = "project"\n')
    monkeypatch.chdir(project.parent)
    assert load(home).env_name == "default"
    assert load(home, config=project).env_name == "project"


def test_an_empty_venvbuild_variable_is_unset_and_an_empty_jenkins_parameter_refused(home: Path) -> None:
    assert load(home, VENVBUILD_INSTALLER="").installer == "uv"
    with pytest.raises(RequirementsRefused) as caught:
        load(home, ENV_NAME="", PYTHON_VERSION="", FAIL_ON_CONFLICTS="")
    assert [problem.where for problem in caught.value.problems] == ["ENV_NAME", "PYTHON_VERSION", "FAIL_ON_CONFLICTS"]


@pytest.mark.parametrize(
    ("text", "value"), [("false", False), ("NO", False), ("0", False), ("True", True), ("yes", True)]
)
def test_booleans_are_words_of_any_case(home: Path, text: str, value: bool) -> None:
    assert load(home, FAIL_ON_CONFLICTS=text).fail_on_conflicts is value


@pytest.mark.parametrize(
    ("text", "what"),
    [("env_nam = 1", "there is no setting 'env_nam'"), ("=", "cannot be read"), ("env_name = [1]", "list cannot be")],
)
def test_a_bad_configuration_file_is_named(home: Path, text: str, what: str) -> None:
    path = write(home / ".config/venvbuild/config.toml", text)
    with pytest.raises(UsageError, match=what) as caught:
        load(home)
    assert str(path) in caught.value.problems[0].where


def test_a_configuration_file_that_may_not_be_read_is_not_blamed_on_its_form(home: Path) -> None:
    require(os.geteuid() == 0, "only root can become somebody who has no rights")
    path = write(home / ".config/venvbuild/config.toml", 'env_name = "sales"')
    path.chmod(0o600)
    os.seteuid(65534)
    try:
        with pytest.raises(UsageError, match="cannot be read: Permission denied") as caught:
            load(home)
    finally:
        os.seteuid(0)
    assert caught.value.problems[0].fix == "let this user read it (owner, mode), or give another file: --config FILE"


def test_a_folder_is_no_configuration_file(home: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: Is a directory") as caught:
        load(home, config=home.parent)
    assert caught.value.problems[0].fix == "give the file itself: --config FILE"


def test_a_configuration_file_that_was_named_must_be_there(home: Path) -> None:
    with pytest.raises(UsageError):
        load(home, config=home / "absent.toml")


def test_typed_values_of_the_file_are_read(home: Path) -> None:
    write(
        home / ".config/venvbuild/config.toml",
        'fail_on_conflicts = false\nlevel = 6\nfind_links = ["/a", "/b"]\npython_version = "3.12"\n',
    )
    found = load(home)
    assert found.fail_on_conflicts is False
    assert found.level == 6
    assert found.find_links == ("/a", "/b")
    assert found.python_version == "3.12"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('extra_index_urls = ["htp://bad host/simple"]', "'htp://bad host/simple' is no URL of a package index"),
        ('extra_index_urls = ["https://a/simple https://b/simple"]', "is no URL of a package index"),
        ('extra_index_urls = ["https://a/simple", "b"]', "'b' is no URL of a package index"),
        ('find_links = ["https://ci:hunter2@host/my wheels"]', "'https://host/my wheels' is no address"),
    ],
)
def test_each_item_of_a_list_in_the_file_is_judged_with_its_spaces(home: Path, line: str, what: str) -> None:
    path = write(home / ".config/venvbuild/config.toml", line)
    with pytest.raises(UsageError) as caught:
        load(home)
    assert what in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert caught.value.problems[0].where == f"{path}: {line.split()[0]}"


def test_a_folder_in_a_list_of_the_file_may_have_spaces_in_its_name(home: Path) -> None:
    write(
        home / ".config/venvbuild/config.toml",
        'find_links = ["/my wheels", "", "/tab\\there", "https://host/wheels"]\nextra_index_urls = ["https://a/simple"]\n',
    )
    found = load(home)
    assert found.find_links == ("/my wheels", "/tab\there", "https://host/wheels")
    assert found.extra_index_urls == ("https://a/simple",)
    assert load(home, VENVBUILD_FIND_LINKS="/my wheels").find_links == ("/my", "wheels")


def test_bytecode_is_yes_or_no(home: Path) -> None:
    assert [load(home).bytecode, load(home, VENVBUILD_BYTECODE="YES").bytecode] == [False, True]
    with pytest.raises(UsageError, match="VENVBUILD_BYTECODE: 'perhaps' is not true or false"):
        load(home, VENVBUILD_BYTECODE="perhaps")


@pytest.mark.parametrize("name", ["UV_DEFAULT_INDEX", "PIP_INDEX_URL"])
def test_the_index_of_pip_and_uv_is_followed(home: Path, name: str) -> None:
    found = load_from(home, {name: "https://one/simple"})
    assert (found.index_url, found.origins["index_url"]) == ("https://one/simple", name)
    assert (
        load_from(home, {"VENVBUILD_INDEX_URL": "https://ours/simple", name: "https://one/simple"}).index_url
        == "https://ours/simple"
    )


def test_the_index_of_configuration_files_is_followed(home: Path) -> None:
    assert load(home).index_url == registry.PYPI
    uv = write(
        home / ".config/uv/uv.toml",
        '[[index]]\nurl = "https://uv/simple"\ndefault = true\n[[index]]\nurl = "https://extra"\n',
    )
    found = load(home)
    assert (found.index_url, found.origins["index_url"]) == ("https://uv/simple", str(uv))
    assert any("index is not followed" in note for note in found.notes)
    pip = write(
        home / ".config/pip/pip.conf",
        "[global]\nindex-url = https://pip/simple\nextra-index-url = https://x\ncert = /ca.pem\n",
    )
    found = load(home)
    assert (found.index_url, found.origins["index_url"]) == ("https://pip/simple", str(pip))
    assert any("extra-index-url is not followed" in note for note in found.notes)
    environ = {"HOME": str(home), "XDG_CONFIG_DIRS": str(home)}
    assert certificates(environ, Folders.of(environ)) == Path("/ca.pem")


def test_find_links_and_extra_indexes_are_not_followed_and_that_is_said(home: Path) -> None:
    notes = load(home, PIP_FIND_LINKS="/wheels", PIP_EXTRA_INDEX_URL="https://x", UV_INDEX="https://y").notes
    assert len(notes) == 3
    assert all("is not followed" in note for note in notes)
    assert load(home, VENVBUILD_FIND_LINKS="/wheels").find_links == ("/wheels",)


def test_without_a_home_no_file_in_one_is_looked_for(home: Path) -> None:
    folders = Folders.of({"HOME": str(home)})
    ours = {home / ".config/pip/pip.conf", Path("/etc/pip.conf"), Path("/etc/xdg/pip/pip.conf")}
    assert set(installers._pip_files({}, folders)) == ours
    assert set(installers._pip_files({"HOME": str(home)}, folders)) == {*ours, home / ".pip/pip.conf"}


def test_relative_xdg_folders_count_as_unset(home: Path) -> None:
    assert Folders.of({"HOME": str(home), "XDG_CACHE_HOME": "cache"}).cache == home / ".cache/venvbuild"
    assert Folders.of({"HOME": str(home), "XDG_CACHE_HOME": "/c"}).cache == Path("/c/venvbuild")


def test_the_default_store_is_the_users_data_folder(home: Path) -> None:
    assert load(home).store == str(home / ".local/share/venvbuild")


@pytest.mark.parametrize(
    "environ", [{"VENVBUILD_LEVEL": "0"}, {"VENVBUILD_TIMEOUT_S": "-1"}, {"VENVBUILD_TIMEOUT_S": "x"}]
)
def test_numbers_out_of_range_are_refused(home: Path, environ: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        loading.load({}, {"HOME": str(home), **environ})


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("000086400999", id="leading zeros hide more than nine digits"),
        pytest.param("864000000000", id="more than nine digits"),
        pytest.param("9" * 5000, id="more digits than Python turns into a number"),
        "86401",
        "0600",
        "0",
        "",
        "+5",
        "5\n",
        "\u0665",
    ],
)
def test_a_time_limit_is_a_number_from_1_to_86400_and_no_longer_text(home: Path, text: str) -> None:
    with pytest.raises(UsageError, match="no number of seconds") as caught:
        load(home, {"timeout_s": text})
    assert caught.value.problems[0].where == "--timeout-s"


def test_a_number_of_the_file_that_is_too_long_for_python_is_refused_too(home: Path) -> None:
    write(home / ".config/venvbuild/config.toml", f"timeout_s = 0x{'f' * 5000}\n")
    with pytest.raises(UsageError, match="no number of seconds"):
        load(home)


@pytest.mark.parametrize("seconds", [1, 60, 86400])
def test_a_time_limit_within_a_day_is_taken(home: Path, seconds: int) -> None:
    assert load(home, {"timeout_s": str(seconds)}).timeout_s == seconds


@pytest.mark.parametrize(
    "url", ["pypi.org/simple", "", "gopher://x/", "http://", "http://ci:pa/ss@h/simple", "http://[x/"]
)
def test_what_is_no_url_of_an_index_is_refused_without_its_password(home: Path, url: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(home, {"index_url": url})
    assert "pa/ss" not in str(caught.value)


OF_INDEXES = ("VENVBUILD_INDEX_URL", "UV_INDEX_URL", "PIP_INDEX_URL", "VENVBUILD_EXTRA_INDEX_URLS")


@pytest.mark.parametrize("variable", [*OF_INDEXES, "VENVBUILD_FIND_LINKS", "VENVBUILD_TRINO_URL"])
@pytest.mark.parametrize(
    "password", ["pa/ssCanary7", "12/ssCanary7", "/ssCanary7", "p@/ssCanary7", "1#ssCanary7", "p[ssCanary7"]
)
def test_a_password_that_others_would_misread_is_refused_with_what_to_write(
    home: Path, variable: str, password: str
) -> None:
    url = f"https://ci:{password}@host.example/simple"
    with pytest.raises(UsageError) as caught:
        load_from(home, {variable: url})
    assert "anary7" not in str(caught.value)
    assert caught.value.problems[0].where == variable
    fix = caught.value.problems[0].fix
    for char, escape in zip("/?#@[", re.findall("%..", fix), strict=True):
        password = password.replace(char, escape)
    load_from(home, {variable: f"https://ci:{password}@host.example/simple"})


def test_an_index_without_a_scheme_is_refused_without_its_password(home: Path) -> None:
    with pytest.raises(UsageError, match=r"^VENVBUILD_INDEX_URL: 'host/simple' is no URL of a package index;"):
        load(home, VENVBUILD_INDEX_URL="ci:pa/ssCanary7@host/simple")


def test_an_index_of_pip_that_is_no_url_is_refused_by_its_name(home: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_from(home, {"PIP_INDEX_URL": "pypi.org/simple"})
    assert caught.value.problems[0].where == "PIP_INDEX_URL"


def test_notes_are_told_unless_ours_is_configured(home: Path) -> None:
    assert len(load(home, VENVBUILD_INDEX_URL="https://o/simple", PIP_EXTRA_INDEX_URL="https://x").notes) == 1
    assert not load(home, VENVBUILD_EXTRA_INDEX_URLS="https://o/simple", PIP_EXTRA_INDEX_URL="https://x").notes


def test_a_layout_is_one_of_two(home: Path) -> None:
    assert (load(home).layout, load(home, VENVBUILD_LAYOUT="flat").layout) == ("venv", "flat")
    with pytest.raises(UsageError, match="'tree' is no layout of an archive") as caught:
        load(home, {"layout": "tree"})
    assert caught.value.problems[0].fix == "write venv or flat"


def test_python_path_is_absolute(home: Path) -> None:
    with pytest.raises(UsageError):
        load(home, {"python_path": "python3"})
    assert load(home, {"python_path": "/usr/bin/python3"}).python_path == "/usr/bin/python3"
    assert load(home, {"python_path": "none"}).python_path == "none"


def test_each_setting_has_a_name_a_variable_and_help() -> None:
    assert len({setting.env for setting in SETTINGS}) == len(SETTINGS)
    assert all(setting.help for setting in SETTINGS)


def test_what_is_shown_has_no_credentials() -> None:
    assert registry.shown("https://u:p@h/simple") == "https://h/simple"
    assert registry.shown(("https://u:p@h/", "/w")) == "https://h/ /w"
    assert (registry.shown(None), registry.shown(True)) == ("", "true")


def test_every_setting_is_a_field_of_the_record_and_no_other_is() -> None:
    fields = {field.name for field in dataclasses.fields(loading.Settings)} - {"origins", "notes", "folders"}
    assert fields == set(registry.BY_NAME)


@pytest.mark.parametrize("text", ["-1", "3651", "1e9", "1000000000", "seven", "7.0", " 7", "07", "\u0667", "9" * 5000])
def test_what_is_no_number_of_days_is_refused(home: Path, text: str) -> None:
    with pytest.raises(UsageError, match="is no number of days") as caught:
        load(home, VENVBUILD_MIN_AGE_DAYS=text)
    assert caught.value.problems[0].where == "VENVBUILD_MIN_AGE_DAYS"


@pytest.mark.parametrize("value", ["-3", "true", "1e9", "[7]", '"week"'])
def test_what_is_no_number_of_days_is_refused_in_a_file_too(home: Path, value: str) -> None:
    write(home / ".config/venvbuild/config.toml", f"min_age_days = {value}\n")
    with pytest.raises(UsageError, match="min_age_days"):
        load(home)


@pytest.mark.parametrize(("text", "days"), [("0", 0), ("7", 7), ("3650", 3650), ("", 0)])
def test_a_number_of_days_is_read(home: Path, text: str, days: int) -> None:
    assert load(home, VENVBUILD_MIN_AGE_DAYS=text).min_age_days == days


@pytest.mark.parametrize(
    "text",
    [
        '["Our_Models: we publish it", "urllib3: a fix: CVE"]',
        '{"Our_Models" = "we publish it", urllib3 = "a  fix: CVE"}',
    ],
)
def test_exceptions_are_a_list_or_a_table_of_names_with_reasons(home: Path, text: str) -> None:
    write(home / ".config/venvbuild/config.toml", f"min_age_except = {text}\n")
    expected = ("our-models: we publish it", "urllib3: a fix: CVE")
    assert load(home).min_age_except == expected
    assert registry.shown(expected) == "our-models: we publish it; urllib3: a fix: CVE"
    assert load(home, VENVBUILD_MIN_AGE_EXCEPT=registry.shown(expected)).min_age_except == expected


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ('["urllib3"]', "no reason"),
        ('["urllib3: "]', "no reason"),
        ('{urllib3 = ""}', "no reason"),
        ('[": because"]', "names no package"),
        ('["a b: because"]', "names no package"),
        ('["-r x: because"]', "names no package"),
        ("{urllib3 = 7}", "cannot be the min_age_except"),
        ("[7]", "cannot be the min_age_except"),
        ("7", "no reason"),
    ],
)
def test_an_exception_without_a_name_or_a_reason_is_refused(home: Path, value: str, words: str) -> None:
    write(home / ".config/venvbuild/config.toml", f"min_age_except = {value}\n")
    with pytest.raises(UsageError, match=words):
        load(home)


def test_yanked_versions_are_warned_of_or_refused(home: Path) -> None:
    assert (load(home).yanked, load(home, VENVBUILD_YANKED="refuse").yanked) == ("warn", "refuse")
    with pytest.raises(UsageError, match="write warn or refuse"):
        load(home, VENVBUILD_YANKED="no")
