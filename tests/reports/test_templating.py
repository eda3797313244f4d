"""Templates: what comes from outside is text in each of them, and a name that nobody gave is an error."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from jinja2 import StrictUndefined, UndefinedError, nodes

from venvbuild.process import run
from venvbuild.reports import templating

FOLDER = Path(templating.__file__).with_name("templates")
TEMPLATES = sorted(path.name for path in FOLDER.iterdir())


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_found_and_escapes_whatever_it_is_called(name: str) -> None:
    template = templating.environment().get_template(name)
    assert template.environment.autoescape is True
    assert template.environment.undefined is StrictUndefined


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_template_says_that_something_is_safe(name: str) -> None:
    source = (FOLDER / name).read_text("utf-8")
    tree = templating.environment().parse(source)
    assert not {one.name for one in tree.find_all(nodes.Filter)} & {"safe", "xmlattr", "urlize", "tojson"}
    assert not list(tree.find_all(nodes.EvalContextModifier))
    assert "={{" not in source.replace(" ", ""), "an attribute without quotes ends at a space"


def test_no_module_says_that_something_is_safe() -> None:
    modules = list(FOLDER.parent.glob("*.py"))
    assert len(modules) > 5
    assert not [path.name for path in modules if "markup" in path.read_text("utf-8").lower().replace("mark-up", "")]


def test_a_name_that_was_not_given_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="nobody"):
        templating.environment().from_string("{{ nobody }}").render()


@pytest.mark.parametrize("address", ["https://x", "HTTP://x/y"])
def test_a_link_leads_where_pages_may_lead(address: str) -> None:
    assert linked(address) == f'<a href="{address}">&lt;text&gt;</a>'


@pytest.mark.parametrize("address", ["s3://b/k", "file:///x", "javascript:x", "data:x", "http://[", "//x", "x", ""])
def test_another_address_is_text(address: str) -> None:
    assert linked(address) == "<span>&lt;text&gt;</span>"


def linked(address: str) -> str:
    source = '{% from "macros.html.j2" import link %}{{ link(address, "<text>") }}'
    return templating.environment().from_string(source).render(address=address)


def test_who_only_imports_reports_does_not_pay_for_templates() -> None:
    script = "import sys, venvbuild.reports; print([name for name in sys.modules if 'jinja2' in name])"
    assert run([sys.executable, "-c", script], env=dict(os.environ), timeout_s=60).stdout == "[]\n"
