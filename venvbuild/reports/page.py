"""index.html: the run as a page that needs no script, shown as it is under the policy which Jenkins serves files with.

That policy allows style sheets and images from files beside the page and nothing else: no script, no `style`, neither
element nor attribute. So all looks are in report.css, and drawings are SVG with presentation attributes. Everything is
made as a tree of elements, which knows no mark-up in text; only http, https, s3 and file addresses become links.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, SubElement, tostring

from venvbuild import __version__
from venvbuild.builds import Metadata, places
from venvbuild.graph import tops
from venvbuild.reports import picture
from venvbuild.run import Complaint, Outcome, Package, Step
from venvbuild.text import count_text, size_text

_FIRST = 20
"""Packages that are listed before the rest is folded away."""
_MAX_DEPTH = 50
"""Packages below each other in the tree: nobody reads deeper, and ElementTree, which recurses, cannot write 300."""
_LINKED = ("http", "https", "s3", "file")
_BESIDE = (places.BUILD_LOG, "summary.md", "junit.xml", "issues.json", "report.sarif")


def render(outcome: Outcome) -> str:
    """The file's text."""
    title = f"{outcome.summary.title}: {outcome.verdict}"
    head = _element(
        "head",
        _element("meta", charset="utf-8"),
        _element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        _element("title", title),
        _element("link", rel="stylesheet", href="report.css"),
    )
    main = _element("main", *_header(outcome))
    for section in (_problems, _conflicts, _notes, _packages, _dependencies, _files, _log):
        main.extend(section(outcome))
    footer = _element("footer", f"venvbuild {__version__}")
    page = _element("html", head, _element("body", main, footer), lang="en")
    return "<!DOCTYPE html>\n" + tostring(page, encoding="unicode", method="html") + "\n"


def _element(tag: str, *content: str | Element, **attributes: str) -> Element:
    """An element with text and elements in order; `class_` is the attribute `class`."""
    element = Element(tag, {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()})
    for part in content:
        if isinstance(part, Element):
            element.append(part)
        elif len(element):
            element[-1].tail = (element[-1].tail or "") + part
        else:
            element.text = (element.text or "") + part
    return element


def _link(address: str, text: str = "") -> Element:
    """A link; where the address is none that a page may lead to, its text only."""
    try:
        is_safe = urlsplit(address).scheme in _LINKED
    except ValueError:
        is_safe = False
    return _element("a", text or address, href=address) if is_safe else _element("span", text or address)


def _header(outcome: Outcome) -> Iterator[Element]:
    kind = "bad" if outcome.is_failed or outcome.conflicts else "good"
    summary = outcome.summary
    yield _element(
        "header",
        _element("p", "Environment", class_="kicker"),
        _element("h1", summary.env_name or "refused"),
        _element("p", outcome.verdict, class_=f"verdict {kind}"),
        _facts(outcome),
        _element("ol", *map(_step, outcome.steps), class_="steps"),
    )


def _facts(outcome: Outcome) -> Element:
    summary = outcome.summary
    size = f", {size_text(outcome.size_bytes)}" if outcome.size_bytes else ""
    rows: list[tuple[str, str | Element]] = [
        ("Python", summary.python_version or ""),
        ("Version", summary.venv_version or ""),
        ("Packages", f"{len(outcome.packages)}{size}" if outcome.packages else ""),
        ("Archive", size_text(outcome.metadata["archive_size_bytes"]) if outcome.metadata else ""),
        ("Requirements", outcome.requirements_file),
        ("Revision", outcome.source_revision),
        ("Job", _link(outcome.build_url) if outcome.build_url else ""),
    ]
    facts = _element("dl", class_="facts")
    for name, value in rows:
        if isinstance(value, Element) or value:
            facts.append(_element("div", _element("dt", name), _element("dd", value)))
    return facts


def _step(step: Step) -> Element:
    seconds = "" if step.seconds is None else f"{step.seconds:.1f} s"
    said = seconds if step.status == "passed" else step.status
    return _element("li", _element("b", step.name), " ", _element("span", said), class_=step.status.replace(" ", "-"))


def _section(title: str, *content: str | Element, class_: str = "", count: int | None = None) -> Element:
    heading = _element("h2", title)
    if count is not None:
        heading = _element("h2", title, " ", _element("span", str(count), class_="count"))
    return _element("section", heading, *content, **({"class": class_} if class_ else {}))


