"""What is pasted into Glue and Clean Rooms, whose rules alone could be tried."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.exported import build_of, saying
from venvbuild.exports.glue import CLEAN_ROOMS, GLUE


@pytest.mark.parametrize(("pin", "glue"), [("5.0.0", "Glue 5.0"), ("5.1.0", "Glue 5.1"), ("6.0.0", "Glue 6.0")])
def test_the_version_of_glue_is_that_of_its_package(tmp_path: Path, pin: str, glue: str) -> None:
    build = saying(build_of(tmp_path / "build"), installed_packages=[f"awsgluedataplanepython=={pin}"])
    copy, parameters = GLUE.settings(build, Path("/srv/a b.tar.gz"))
    assert copy.text == "aws s3 cp '/srv/a b.tar.gz' s3://BUCKET/PREFIX/sales.tar.gz"
    assert parameters.where.endswith(glue)
    assert parameters.text == "--python-virtual-env s3://BUCKET/PREFIX/sales.tar.gz"


def test_clean_rooms_gets_an_object_with_its_sum(tmp_path: Path) -> None:
    [copy] = CLEAN_ROOMS.settings(build_of(tmp_path / "build"), Path("/srv/a.tar.gz"))
    assert copy.text == "aws s3 cp /srv/a.tar.gz s3://BUCKET/PREFIX/a.tar.gz --checksum-algorithm SHA256"
