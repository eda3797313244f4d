"""Whether Jenkins runs us."""

from __future__ import annotations

from collections.abc import Mapping


def is_run(environ: Mapping[str, str]) -> bool:
    """Whether we are a process of a run of Jenkins.

    Told by BUILD_TAG, `jenkins-JOB-NUMBER`, which every `sh` gets (hudson.model.Run, getCharacteristicEnvVars).
    BUILD_URL and JENKINS_URL are there only where the controller knows its URL, and an agent has JENKINS_URL without a
    run, too.
    """
    return environ.get("BUILD_TAG", "").startswith("jenkins-")
