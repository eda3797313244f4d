"""What can be known of a handler's Python without running it."""

from __future__ import annotations

import pytest

from venvbuild.snowflake.repository import handler


@pytest.mark.parametrize(
    ("body", "name", "is_there"),
    [
        ("def run(session): pass", "run", True),
        ("async def run(): pass", "run", True),
        ("if 1:\n  def run(): pass", "run", True),
        ("try:\n  from a import run\nexcept ImportError:\n  pass", "run", True),
        ("run = print", "run", True),
        ("class Table:\n  def process(self): pass", "Table", True),
        ("class Table:\n  def process(self): pass", "Table.process", True),
        ("class Table:\n  def process(self): pass", "Table.gone", False),
        ("class A:\n  def process(self): pass\nclass Table(A): pass", "Table.process", True),
        ("class A:\n  def process(self): pass\nclass B(A): pass\nclass Table(object, B): pass", "Table.process", True),
        ("class A: pass\nclass Table(A): pass", "Table.process", False),
        ("class Table(Table): pass", "Table.process", False),
        ("import a\nclass Table(a.A): pass", "Table.process", True),
        ("from a import A\nclass Table(A): pass", "Table.process", True),
        ("class Table(make()): pass", "Table.process", True),
        ("class Table(metaclass=m): pass", "Table.process", True),
        ("@with_process\nclass Table: pass", "Table.process", True),
        ("class Table: pass\nTable.process = print", "Table.process", True),
        ("class Table: pass\nTable.run = print", "Table.process", False),
        ("def outer():\n  def run(): pass", "run", False),
        ("class Table:\n  def run(self): pass", "run", False),
        ("run()", "run", False),
        ("from a import *", "run", True),
    ],
)
def test_a_handler_is_what_the_module_binds(body: str, name: str, is_there: bool) -> None:
    assert handler.defines(handler.parsed(body), name) == is_there


BINDS = """\
import a.b, c as d
from e import f
def g(h, *i, j=1, **k):
    global m
    return [n for n in h]
class o: pass
for p, (q, *r) in []: pass
with x0 as s: pass
try: pass
except Exception as t: pass
(u := 1)
match u:
    case [v, *w]: pass
    case {"k": x, **y}: pass
lambda z: z
print(a, d, f, h, k, n, o, q, r, s, t, u, v, w, x, y, __name__)
"""


def test_only_what_nothing_binds_is_unbound() -> None:
    assert handler.unbound(handler.parsed(BINDS)) == {"x0": 8}
    assert handler.unbound(handler.parsed("def f():\n  return pandas.x + pandas.y")) == {"pandas": 2}


def test_an_odd_escape_is_no_warning_of_ours() -> None:
    assert handler.defines(handler.parsed("run = '\\d'"), "run")


@pytest.mark.parametrize("body", ["def", "\0", "(" * 10_000, "-" * 100_000 + "1"])
def test_what_is_no_python_is_a_syntax_error(body: str) -> None:
    with pytest.raises(SyntaxError):
        handler.parsed(body)


DEEP = (f"x = 1{' + 1' * 1500}", f"x = y{'.b' * 1500}", "if y:\n  x = 1\n" + "elif y:\n  x = 1\n" * 1500)


@pytest.mark.parametrize("deep", DEEP, ids=["sum", "attributes", "elif"])
def test_what_is_deep_is_judged_too(deep: str) -> None:
    module = handler.parsed(f"y = 1\n{deep}\ndef f():\n  return z\n")
    assert handler.defines(module, "f")
    assert handler.defines(module, "x")
    assert handler.unbound(module).keys() == {"z"}
