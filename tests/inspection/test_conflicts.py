"""Every kind of conflict, built on purpose; pip and uv are witnesses where they see it."""

from __future__ import annotations

import re
import subprocess
import sys
import venv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uv
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging import tags
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.version import Version

from tests.support.wheels import unpack, wheel
from venvbuild.inspection.conflicts import find_conflicts
from venvbuild.inspection.dependencies import Root, dependencies
from venvbuild.inspection.findings import FAILING, REPORTED, Finding, render
from venvbuild.installed import Distribution, distributions_in
from venvbuild.interpreters import Target

HERE = Target(
    {key: str(value) for key, value in default_environment().items()}, frozenset(str(tag) for tag in tags.sys_tags())
)
OLD = Target({**HERE.marker_environment, "python_version": "3.8", "python_full_version": "3.8.18"}, HERE.tags)


def distribution(
    name: str,
    version: str | None = "1.0",
    *,
    requires: Iterable[str] = (),
    extras: Iterable[str] = (),
    python: str | None = None,
    wheel_tags: Iterable[str] = (),
    url: Mapping[str, object] | None = None,
) -> Distribution:
    return Distribution(
        name,
        name.lower(),
        version,
        tuple(requires),
        tuple(extras),
        python,
        tuple(wheel_tags),
        None,
        url,
        None,
        (),
        Path("/site"),
        f"{name}-{version}.dist-info",
        (),
    )


def sentences(*distributions: Distribution, roots: Iterable[Root] = (), target: Target = HERE) -> list[str]:
    return [finding.sentence for finding in find_conflicts(distributions, roots, target)]


@dataclass(frozen=True)
class Case:
    wheels: Sequence[Mapping[str, object]]
    sentences: Sequence[str]
    kind: str = ""
    roots: tuple[Root, ...] = ()
    pip: bool = False
    """`pip check` complains."""
    uv: bool = False
    """`uv pip check` complains."""
    after: Callable[[Path], object] = field(default=lambda site: None)
    """Done to site-packages afterwards."""


def _w(name: str, version: str = "1.0", **how: object) -> Mapping[str, object]:
    return {"name": name, "version": version, **how}


