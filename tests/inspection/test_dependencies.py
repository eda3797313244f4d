"""Which requirements count, who leads to whom, what cannot be read; the findings they give are in test_conflicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from tests.inspection.test_conflicts import HERE, OLD, distribution
from venvbuild import graph
from venvbuild.inspection import dependencies
from venvbuild.inspection.dependencies import DependencyWalk, Root
from venvbuild.installed import Distribution
from venvbuild.interpreters import Target

TOP = Root("top")


def counted(*distributions: Distribution, roots: Sequence[Root] = (TOP,), target: Target = HERE) -> list[str]:
    """`who needs what`, in order."""
    found = dependencies.dependencies(distributions, roots, target)
    return [f"{need.dependent.name} needs {need.text}" for need in found]


@pytest.mark.parametrize(
    ("line", "is_needed"),
    [
        pytest.param("other", True, id="always"),
        pytest.param("other ; python_version < '3.9'", False, id="another Python"),
        pytest.param("other ; python_version >= '3.9'", True, id="this Python"),
        pytest.param("other ; extra == 'more'", False, id="an extra that nobody asks for"),
        pytest.param("other ; python_version < '3.9' and extra == 'more'", False, id="both"),
    ],
)
def test_a_requirement_counts_where_its_marker_holds(line: str, is_needed: bool) -> None:
    assert counted(distribution("top", requires=[line])) == (["top needs other"] if is_needed else [])


def test_a_marker_is_judged_for_the_target_and_not_for_us() -> None:
    top = distribution("top", requires=["other ; python_version < '3.9'"])
    assert counted(top, target=OLD) == ["top needs other"]


def test_an_extra_of_the_requirements_file_counts() -> None:
    top = distribution("top", requires=["other ; extra == 'some-more'"], extras=["Some_More"])
    assert counted(top, roots=[Root("top", ("some.more",))]) == ["top needs other"]


def test_an_extra_that_another_package_asks_for_counts() -> None:
    middle = distribution("middle", requires=["deep ; extra == 'x'"], extras=["x"])
    assert counted(distribution("top", requires=["middle[x]>1"]), middle) == [
        "middle needs deep",
        "top needs middle[x]>1",
    ]


def test_a_package_that_asks_for_an_extra_of_itself_comes_to_an_end() -> None:
    top = distribution("top", requires=["top[b] ; extra == 'a'", "other ; extra == 'b'"], extras=["a", "b"])
    assert counted(top, roots=[Root("top", ("a",))]) == ["top needs other", "top needs top[b]"]


def test_what_is_needed_with_and_without_an_extra_counts_once_as_always_needed() -> None:
    top = distribution("top", requires=["other ; extra == 'x' or python_version > '3'"], extras=["x"])
    (need,) = dependencies.dependencies([top], [Root("top", ("x",))], HERE)
    assert need.extra == ""


def test_what_is_asked_for_is_told_without_credentials() -> None:
    top = distribution("top", requires=["other @ https://me:hunter22@host/other.whl"])
    assert counted(top) == ["top needs other @ https://host/other.whl"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param("other = 1", "says that it needs 'other = 1', which PEP 508 cannot read", id="requirement"),
        pytest.param("https://me:hunter22@host/x y", "says that it needs 'https://host/x y'", id="with credentials"),
    ],
)
def test_what_cannot_be_read_is_a_finding_about_its_package(line: str, said: str) -> None:
    (finding,) = DependencyWalk([distribution("top", requires=[line])], [TOP], HERE).findings
    assert (finding.type, finding.distribution) == ("metadata", "top")
    assert finding.sentence.startswith(f"top 1.0 {said}")
    assert finding.fix == "pin another version of top"


def test_a_pin_that_is_not_installed_is_missing() -> None:
    (finding,) = DependencyWalk([], [TOP], HERE).findings
    assert finding.sentence == "the requirements file needs top, which is not installed"


@pytest.mark.parametrize(
    ("roots", "who"),
    [
        pytest.param([Root("middle", ("z",))], "the requirements file needs middle[z]", id="file"),
        pytest.param([TOP], "top 1.0 needs middle[z]", id="package"),
    ],
)
def test_an_extra_that_there_is_not_is_told_with_those_that_there_are(roots: list[Root], who: str) -> None:
    top = distribution("top", requires=["middle[z]"] if roots == [TOP] else [])
    (finding,) = DependencyWalk([top, distribution("middle", extras=["x", "y"])], roots, HERE).findings
    assert finding.sentence == f"{who}, middle 1.0 has no such extra"
    assert finding.fix == "nothing, unless something is missing at run time; middle 1.0 has x, y"


# --- who leads to whom


@pytest.fixture
def walk() -> DependencyWalk:
    """`top` leads to `far` by `near`, and by `long` and `way`; nothing leads to `alone`, which needs itself."""
    return DependencyWalk(
        [
            distribution("top", requires=["near", "long"]),
            distribution("near", requires=["far"]),
            distribution("long", requires=["way"]),
            distribution("way", requires=["far"]),
            distribution("far"),
            distribution("alone", requires=["alone[x]", "absent"]),
        ],
        [TOP],
        HERE,
    )


def test_edges_lead_from_installed_to_other_installed_names(walk: DependencyWalk) -> None:
    assert walk.edges() == {
        "alone": [], "far": [], "long": ["way"], "near": ["far"], "top": ["long", "near"], "way": ["far"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "chain"),
    [
        ("far", ("top 1.0", "near 1.0", "far 1.0")),
        ("top", ("top 1.0",)),
        ("alone", ()),
        ("absent", ()),
    ],
)
def test_a_chain_is_a_shortest_way_from_a_pin(walk: DependencyWalk, name: str, chain: tuple[str, ...]) -> None:
    assert walk.chain(name, walk.parents()) == chain


@pytest.mark.parametrize(
    ("edges", "rings"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param({"a": ["b"], "b": []}, [["a"], ["b"]], id="chain"),
        pytest.param({"a": ["b"], "b": ["a"]}, [["a", "b"]], id="ring"),
        pytest.param({"a": ["a"]}, [["a"]], id="itself"),
        pytest.param({"a": ["b"], "b": ["c"], "c": ["b", "d"], "d": []}, [["a"], ["b", "c"], ["d"]], id="ring within"),
        pytest.param({"c": ["b"], "b": ["a"], "a": ["c"], "x": ["a"]}, [["a", "b", "c"], ["x"]], id="led to"),
    ],
)
def test_those_that_need_each_other_are_one_component(
    edges: Mapping[str, Sequence[str]], rings: list[list[str]]
) -> None:
    assert sorted(graph.components(edges)) == rings


def test_a_long_chain_needs_no_recursion() -> None:
    count = 5000
    edges = {str(number): [str(number + 1)] if number < count else [] for number in range(count + 1)}
    assert len(list(graph.components(edges))) == count + 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("https://me:secret@host/x", "https://host/x"),
        ("git+ssh://me:secret@host/x", "git+ssh://host/x"),
        ("see https://me:secret@host/x there", "see https://host/x there"),
        ("see https://me@[host/x", "see https://[host/x"),
        ("six @ https://me:se/cret@host/x", "six @ https://host/x"),
        ("see https://me:12/cret@host/x, https://host/x@y", "see https://host/x, https://host/x@y"),
        ("me@host", "me@host"),
    ],
)
def test_a_text_is_told_without_the_credentials_in_it(text: str, told: str) -> None:
    assert dependencies.without_credentials(text) == told