def _problems(outcome: Outcome) -> Iterator[Element]:
    if outcome.problems:
        shown = outcome.problems[:200]
        cards = map(_card, shown)
        more = _more(len(outcome.problems) - len(shown))
        yield _section("Why it stopped", *cards, *more, class_="bad", count=len(outcome.problems))
    elif outcome.is_failed and not outcome.conflicts:
        stopped_at = outcome.summary.stopped_at
        has_begun = any(step.status == "not ended" for step in outcome.steps)
        how = "did not end: the run was aborted, or it is still at work" if has_begun else "has not been run"
        said = f"The step {stopped_at} {how}."
        yield _section("Why it stopped", _element("p", said), class_="bad")


def _conflicts(outcome: Outcome) -> Iterator[Element]:
    if outcome.conflicts:
        shown = outcome.conflicts[:200]
        more = _more(len(outcome.conflicts) - len(shown))
        yield _section("Conflicts", *map(_card, shown), *more, class_="bad", count=len(outcome.conflicts))
    elif outcome.summary.conflict_count == 0:
        yield _section("Conflicts", _element("p", "None: every package has what it needs.", class_="good"))


def _notes(outcome: Outcome) -> Iterator[Element]:
    if outcome.notes:
        folded = _element("details", _element("summary", "No run fails for these"), *map(_card, outcome.notes[:200]))
        yield _section("Also noticed", folded, count=len(outcome.notes))


def _more(count: int) -> Iterator[Element]:
    if count > 0:
        yield _element("p", f"and {count} more: issues.json has all", class_="quiet")


def _card(complaint: Complaint) -> Element:
    card = _element("article", _element("p", complaint.what, class_="what"), class_="card")
    chain = [_element("span", link) for link in complaint.chain]
    rows: list[tuple[str, Iterable[str | Element]]] = [
        ("where", [_element("code", complaint.where)] if complaint.where else []),
        ("why", [complaint.why] if complaint.why else []),
        ("needed by", chain if len(chain) > 1 else []),
        ("fix", [complaint.fix] if complaint.fix else []),
    ]
    details = _element("dl")
    for name, parts in rows:
        parts = tuple(parts)
        if parts:
            kind = {"class": "chain"} if name == "needed by" else {}
            details.extend((_element("dt", name), _element("dd", *parts, **kind)))
    if len(details):
        card.append(details)
    return card


def _packages(outcome: Outcome) -> Iterator[Element]:
    if not outcome.packages:
        return
    ordered = sorted(outcome.packages, key=lambda one: (-(one.size_bytes or 0), one.name))
    largest = max((one.size_bytes or 0 for one in ordered), default=0)
    content: list[Element] = [_table(ordered[:_FIRST], largest, outcome.size_bytes)]
    if len(ordered) > _FIRST:
        rest = ordered[_FIRST:]
        label = f"{count_text(len(rest), 'smaller package')}, {size_text(sum(one.size_bytes or 0 for one in rest))}"
        content.append(_element("details", _element("summary", label), _table(rest, largest, outcome.size_bytes)))
    yield _section("Packages", *content, count=len(outcome.packages))


def _table(packages: Iterable[Package], largest: int, total: int) -> Element:
    body = _element("tbody", *(_row(one, largest, total) for one in packages))
    names = (("Package", ""), ("Version", ""), ("Installed", "number"), ("Share", "share"))
    heads = [_element("th", name, scope="col", **({"class": kind} if kind else {})) for name, kind in names]
    return _element("table", _element("thead", _element("tr", *heads)), body)


def _row(package: Package, largest: int, total: int) -> Element:
    name: list[str | Element] = [_element("a", package.name, href=f"#package-{package.name}")]
    if not package.is_pinned:
        name += [" ", _element("span", "not pinned", class_="tag")]
    size = "" if package.size_bytes is None else size_text(package.size_bytes)
    percent = f"{100 * (package.size_bytes or 0) / total:.1f} %" if total else ""
    bar = _bar((package.size_bytes or 0) / largest if largest else 0)
    share = _element("td", bar, _element("span", percent), class_="share")
    return _element(
        "tr",
        _element("th", *name, scope="row"),
        _element("td", _element("code", package.version)),
        _element("td", size, class_="number"),
        share,
    )


