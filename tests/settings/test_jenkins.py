"""By what a run of Jenkins is known."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from venvbuild.settings import jenkins


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        pytest.param({"BUILD_TAG": "jenkins-team-envs-42"}, True, id="a run"),
        pytest.param({"BUILD_TAG": "v1.2"}, False, id="somebody else's tag"),
        pytest.param({"JENKINS_URL": "https://ci/", "WORKSPACE": "/w"}, False, id="an agent without a run"),
        pytest.param({"BUILD_URL": "https://ci/1"}, False, id="another CI"),
        pytest.param({}, False, id="a laptop"),
    ],
)
def test_a_run_is_known_by_its_tag(environ: Mapping[str, str], expected: bool) -> None:
    assert jenkins.is_run(environ) is expected
