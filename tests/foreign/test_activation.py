"""Activation scripts that any environment can be given."""

from __future__ import annotations

from pathlib import Path

from venvbuild.foreign import activation


def test_of_a_relocatable_environment_the_activation_scripts_are_given_to_others(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("activate", "activate.fish", "activate.csh", "activate_this.py", "tool"):
        (tmp_path / "bin" / name).write_text(name)
    assert activation.scripts_of(tmp_path) == {"activate": b"activate", "activate.fish": b"activate.fish"}


def test_those_of_our_own_environments_name_no_place() -> None:
    scripts = activation.activation_scripts()
    assert {"activate", "activate.fish"} <= scripts.keys()
    assert not [name for name, content in scripts.items() if b"venvbuild-activate-" in content]