PYTHON = HERE.marker_environment["python_full_version"]
CASES = {
    "missing": Case(
        [_w("a", requires=["gone>=1"])], ["a 1.0 needs gone>=1, which is not installed"], "missing", pip=True, uv=True
    ),
    "missing under a true marker": Case(
        [_w("a", requires=["gone; python_version >= '3'"])],
        ["a 1.0 needs gone, which is not installed"],
        "missing",
        pip=True,
        uv=True,
    ),
    "missing from a URL": Case(
        [_w("a", requires=["gone @ https://u:p@example.com/gone.whl"])],
        ["a 1.0 needs gone @ https://example.com/gone.whl, which is not installed"],
        "missing",
        pip=True,
        uv=True,
    ),
    "wrong version": Case(
        [_w("httpx", "0.27.0", requires=["httpcore (==1.*)"]), _w("httpcore", "0.18.0")],
        ["httpx 0.27.0 needs httpcore==1.*, httpcore 0.18.0 is installed"],
        "version",
        pip=True,
        uv=True,
    ),
    "Requires-Python": Case(
        [_w("a", python=">=4")], [f"a 1.0 needs Python >=4, this is Python {PYTHON}"], "python", uv=True
    ),
    "requested extra, dependency missing": Case(
        [_w("b", requires=["c-extra[fast]"]), _w("c-extra", requires=["gone; extra == 'fast'"], extras=["fast"])],
        ["c-extra[fast] 1.0 needs gone, which is not installed"],
        "extra",
    ),
    "extra requested by the requirements file": Case(
        [_w("c-extra", requires=["gone; extra == 'fast'"], extras=["fast"])],
        ["c-extra[fast] 1.0 needs gone, which is not installed"],
        "extra",
        roots=(Root("c-extra", ("fast",)),),
    ),
    "extra of an extra": Case(
        [_w("c", requires=["c[x]; extra == 'all'", "gone; extra == 'x'"], extras=["all", "x"])],
        ["c[x] 1.0 needs gone, which is not installed"],
        "extra",
        roots=(Root("c", ("all",)),),
    ),
    "extra names compare in normal form": Case(
        [_w("c", requires=["gone; extra == 'Very_Fast'"], extras=["Very_Fast"])],
        ["c[very-fast] 1.0 needs gone, which is not installed"],
        "extra",
        roots=(Root("c", ("very.fast",)),),
    ),
    "requested extra, wrong version": Case(
        [_w("c", requires=["b>=2; extra == 'fast'"], extras=["fast"]), _w("b")],
        ["c[fast] 1.0 needs b>=2, b 1.0 is installed"],
        "version",
        roots=(Root("c", ("fast",)),),
    ),
    "unknown extra": Case(
        [_w("b", requires=["c[nope]"]), _w("c", extras=["fast"])],
        ["b 1.0 needs c[nope], c 1.0 has no such extra"],
        "unknown-extra",
    ),
    "unknown extra in the requirements file": Case(
        [_w("c")],
        ["the requirements file needs c[nope], c 1.0 has no such extra"],
        "unknown-extra",
        roots=(Root("c", ("nope",)),),
    ),
    "URL requirement met by another origin": Case(
        [_w("a", requires=["b @ https://example.com/b-2.0.whl"]), _w("b")],
        ["a 1.0 needs b @ https://example.com/b-2.0.whl, b 1.0 from the package index is installed"],
        "url",
    ),
    "wrong platform": Case(
        [_w("a", tag="cp27-cp27m-win32")],
        ["a 1.0 is built for cp27-cp27m-win32, which this platform does not support"],
        "platform",
        pip=True,
        uv=True,
    ),
    "two of one name": Case(
        [_w("a"), _w("a", "2.0")],
        ["a is installed more than once: a-1.0.dist-info, a-2.0.dist-info"],
        "duplicate",
        uv=True,
    ),
    "invalid Requires-Dist": Case(
        [_w("a", requires=["six>>1"])],
        ["a 1.0 says that it needs 'six>>1', which PEP 508 cannot read"],
        "metadata",
        pip=True,
        uv=True,
    ),
    "invalid version": Case(
        [_w("a", metadata="Metadata-Version: 2.1\nName: a\nVersion: banana\n")],
        ["a-1.0.dist-info has the version 'banana', which PEP 440 cannot read"],
        "metadata",
        uv=True,
    ),
    "absent version": Case(
        [_w("a", metadata="Metadata-Version: 2.1\nName: a\n")], ["a-1.0.dist-info has no Version"], "metadata", uv=True
    ),
    "empty dist-info": Case(
        [],
        ["a-1.0.dist-info has no METADATA"],
        "metadata",
        uv=True,
        after=lambda site: (site / "a-1.0.dist-info").mkdir(),
    ),
    "leftover": Case(
        [_w("roken")],
        ["~oken-1.0.dist-info is left over from an interrupted uninstall"],
        "metadata",
        after=lambda site: (site / "roken-1.0.dist-info").rename(site / "~oken-1.0.dist-info"),
    ),
    "file missing": Case(
        [_w("a")],
        ["a 1.0 is not as its RECORD says: 1 missing: a.py"],
        "files",
        after=lambda site: (site / "a.py").unlink(),
    ),
    "file changed": Case(
        [_w("a")],
        ["a 1.0 is not as its RECORD says: 1 of another size: a.py"],
        "files",
        after=lambda site: (site / "a.py").write_text("changed"),
    ),
    "two own one path": Case(
        [_w("a", files={"shared.py": "x\n"}), _w("b", files={"shared.py": "y\n"})],
        ["a 1.0 and b 1.0 own the same path: shared.py"],
        "overlap",
    ),
    "cycle": Case(
        [_w("kedro", "0.19.14", requires=["kedro-telemetry"]), _w("kedro-telemetry", requires=["kedro"])],
        ["kedro 0.19.14 and kedro-telemetry 1.0 need each other"],
        "cycle",
    ),
    "false marker": Case([_w("a", requires=["gone; sys_platform == 'win32'"])], []),
    "extra not requested": Case([_w("a", requires=["gone; extra == 'x'"], extras=["x"])], []),
    "pre-release that satisfies": Case([_w("a", requires=["b>=0.9"]), _w("b", "1.0rc1")], []),
    "local version that satisfies": Case([_w("a", requires=["b==1.0"]), _w("b", "1.0+cu118")], []),
    "old style Requires-Python": Case([_w("a", python=">=3.6.*, !=3.7.*")], []),
}


