"""index.html as a reader of Jenkins sees it: in Chromium, under the policy that Jenkins serves files with."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.reports.test_formats import hostile  # noqa: F401  # a fixture
from tests.support.browser import JENKINS_POLICIES, served
from tests.support.outcomes import made_up, many_packages
from tests.support.requirement import require
from venvbuild.reports import page, picture, writing
from venvbuild.run import Complaint, Outcome, Package, Step, Summary

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.untraced

WIDTHS = (1280, 390)
LOOKS = [(width, scheme) for width in WIDTHS for scheme in ("light", "dark")]


@dataclass
class Seen:
    """A page in a browser, and what the console said: violations of the policy are said there."""

    page: Page
    said: list[str] = field(default_factory=list)

    def style(self, selector: str, name: str) -> str:
        found: str = self.page.locator(selector).first.evaluate(f"one => getComputedStyle(one)['{name}']")
        return found

    def number(self, script: str) -> Any:
        return self.page.evaluate(script)

    def unfold(self) -> None:
        self.page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")


Look = Callable[..., Any]


@pytest.fixture
def look(chromium: Browser, tmp_path: Path) -> Callable[..., Any]:
    """Opens the report on an outcome."""

    @contextmanager
    def opened(
        outcome: Outcome, *, width: int = 1280, scheme: str = "light", policy: str = JENKINS_POLICIES[0]
    ) -> Iterator[Seen]:
        folder = writing.write_reports(outcome, tmp_path)
        with served(folder, policy) as url:
            tab = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
            seen = Seen(tab)
            tab.on("console", lambda message: seen.said.append(message.text))
            tab.on("pageerror", lambda error: seen.said.append(str(error)))
            tab.route("**/favicon.ico", lambda route: route.fulfill(status=204))
            try:
                tab.goto(f"{url}/index.html")
                yield seen
            finally:
                tab.close()

    return opened


@pytest.mark.parametrize("policy", JENKINS_POLICIES)
@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_it_is_styled_and_drawn_under_jenkins_policy(look: Look, width: int, scheme: str, policy: str) -> None:
    require(shutil.which("dot"), "the picture is laid out by Graphviz, which is not installed")
    with look(made_up(packages=many_packages(150)), width=width, scheme=scheme, policy=policy) as seen:
        assert seen.said == []
        assert seen.style("body", "backgroundColor") == (
            "rgb(246, 247, 249)" if scheme == "light" else "rgb(18, 22, 28)"
        )
        assert seen.style(".bar .part", "fill") == ("rgb(44, 92, 173)" if scheme == "light" else "rgb(134, 177, 245)")
        assert seen.number("document.documentElement.scrollWidth <= innerWidth")
        bars = [box["width"] for box in boxes(seen, "section table:first-of-type .bar")]
        assert min(bars) > 40
        assert seen.page.locator(".picture .box").count() > 100
        assert colours(seen.page.locator(".picture").first.screenshot()) > 20


def boxes(seen: Seen, selector: str) -> list[dict[str, float]]:
    found: list[dict[str, float]] = seen.page.locator(selector).evaluate_all(
        "all => all.filter(one => one.checkVisibility()).map(one => one.getBoundingClientRect().toJSON())"
    )
    return found


def colours(png: bytes) -> int:
    """How many colours every tenth line of a screenshot has: a blank one has a single one."""
    import struct
    import zlib

    width = struct.unpack(">I", png[16:20])[0]
    body, place = b"", 8
    while place < len(png):
        length = struct.unpack(">I", png[place : place + 4])[0]
        body += png[place + 8 : place + 8 + length] if png[place + 4 : place + 8] == b"IDAT" else b""
        place += length + 12
    pixel = {2: 3, 6: 4}[png[25]]
    raw = zlib.decompress(body)
    rows = [raw[start + 1 : start + 1 + width * pixel] for start in range(0, len(raw), 10 * (width * pixel + 1))]
    return len({row[start : start + pixel] for row in rows for start in range(0, len(row), pixel)})


def test_the_boxes_of_150_packages_do_not_overlap_and_their_text_fits_and_can_be_read(look: Look) -> None:
    require(shutil.which("dot"), "the picture is laid out by Graphviz, which is not installed")
    with look(made_up(packages=many_packages(150))) as seen:
        drawn = boxes(seen, ".picture .box rect")
        overlaps = [
            (one, other)
            for number, one in enumerate(drawn)
            for other in drawn[number + 1 :]
            if abs(one["x"] + one["width"] / 2 - other["x"] - other["width"] / 2) < (one["width"] + other["width"]) / 2
            and abs(one["y"] + one["height"] / 2 - other["y"] - other["height"] / 2)
            < (one["height"] + other["height"]) / 2
        ]
        assert overlaps == []
        texts = boxes(seen, ".picture .box text:first-of-type")
        assert len(texts) == len(drawn)
        assert all(text["width"] < box["width"] for text, box in zip(texts, drawn, strict=True))
        assert min(text["height"] for text in texts) >= 11


def test_conflicts_come_first(look: Look) -> None:
    problem = Complaint("the index is away", "https://example.com", "503", "try again")
    with look(made_up(notes=(Complaint("a note"),))) as seen:
        titles = [title.split()[0] for title in seen.page.locator("h2").all_text_contents()]
    assert titles == ["Conflicts", "Also", "Packages", "Dependencies", "Files", "Log"]
    with look(made_up(problems=(problem,), summary=Summary("sales", "3.11", "create"))) as seen:
        assert seen.page.locator("h2").first.text_content() == "Why it stopped 1"
        assert "try again" in (seen.page.locator("article").first.text_content() or "")


def test_the_packages_stand_by_size_with_their_share(look: Look) -> None:
    with look(made_up()) as seen:
        rows = [row.split() for row in seen.page.locator("tbody tr").all_inner_texts()]
    assert rows == [["needy", "1.0", "2.0", "MB", "100.0", "%"], ["other", "2.0", "0.5", "kB", "0.0", "%"]]


def test_the_tree_unfolds_without_a_script(look: Look) -> None:
    with look(made_up(packages=many_packages(9))) as seen:
        below = seen.page.locator("#package-package-number-001")
        assert not below.is_visible()
        seen.page.locator("#package-package-number-000 > details > summary").click()
        assert below.is_visible()


def test_each_package_of_the_tree_is_told_once_however_many_need_it() -> None:
    packages = many_packages(150)
    text = page.render(made_up(packages=packages))
    names = re.findall(r'id="package-([a-z0-9-]+)"', text)
    assert sorted(names) == sorted(one.name for one in packages)


def chain(count: int, needs: int) -> tuple[Package, ...]:
    """Packages of which each needs the next ones."""
    names = [f"p{number}" for number in range(count)]
    return tuple(Package(name, "1.0", 1, tuple(names[n + 1 : n + 1 + needs]), True) for n, name in enumerate(names))


@pytest.mark.parametrize(("count", "needs"), [(1000, 1), (1500, 2)])
def test_a_long_chain_goes_on_at_the_top_level_where_links_lead(
    count: int, needs: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # the picture is not what this is about
    text = page.render(made_up(packages=chain(count, needs)))
    told = re.findall(r'id="package-([a-z0-9]+)"', text)
    assert sorted(told) == sorted(f"p{number}" for number in range(count))
    assert set(re.findall(r'href="#package-([a-z0-9]+)"', text)) == set(told)
    depths = [0]
    for mark in re.findall(r"</?details>", text):
        depths.append(depths[-1] + (1 if mark == "<details>" else -1))
    assert 40 < max(depths) <= 51


LONG = "12.34.56.post789+cu118.abcdef"
"""As long as versions get that people meet."""
SIZES = (5_000_000, 3_000_000, 1_500_000, 499_000, 900, *range(800, 0, -40), 0)
BARS = """() => [...document.querySelectorAll('.share:has(.bar)')].map(one => {
    const [whole, part] = ['.whole', '.part'].map(name => one.querySelector(name).getBoundingClientRect().width);
    return [whole, part, parseFloat(one.querySelector('span').textContent)];
})"""


@pytest.mark.parametrize("width", WIDTHS)
def test_a_bar_is_as_long_as_the_per_cent_beside_it_in_every_row(look: Look, width: int) -> None:
    packages = tuple(Package(f"p{n:02}", LONG[: 3 + n], size, (), True) for n, size in enumerate(SIZES))
    with look(made_up(packages=(*packages, Package("unsized", "1.0", None, (), True))), width=width) as seen:
        seen.unfold()
        bars = seen.number(BARS)
    assert [percent for _, _, percent in bars][:4] == [50.0, 30.0, 15.0, 5.0]
    assert len(bars) == len(SIZES)
    assert {round(whole, 2) for whole, _, _ in bars} == {round(bars[0][0], 2)}, "bars of different scales"
    assert bars[0][0] > 100
    for whole, part, percent in bars:
        assert 100 * part / whole == pytest.approx(percent, abs=0.02)


LINES_OF = """versions => {
    const found = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = texts.nextNode(); node; node = texts.nextNode())
        for (const version of node.parentElement.checkVisibility() ? versions : [])
            for (let at = node.data.indexOf(version); at >= 0; at = node.data.indexOf(version, at + 1)) {
                const range = document.createRange();
                range.setStart(node, at);
                range.setEnd(node, at + version.length);
                const [box, text] = [node.parentElement, range].map(one => one.getBoundingClientRect());
                const end = node.parentElement.closest('.scroll') ? Infinity : Math.min(box.right + 1, innerWidth);
                const isCut = text.right > end;
                found.push([version, range.getClientRects().length, isCut]);
            }
    return found;
}"""
"""Of each place where one of the versions can be seen: the version, on how many lines it is, whether it is cut off."""


def with_long_versions() -> Outcome:
    """Names and versions that want more room than a telephone has."""
    names = [f"some-long-name-of-a-package-{number}" for number in range(3)]
    packages = tuple(
        Package(name, LONG, 10**number, tuple(names[number + 1 : number + 3]), number == 0)
        for number, name in enumerate(names)
    )
    sentence = f"{names[0]} {LONG} needs {names[1]}=={LONG}, {names[1]} {LONG} is installed"
    fault = Complaint(
        sentence, "pins.txt:2", fix=f"pin {names[1]}=={LONG}", chain=(f"{names[0]} {LONG}", f"{names[1]} {LONG}")
    )
    return made_up(packages=packages, conflicts=(fault,), notes=(fault,), source_revision="0123456789abcdef" * 4)


@pytest.mark.parametrize("width", [*WIDTHS, 660])  # the narrowest with columns, where they have least room
def test_no_version_is_broken_or_cut_off(look: Look, width: int) -> None:
    with look(with_long_versions(), width=width) as seen:
        seen.unfold()
        found = seen.page.evaluate(LINES_OF, [LONG, "venv_20261121_063000", "3.11"])
    assert [one for one in found if one[1:] != [1, False]] == []
    # in the table, the tree with its links, two cards with six each; at the top, in two names of files, in the command
    assert sum(version == LONG for version, _, _ in found) >= 3 + 4 + 12
    assert sum(version.startswith("venv_") for version, _, _ in found) == 4


def test_a_version_without_end_makes_nothing_wider(look: Look) -> None:
    endless = Package("endless", "1" * 2000, 5, ("other",), True)
    with look(made_up(packages=(endless, Package("other", "2" * 2000, 5, (), True))), width=390) as seen:
        seen.unfold()
        assert seen.number("document.documentElement.scrollWidth <= innerWidth")
        assert max(box["right"] for box in boxes(seen, "td, td *")) <= 390


def test_a_telephone_shows_every_word_that_a_desk_shows(look: Look) -> None:
    words = []
    for width in WIDTHS:
        with look(with_long_versions(), width=width) as seen:
            seen.unfold()
            words.append(sorted(seen.page.locator("body").inner_text().split()))
            assert seen.number("document.documentElement.scrollWidth <= innerWidth")
            edges = boxes(seen, "body *:not(.scroll *)")
            assert max(box["right"] for box in edges) <= width
    assert words[0] == words[1]
    assert {"pinned", "%", LONG, "0123456789ab"} <= set(words[1])


def test_the_result_and_the_time_are_told_in_words(look: Look) -> None:
    with look(made_up(source_revision="0123456789abcdef" * 4)) as seen:
        top = seen.page.locator("header").inner_text()
        revision = seen.page.get_by_text("0123456789ab", exact=True).get_attribute("title")
    assert "Built and stored with 1 conflict, which this run allows.\n" in top
    assert "Built\n21 November 2026, 06:31 UTC\n" in top
    assert "Took\n10 seconds\n" in top
    assert revision == "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("status", "told"), [("failed", "Stopped"), ("not ended", "Last step"), ("not run", "Last step")]
)
def test_only_of_a_run_that_failed_it_is_said_when_it_stopped(status: str, told: str) -> None:
    steps = (Step("check", "passed", 0.1), Step("create", status, None))
    text = page.render(made_up(summary=Summary("sales", "3.11", "create"), steps=steps))
    assert f"<dt>{told}</dt><dd>21 November 2026, 06:31 UTC</dd>" in text
    assert "Took" not in text


@pytest.mark.parametrize(
    "outcome",
    [made_up(), made_up(last_lines=()), made_up(packages=many_packages(30)), made_up(packages=many_packages(30)[:1])],
    ids=["made up", "without a log", "30", "no tree"],
)
def test_every_link_leads_somewhere(look: Look, outcome: Outcome, tmp_path: Path) -> None:
    if outcome.last_lines:
        (tmp_path / "build.log").write_text("\n".join(outcome.last_lines))
    with look(outcome) as seen:
        addresses = seen.page.locator("a, link").evaluate_all("all => all.map(one => one.getAttribute('href'))")
        names = {address for address in addresses if not re.match(r"#|[a-z]+:", address)}
        dead = [name for name in names if not seen.page.request.get(f"{seen.page.url.rpartition('/')[0]}/{name}").ok]
        marks = seen.page.locator("[id]").evaluate_all("all => all.map(one => '#' + one.id)")
    assert dead == []
    assert {"junit.xml", "report.css"} <= names
    assert {address for address in addresses if address.startswith("#")} <= set(marks)
    # no browser opens an object of the store from a page of Jenkins
    assert {address for address in addresses if re.match(r"[a-z]+:", address)} == {outcome.build_url}


def test_the_command_that_restores_names_the_store() -> None:
    assert '<pre class="command">venvbuild get venv_20261121_063000 ./venv --store file:///store</pre>' in page.render(
        made_up()
    )


def test_credentials_of_a_store_are_not_shown() -> None:
    metadata = dict(made_up().metadata or {})
    metadata["venv_archive"] = str(metadata["venv_archive"]).replace("file:///", "s3://somebody:geheim-geheim@")
    text = page.render(made_up(metadata=metadata))
    assert "--store s3://store</pre>" in text
    assert not re.search("geheim|somebody", text)


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "http://[", "//x"])
def test_an_address_that_could_run_something_is_no_link(address: str) -> None:
    text = page.render(made_up(build_url=address))
    assert f">{address}<" in text
    assert f'href="{address}"' not in text


def test_what_an_enemy_wrote_is_text(look: Look, hostile: Outcome) -> None:  # noqa: F811
    text = page.render(hostile)
    assert "<script" not in text
    with look(hostile) as seen:
        assert seen.said == []
        assert "<script>alert(1)</script>" in (seen.page.locator("article").first.text_content() or "")
        assert seen.number("document.documentElement.scrollWidth <= innerWidth")


class Parsed(HTMLParser):
    """The page as a parser takes it: marks with their attributes, and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.parts: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.parts.append(("element", tag))
        for name, value in attrs:
            self.parts += [("attribute", name), ("value", value or "")]
        if tag not in ("meta", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.parts.append(("end", tag))
        assert self.open.pop() == tag, self.getpos()

    def handle_data(self, data: str) -> None:
        self.parts.append(("text", data))

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def with_texts(value: Any, end: str) -> Any:
    """The same with `end` at the end of every text in it; of the metadata only the files' names are ours to change."""
    if isinstance(value, str):
        return value + end
    if isinstance(value, tuple):
        return tuple(with_texts(one, end) for one in value)
    if isinstance(value, dict):
        return {name: {f"{file}{end}": {} for file in one} if name == "files" else with_texts(one, end)
                for name, one in value.items()}  # fmt: skip
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{one.name: with_texts(getattr(value, one.name), end) for one in fields(value)})
    return value


