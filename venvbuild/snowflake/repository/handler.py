"""What can be known of a handler's Python before anybody runs it. Nothing of it is imported or run."""

from __future__ import annotations

import ast
import builtins
import warnings
from collections.abc import Iterator, Mapping


def parsed(body: str) -> ast.Module:
    """The module.

    Raises:
        SyntaxError: this Python cannot read it; `lineno` is of the body.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # of a text with odd escapes, on our stderr
            return ast.parse(body)
    except (ValueError, RecursionError, MemoryError) as error:  # a zero in it; nested too deep for the parser
        raise SyntaxError(str(error) or "it is nested too deep") from None


def defines(module: ast.Module, handler: str) -> bool:
    """Whether something of the module binds the first name of `handler`, and the class of that name the second one."""
    first, _, second = handler.partition(".")
    if first not in set(_bound(module, is_deep=False)):
        return any(isinstance(one, ast.ImportFrom) and one.names[0].name == "*" for one in ast.walk(module))
    classes = {one.name: one for one in module.body if isinstance(one, ast.ClassDef)}
    return not second or first not in classes or _has(module, classes, first, second.partition(".")[0])


def _has(module: ast.Module, classes: Mapping[str, ast.ClassDef], name: str, wanted: str) -> bool:
    """Whether the class has it, or one that it inherits from, or nobody can know."""
    waiting, seen = [name], set[str]()
    while waiting:
        one = waiting.pop()
        if one in seen or one == "object":
            continue
        seen.add(one)
        made = classes.get(one)
        # Of another module, made by a call, or changed by one: what it has shows when it runs.
        if made is None or made.keywords or made.decorator_list:
            return True
        if wanted in set(_bound(made, is_deep=False)) or wanted in _given_to(module, one):
            return True
        waiting += [base.id if isinstance(base, ast.Name) else "" for base in made.bases]
    return False


def _given_to(module: ast.Module, name: str) -> set[str]:
    """What the module sets on the class of this name, as in `Table.process = run`."""
    stored = (one for one in ast.walk(module) if isinstance(one, ast.Attribute) and isinstance(one.ctx, ast.Store))
    return {one.attr for one in stored if isinstance(one.value, ast.Name) and one.value.id == name}


def unbound(module: ast.Module) -> dict[str, int]:
    """Names that are used and that nothing binds anywhere, with the line of their first use."""
    bound = {*_bound(module, is_deep=True), *dir(builtins), "__file__", "__name__"}
    found: dict[str, int] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in bound:
            found[node.id] = min(node.lineno, found.get(node.id, node.lineno))
    return found


def _bound(scope: ast.AST, *, is_deep: bool) -> Iterator[str]:
    """`is_deep`: those of functions and classes in it, too; else what others can ask of it by name."""
    waiting = [scope]  # not recursive: how deep it goes is the body's choice
    while waiting:
        for node in ast.iter_child_nodes(waiting.pop()):
            yield from _names(node)
            if is_deep or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
                waiting.append(node)


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.alias):
        yield node.asname or node.name.split(".")[0]
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest
