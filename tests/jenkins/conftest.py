"""The JVM of the Jenkins tests, one for the session of each worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.groovy import Groovy


@pytest.fixture(scope="session")
def groovy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Groovy]:
    with Groovy(tmp_path_factory.mktemp("groovy") / "stderr") as running:
        yield running