def _bar(share: float) -> Element:
    """A bar as long as its share of the largest."""
    shape = {"x": "0", "y": "0", "height": "8"}
    size = {"viewBox": "0 0 100 8", "width": "100", "height": "8", "preserveAspectRatio": "none"}
    bar = Element("svg", {"class": "bar", **size, "aria-hidden": "true"})
    SubElement(bar, "rect", {**shape, "width": "100", "class": "whole", "fill": "#e6eaf0"})
    SubElement(bar, "rect", {**shape, "width": f"{max(100 * share, 0.5):.1f}", "class": "part", "fill": "#4a78c2"})
    return bar


def _dependencies(outcome: Outcome) -> Iterator[Element]:
    if not any(package.needs for package in outcome.packages):
        return
    content: list[Element] = []
    drawn = picture.of(outcome)
    if drawn:
        content += [
            _element("p", *_legend(drawn), class_="quiet"),
            _element("div", drawn.svg, class_="scroll", tabindex="0"),
        ]
    content += [_element("h3", "Package by package"), _tree(outcome.packages)]
    yield _section("Dependencies", *content)


def _legend(drawn: picture.Picture) -> Iterator[str | Element]:
    yield "What needs stands left of what is needed; pinned packages are blue. "
    yield "A line is left out where others lead there too."
    hubs = sorted(drawn.graph.hubs.items(), key=lambda item: (-item[1], item[0]))
    if hubs:
        named = ", ".join(f"{name} ({count})" for name, count in hubs)
        yield f" Needed by many, so named in the boxes instead of drawn: {named}."
    if drawn.graph.alone:
        yield f" {count_text(len(drawn.graph.alone), 'package')} without a line: {', '.join(drawn.graph.alone)}."


def _tree(packages: Iterable[Package]) -> Element:
    """Every package once with what it needs, folded, below what needs it first; other mentions are links."""
    by_name = {package.name: package for package in packages}
    told: set[str] = set()
    tree, waiting = _element("ul", class_="tree"), deque(tops(by_name.values()))
    while waiting:
        package = waiting.popleft()
        if package.name not in told:
            tree.append(_branch(package, by_name, told, waiting))
    return tree


def _branch(package: Package, by_name: dict[str, Package], told: set[str], too_deep: deque[Package]) -> Element:
    """What is too deep in it is a link, and comes into `too_deep`, to be told at the top.

    Depth first and without recursion in Python: a chain may be as long as a hostile index likes.
    """
    top = Element("li")
    waiting: list[tuple[Element, Package, int]] = [(top, package, 1)]
    while waiting:
        item, one, depth = waiting.pop()
        if one.name in told or depth > _MAX_DEPTH:
            item.append(_element("a", one.name, href=f"#package-{one.name}"))
            item[-1].tail = f" {one.version}"
            if one.name not in told:
                too_deep.append(one)
            continue
        told.add(one.name)
        item.set("id", f"package-{one.name}")
        label: list[str | Element] = [_element("b", one.name), " ", _element("code", one.version)]
        needs = [by_name[name] for name in one.needs if name in by_name]
        if not needs:
            item.append(_element("span", *label, class_="leaf"))
            continue
        count = _element("span", f"needs {len(needs)}", class_="quiet")
        below = [Element("li") for _ in needs]
        item.append(_element("details", _element("summary", *label, " ", count), _element("ul", *below)))
        waiting += reversed([(place, need, depth + 1) for place, need in zip(below, needs, strict=True)])
    return top


def _files(outcome: Outcome) -> Iterator[Element]:
    beside = _element("p", class_="links")
    for name in _BESIDE:
        if name != places.BUILD_LOG or outcome.last_lines:
            beside.append(_element("a", name, href=name))
    content: list[Element] = [beside]
    if outcome.metadata:
        content.append(_stored(outcome.metadata))
    yield _section("Files", *content)


def _stored(metadata: Metadata) -> Element:
    version: str = metadata["venv_version"]
    base = metadata["venv_archive"].removesuffix(f"{version}.tar.gz")
    names = ["metadata.json", *sorted(metadata.get("files", {}))]
    rows = [_element("li", _link(base + name, name)) for name in names]
    command = _element("pre", f"venvbuild get {version} ./venv")
    return _element("div", _element("p", "In the store: ", _link(base)), _element("ul", *rows, class_="files"), command)


def _log(outcome: Outcome) -> Iterator[Element]:
    if outcome.last_lines:
        text = _element("pre", "\n".join(outcome.last_lines), class_="log", tabindex="0")
        folded = _element("details", _element("summary", f"The last {len(outcome.last_lines)} lines"), text)
        if outcome.problems:
            folded.set("open", "open")
        yield _section("Log", folded)
