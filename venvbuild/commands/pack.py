"""`venvbuild pack`: a step of the job, or on its own for an environment that somebody else made."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from venvbuild.console import options, steps
from venvbuild.console.output import print_data, print_json
from venvbuild.console.progress import Beat
from venvbuild.errors import UsageError
from venvbuild.text import size_text

# What may be given anew here although `check` has written it down: no step before this one depends on it.
_OWN = ("level", "bytecode", "python_path", "bundle_python", "layout")


@click.command("pack", short_help="4. Pack the environment into a reproducible, relocatable archive.")
@click.option(
    "--venv",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Pack this environment, which anybody may have made, instead of the job's; it is not changed. Needs -o.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where --venv's archive goes: .tar.gz or .tgz.",
)
@click.option("--force", is_flag=True, help="Let -o replace a file that is no archive of venvbuild.")
@options.with_pack_options
@options.with_work_dir
@options.again
@options.with_config
@options.as_json
def command(venv: Path | None, output: Path | None, force: bool, **given: Any) -> None:
    """Pack the environment into a reproducible, relocatable archive.

    With --venv it is an environment of `python -m venv`, virtualenv or uv, and no step has to come before: what knows
    its place is converted on the way, and what cannot move is refused by name. FILE.sha256 is written beside the
    archive.
    """
    if venv is None and output is None:
        if force:
            raise UsageError("--force is for -o", fix="venvbuild pack --venv DIR -o FILE --force")
        steps.run("pack", given, own=_OWN)
    elif venv is None or output is None:
        raise UsageError("--venv and -o go together", fix="venvbuild pack --venv DIR -o FILE")
    # Only as flags: VENVBUILD_WORK_DIR may be set for the job's own steps.
    elif given["work_dir"] is not None or given["again"]:
        raise UsageError(
            "with --venv there is no work dir", where="--again" if given["again"] else "--work-dir", fix="leave it out"
        )
    else:
        _pack_venv(venv, output, force, given)


def _pack_venv(venv: Path, output: Path, force: bool, given: options.Given) -> None:
    # Only here: the job's step does without.
    from venvbuild import foreign
    from venvbuild.archive import FragmentCache

    settings = options.load(given)
    cache = FragmentCache(settings.folders.cache / "fragments")
    with Beat("pack"):
        made = foreign.pack(
            venv,
            output,
            foreign.Wanted(
                settings.level, settings.python_path, settings.bundle_python, settings.bytecode, settings.layout
            ),
            cache=cache,
            force=force,
        )
    if given["as_json"]:
        print_json(asdict(made))
    else:
        print_data(
            f"{made.archive}  {size_text(made.size_bytes)} of {size_text(made.plain_bytes)}  "
            f"{made.package_count} packages  Python {made.python_full_version or made.python_version}"
        )