def full_of(text: str) -> Outcome:
    """Everything that a page can show, with `text` at the end of every text."""
    fault = Complaint("what", "where", "why", "fix", "kind", ("one", "two"), ("needy",), 2)
    packages = (*many_packages(30), Package("unsized", "1.0", None, ("hub",), False))
    summary = Summary("sales", "3.11", "pack", 2, 1, "venv_1", "file:///store")
    made: Outcome = with_texts(
        made_up(summary=summary, problems=(fault,), conflicts=(fault,), notes=(fault,), packages=packages), text
    )
    return made


def command(text: str) -> str:
    """The one that restores, full of it."""
    metadata = full_of(text).metadata
    assert metadata
    return page.stored(metadata).command


@pytest.mark.parametrize(
    "enemy",
    [
        "<script>alert(1)</script>",
        "'><img src=x onerror=alert(1)>",
        '" onclick="alert(1)',
        "&lt;b&gt;&amp;",
        "</title></pre></p></a><!-- ",
        "{{ 7 * 7 }}{% raw %}{# #}",
        "]]>\u2028\u202e<\x00b>",
    ],
)
def test_no_text_becomes_an_element_an_attribute_or_other_text(enemy: str) -> None:
    harmless = "x" * len(enemy)
    shown = Parsed(page.render(full_of(enemy))).parts
    quoted, bare = command(enemy), command(harmless)  # by a shell's rules
    tamed = [
        # a class has no blanks
        (kind, text.replace(quoted, bare).replace(enemy, harmless).replace(enemy.replace(" ", "-"), harmless))
        for kind, text in shown
    ]
    assert tamed == Parsed(page.render(full_of(harmless))).parts