def complains(command: Sequence[str | Path]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode != 0


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_each_conflict_is_found_as_what_it_is(case: Case, tmp_path: Path) -> None:
    folder = tmp_path / "venv"
    venv.create(folder, symlinks=True)
    site = next((folder / "lib").glob("*/site-packages"))
    for number, how in enumerate(case.wheels):
        unpack(wheel(tmp_path / str(number), **how), site)  # type: ignore[arg-type]
    case.after(site)
    found = find_conflicts(distributions_in([site]), case.roots, HERE)
    assert [finding.sentence for finding in found] == list(case.sentences)
    assert {finding.type for finding in found} == ({case.kind} if case.kind else set())
    assert complains([uv.find_uv_bin(), "pip", "check", "--no-config", "-p", folder / "bin" / "python"]) == case.uv
    if case.pip or not case.kind:
        assert complains([sys.executable, "-m", "pip", "--isolated", "--python", folder, "check"]) == case.pip


def test_every_type_has_a_case() -> None:
    assert {case.kind for case in CASES.values()} - {""} == FAILING | REPORTED


@pytest.mark.parametrize("kind", sorted(FAILING | REPORTED))
def test_a_sentence_is_one_line_and_reported_types_never_fail(kind: str) -> None:
    finding = Finding(kind, "a", "a 1.0", requirement="b{0}", found="c {label}")
    assert "\n" not in finding.sentence
    assert finding.is_failure == (kind in FAILING)
    assert finding.as_json()["sentence"] == finding.sentence


def test_markers_are_judged_for_the_target_not_for_us() -> None:
    app = distribution("app", requires=["old; python_version < '3.9'", "new; python_version >= '3.9'"])
    assert sentences(app, target=OLD) == ["app 1.0 needs old, which is not installed"]
    assert sentences(app) == ["app 1.0 needs new, which is not installed"]


def test_what_is_always_needed_is_missing_also_when_an_extra_asks_for_it() -> None:
    app = distribution("app", requires=["gone; python_version >= '3' or extra == 'x'"], extras=["x"])
    (finding,) = find_conflicts([app], [Root("app", ("x",))], HERE)
    assert (finding.type, finding.label) == ("missing", "app 1.0")


def test_one_requirement_asked_for_by_two_extras_is_one_finding() -> None:
    app = distribution("app", requires=["gone; extra == 'x' or extra == 'y'"], extras=["x", "y"])
    assert sentences(app, roots=[Root("app", ("x", "y"))]) == ["app[x] 1.0 needs gone, which is not installed"]


def test_a_marker_that_cannot_be_judged_is_a_finding() -> None:
    app = distribution("app", requires=["b; sys_platform ~= 'linux'"])
    (finding,) = find_conflicts([app], [], HERE)
    assert (finding.type, finding.distribution) == ("metadata", "app")


def test_unreadable_requirements_do_not_hide_the_others_and_never_show_a_password() -> None:
    app = distribution("app", requires=["b>>1 @ https://me:hunter2@example.com/b.whl", "(" * 5000, "gone"])
    found = render(find_conflicts([app], [], HERE))
    assert "app 1.0 needs gone" in found
    assert "hunter2" not in found


def test_an_unreadable_requires_python_is_a_finding() -> None:
    assert sentences(distribution("a", python="three")) == [
        "a 1.0 has the Requires-Python 'three', which PEP 440 cannot read"
    ]


def test_a_pin_that_is_not_installed_is_missing() -> None:
    assert sentences(roots=[Root("gone")]) == ["the requirements file needs gone, which is not installed"]


def test_a_wheel_fits_when_one_of_its_tags_does() -> None:
    assert sentences(distribution("a", wheel_tags=["cp27-cp27m-win32", "py3-none-any"])) == []


GIT = {"url": "https://example.com/b.git", "vcs_info": {"vcs": "git", "requested_revision": "v1", "commit_id": "abc"}}
WHEEL = {"url": "https://example.com/b%2B1.whl", "archive_info": {"hashes": {"sha256": "aa"}}}


@pytest.mark.parametrize(
    ("requirement", "origin", "is_met"),
    [
        ("b @ https://example.com/b+1.whl", WHEEL, True),
        ("b @ https://user:pw@example.com/b%2B1.whl#sha256=aa", WHEEL, True),
        ("b @ https://example.com/b+1.whl#sha256=bb", WHEEL, False),
        ("b @ https://example.com/other.whl", WHEEL, False),
        ("b @ git+https://example.com/b.git@v1", GIT, True),
        ("b @ git+https://example.com/b.git@abc#egg=b", GIT, True),
        ("b @ git+https://example.com/b.git", GIT, True),
        ("b @ git+https://example.com/b.git@v2", GIT, False),
        ("b @ git+ssh://git@example.com/b.git", {**GIT, "url": "ssh://git@example.com/b.git"}, True),
        ("b @ hg+https://example.com/b.git@v1", GIT, False),
        ("b @ https://[bad/b.whl", WHEEL, False),
        ("b @ https://example.com/b+1.whl", {"url": "https://[bad"}, False),
    ],
)
def test_a_url_requirement_is_met_by_the_same_origin(requirement: str, origin: dict[str, object], is_met: bool) -> None:
    found = find_conflicts([distribution("a", requires=[requirement]), distribution("b", url=origin)], [], HERE)
    assert [finding.type for finding in found] == ([] if is_met else ["url"])


def test_the_chain_leads_from_a_pin_to_the_distribution() -> None:
    found = find_conflicts(
        [
            distribution("kedro", "0.19.14", requires=["cachetools", "tools"]),
            distribution("cachetools", "5"),
            distribution("tools", requires=["deep"]),
            distribution("deep", requires=["gone"]),
            distribution("loose", requires=["gone"]),
        ],
        [Root("kedro")],
        HERE,
    )
    assert {finding.distribution: finding.chain for finding in found} == {
        "deep": ("kedro 0.19.14", "tools 1.0", "deep 1.0"),
        "loose": (),
    }


def test_a_long_cycle_is_one_finding_and_what_leads_to_it_is_none() -> None:
    ring = [distribution(name, requires=[other]) for name, other in ("ab", "bc", "ca", "da")]
    assert sentences(*ring) == ["a 1.0 and b 1.0 and c 1.0 need each other"]


def test_a_chain_of_thousands_is_no_traceback() -> None:
    chain = [distribution(f"p{n:05}", requires=[f"p{n + 1:05}"]) for n in range(3000)]
    assert sentences(*chain, roots=[Root("p00000")]) == ["p02999 1.0 needs p03000, which is not installed"]


def test_the_order_of_the_input_does_not_matter() -> None:
    some = [
        distribution("b", requires=["gone", "a>2"]),
        distribution("a", requires=["gone"], python="<3"),
        distribution("c", requires=["gone"], wheel_tags=["x-y-z"]),
    ]
    assert find_conflicts(some, [Root("c")], HERE) == find_conflicts(some[::-1], [Root("c")], HERE)


def test_overlaps_of_one_pair_are_one_finding(tmp_path: Path) -> None:
    files = {f"cv2/{number}.py": "x\n" for number in range(150)}
    unpack(wheel(tmp_path, "opencv", "4", files=files), tmp_path / "site")
    unpack(wheel(tmp_path, "opencv-headless", "4", files=files), tmp_path / "site")
    (finding,) = find_conflicts(distributions_in([tmp_path / "site"]), [], HERE)
    assert (finding.file_count, len(finding.files), finding.is_failure) == (150, 100, False)
    assert finding.sentence == (
        "opencv 4 and opencv-headless 4 own the same path: cv2/0.py, cv2/1.py, cv2/10.py and 147 more"
    )


@pytest.mark.parametrize(
    ("roots", "third", "fix"),
    [
        pytest.param(["a", "b"], [], "keep one of them in the requirements file: a or b", id="both are asked for"),
        pytest.param(
            ["a", "b", "c"],
            ["b>=1"],
            "remove a from the requirements file, since c 1.0 needs b>=1",
            id="one is needed",
        ),
        pytest.param(
            ["c"],
            ["a", "b"],
            "you decide whether that matters, since none can be left out: c 1.0 needs a, c 1.0 needs b; "
            "the files are those of b",
            id="both are needed",
        ),
    ],
)
def test_two_owners_of_a_path_are_told_which_can_be_left_out(
    roots: list[str], third: list[str], fix: str, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        unpack(wheel(tmp_path, name, "1.0", files={"shared.py": f"{name}\n"}), tmp_path / "site")
    unpack(wheel(tmp_path, "c", "1.0", requires=third), tmp_path / "site")
    (finding,) = find_conflicts(distributions_in([tmp_path / "site"]), [Root(name) for name in roots], HERE)
    assert finding.fix == fix


def test_two_owners_of_a_path_with_one_content_need_nothing(tmp_path: Path) -> None:
    for name in ("a", "b"):
        unpack(wheel(tmp_path, name, "1.0", files={"shared.py": "x\n", f"{name}.py": "x\n"}), tmp_path / "site")
    (finding,) = find_conflicts(distributions_in([tmp_path / "site"]), [Root("a"), Root("b")], HERE)
    assert finding.fix == "nothing: what they bring is the same"


# A plain checker for small graphs: no worklist, all extras until nothing changes.
NAMES, EXTRAS = ["a", "b", "c", "d"], ["x", "y"]
_marker = st.sampled_from(
    [
        "",
        "python_version >= '3'",
        "python_version < '3'",
        "extra == 'x'",
        "extra == 'y'",
        "python_version < '3' or extra == 'x'",
        "python_version >= '3' and extra == 'y'",
    ]
)
_requirement = st.builds(
    lambda name, extras, specifier, marker: f"{name}{extras}{specifier}{' ; ' if marker else ''}{marker}",
    st.sampled_from([*NAMES, "gone"]),
    st.sampled_from(["", "[x]", "[y]", "[x,y]"]),
    st.sampled_from(["", ">=1", ">=2", "==1.*", "!=1.0"]),
    _marker,
)
_graph = st.dictionaries(
    st.sampled_from(NAMES),
    st.tuples(st.sampled_from(["1.0", "2.0", "2.0rc1"]), st.lists(_requirement, max_size=4, unique=True)),
    min_size=1,
)
_roots = st.dictionaries(st.sampled_from(NAMES), st.sets(st.sampled_from(EXTRAS)))


def _plainly(graph: Mapping[str, tuple[str, list[str]]], roots: Mapping[str, set[str]]) -> set[tuple[str, str, bool]]:
    """(dependent, requirement, whether it is missing) of all that is not met."""

    def holds(requirement: Requirement, extra: str) -> bool:
        return requirement.marker is None or requirement.marker.evaluate({**HERE.marker_environment, "extra": extra})

    asked = {name: {"", *roots.get(name, ())} for name in graph}
    for _ in range(20):
        for name, (_version, texts) in graph.items():
            for requirement in map(Requirement, texts):
                if requirement.name in graph and any(holds(requirement, extra) for extra in asked[name]):
                    asked[requirement.name] |= requirement.extras
    unmet = set()
    for name, (_version, texts) in graph.items():
        for requirement in map(Requirement, texts):
            if any(holds(requirement, extra) for extra in asked[name]):
                found = graph.get(requirement.name)
                if found is None or not requirement.specifier.contains(Version(found[0]), prereleases=True):
                    requirement.marker = None
                    unmet.add((name, re.sub(r"\s", "", str(requirement)), found is None))
    return unmet


@settings(max_examples=200, deadline=None)
@given(graph=_graph, roots=_roots)
def test_small_graphs_agree_with_a_plain_checker(
    graph: dict[str, tuple[str, list[str]]], roots: dict[str, set[str]]
) -> None:
    some = [distribution(name, version, requires=texts, extras=EXTRAS) for name, (version, texts) in graph.items()]
    pins = [Root(name, tuple(extras)) for name, extras in roots.items() if name in graph]
    found = find_conflicts(some, pins, HERE)
    assert {(one.distribution, one.requirement, one.type != "version") for one in found if one.is_failure} == _plainly(
        graph, roots
    )
    assert len(dependencies(some, pins, HERE)) <= sum(len(texts) for _, texts in graph.values())
