"""What others may import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import venvbuild


@pytest.mark.parametrize("name", venvbuild.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(venvbuild, name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        getattr(venvbuild, "nonsense")  # noqa: B009  # a type checker knows that it is not there


def test_importing_it_imports_no_module_of_it() -> None:
    script = "import sys, venvbuild; print([name for name in sys.modules if name.startswith('venvbuild.')])"
    root = str(Path(venvbuild.__file__).parents[1])
    said = subprocess.run([sys.executable, "-c", f"import sys; sys.path.insert(0, {root!r}); {script}"], check=True,
                          capture_output=True, text=True).stdout  # fmt: skip
    assert said == "[]\n"