@pytest.mark.parametrize(
    "outcome",
    [made_up(), full_of(""), made_up(packages=()), made_up(packages=many_packages(150))],
    ids=["made up", "full", "empty", "150"],
)
def test_what_is_opened_is_closed(outcome: Outcome) -> None:
    """Templates, unlike trees of elements, could forget it."""
    assert Parsed(page.render(outcome)).parts


def test_there_is_no_script_no_style_and_no_handler() -> None:
    text = page.render(made_up(packages=many_packages(150)))
    assert not re.search(r"<script|<style|\sstyle=|\son[a-z]+=|<iframe|<object|<embed|@import", text, re.IGNORECASE)


def test_a_style_attribute_would_be_seen(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    """The policy is really in force, and its violations are said on the console."""
    spoiled = page.render(made_up()).replace("<main>", '<main style="color: red">')
    monkeypatch.setattr(writing, "FORMATS", {"index.html": lambda _: spoiled})
    with look(made_up()) as seen:
        assert any("Content Security Policy" in line for line in seen.said)


# --- the picture


def test_a_line_that_another_way_makes_plain_is_left_out_and_no_way_is_lost() -> None:
    packages = [
        Package("a", "1", None, ("b", "c"), True),
        Package("b", "1", None, ("c",), True),
        Package("c", "1", None, ("a",), True),
    ]
    assert picture.graph_of(packages).lines == {("a", "b"), ("b", "c"), ("c", "a")}


def test_what_many_need_is_named_in_their_boxes() -> None:
    packages = [Package("hub", "1", None, ("tail",), False), Package("tail", "1", None, (), False)]
    packages += [Package(f"p{n}", "1", None, ("hub", "tail") if n == 0 else ("hub",), True) for n in range(picture.HUB)]
    graph = picture.graph_of(packages)
    assert graph.hubs == {"hub": picture.HUB}
    assert graph.hubs_of("p0") == ("hub",)
    assert graph.lines == {("p0", "tail")}
    assert graph.alone == ("p1", "p2", "p3", "p4", "p5")


def called(work: Callable[[], object]) -> set[str]:
    """Names of the functions that `work` calls."""
    names = set()
    sys.setprofile(lambda frame, event, _: names.add(frame.f_code.co_name) if event == "call" else None)
    try:
        work()
    finally:
        sys.setprofile(None)
    return names


@pytest.mark.parametrize(("has_dot", "count", "is_reduced"), [(True, 400, True), (True, 401, False), (False, 9, False)])
def test_no_line_is_left_out_of_a_picture_that_nobody_draws(
    has_dot: bool, count: int, is_reduced: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    if has_dot:
        (tmp_path / "dot").write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / "dot").chmod(0o755)
    packages = chain(count, 1)
    found = called(lambda: picture.of(made_up(packages=packages)))
    assert ("_reduced" in found) == is_reduced
    assert "which" in found


def test_without_graphviz_there_is_the_list(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    text = page.render(made_up())
    assert 'class="picture"' not in text
    assert 'id="package-needy"' in text


def test_a_conflict_is_marked_in_the_picture() -> None:
    require(shutil.which("dot"), "the picture is laid out by Graphviz, which is not installed")
    text = page.render(made_up())
    assert text.count('class="box suspect"') == 2
    assert 'class="line suspect"' in text
