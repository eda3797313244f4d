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
from venvbuild.run import Complaint, Outcome, Package, Summary

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.untraced

LOOKS = [(width, scheme) for width in (1280, 375) for scheme in ("light", "dark")]


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


def test_a_link_leads_to_each_object_of_the_store(look: Look) -> None:
    with look(made_up()) as seen:
        links = seen.page.locator(".files a").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    base = "file:///store/venv-builds/venv_20261121_063000"
    assert links == [f"{base}/metadata.json", f"{base}/claim.json"]


def test_the_files_beside_it_are_there(look: Look) -> None:
    with look(made_up(last_lines=())) as seen:
        for link in seen.page.locator(".links a").all():
            answer = seen.page.request.get(f"{seen.page.url.rpartition('/')[0]}/{link.get_attribute('href')}")
            assert answer.ok, link.get_attribute("href")


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
    tamed = [
        (kind, text.replace(enemy, harmless).replace(enemy.replace(" ", "-"), harmless))  # a class has no blanks
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
