"""AWS Lambda: the packages as a ZIP, for a function or as a layer. No account has confirmed it."""

from __future__ import annotations

import csv
import shlex
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from venvbuild.exports.build import Build
from venvbuild.exports.consumer import Makes, Paste
from venvbuild.exports.rules import (
    Finding,
    Rule,
    SizeLimit,
    Source,
    glibc_at_most,
    largest,
    not_checked,
    platform_among,
    python_among,
)
from venvbuild.exports.zipping import FILES, MOST_FILES, UNPACKED, write_zip
from venvbuild.text import size_text

_READ_ON = "2026-11-29"
_RUNTIMES = Source("https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html", _READ_ON)
_LIMITS = Source("https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html", _READ_ON)
_PACKAGES = Source("https://docs.aws.amazon.com/lambda/latest/dg/python-package.html", _READ_ON)
_GLIBC = Source("https://docs.aws.amazon.com/linux/al2023/ug/glibc-gcc-and-binutils.html", _READ_ON)
# Wheels are there for it of nearly all that is on the index; which is why it stands before a newer one.
_PYTHONS = ("3.13", "3.14", "3.12", "3.11", "3.10")
_OF_AMAZON_LINUX_2 = {"3.10": "2.26", "3.11": "2.26"}
_AMAZON_LINUX_2023 = "2.34"
_UNPACKED_BYTES = 262_144_000
_DIRECT_BYTES = 50 << 20
_ARCHITECTURES = {"linux_x86_64": "x86_64", "linux_aarch64": "arm64"}
_UPWARDS = ("../", '"../')
"""So begins a line of RECORD of a file beside the packages."""


class _Contents(NamedTuple):
    """Of a ZIP that was made, what the rules ask for."""

    names: tuple[str, ...]
    size_bytes: int
    """Of all files together, unpacked."""
    records: Mapping[str, str]
    """The text of RECORD by the name of the distribution, as its folder has it."""


def _contents(made: Path | None) -> _Contents:
    assert made
    facts = made.stat()
    return _contents_of(made, facts.st_ino, facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=1)  # several rules ask, and of 20,000 files each reading takes a tenth of a second
def _contents_of(made: Path, *_as_it_is: int) -> _Contents:
    with zipfile.ZipFile(made) as opened:
        names = tuple(opened.namelist())
        records = {
            name.split("/")[-2].partition("-")[0]: opened.read(name).decode("utf-8", "replace")
            for name in names
            if name.endswith(".dist-info/RECORD")
        }
        return _Contents(names, sum(one.file_size for one in opened.infolist()), records)


def _unpacked(_build: Build, made: Path | None) -> Finding:
    size_bytes = _contents(made).size_bytes
    # More was not even made: `write_zip` gave it up.
    return Finding("met", f"{size_text(size_bytes)}, {size_bytes} bytes")


def _files(_build: Build, made: Path | None) -> Finding:
    return Finding("met", f"{len(_contents(made).names)} files")


def _start_files(_build: Build, made: Path | None) -> Finding:
    names = [name.removeprefix("python/") for name in _contents(made).names]
    found = [name for name in names if "/" not in name and name.endswith((".pth", ".start"))]
    if not found:
        return Finding("met", "there are none")
    return Finding("NOT CHECKED", f"Lambda does not run {', '.join(found)}: see whether your code needs what that does")


def _outside(_build: Build, made: Path | None) -> Finding:
    left: dict[str, list[str]] = {}
    for name, text in _contents(made).records.items():
        left[name] = _left_out(text)
    told = [f"{name} {files[0].lstrip('./')}{_and_more(len(files) - 1)}" for name, files in left.items() if files]
    if not told:
        return Finding("met", "there are none")
    return Finding("NOT CHECKED", f"left out: {', '.join(told)}; see whether your code needs them")


def _left_out(record: str) -> list[str]:
    rows = csv.reader(line for line in record.splitlines() if line.startswith(_UPWARDS))
    try:
        # Scripts lie beside, too, and nobody misses them there.
        return [row[0] for row in rows if not row[0].startswith("../../../bin/")]
    except csv.Error:  # a field of more than 131,072 characters
        return ["what its RECORD names, which cannot be read"]


def _and_more(count: int) -> str:
    return f" and {count} more" if count else ""


def _upload(_build: Build, made: Path | None) -> Finding:
    assert made
    size_bytes = made.stat().st_size
    way = "directly" if size_bytes <= _DIRECT_BYTES else "by way of S3 alone"
    return Finding("met", f"{size_text(size_bytes)}, which can be uploaded {way}")


_RULES = (
    python_among(_PYTHONS, f"a Python that Lambda has: {', '.join(sorted(_PYTHONS))}", _RUNTIMES),
    platform_among(tuple(_ARCHITECTURES), "linux_x86_64 or linux_aarch64", _RUNTIMES),
    glibc_at_most(
        _OF_AMAZON_LINUX_2,
        _AMAZON_LINUX_2023,
        "the glibc of the runtime: 2.26 for 3.10 and 3.11, 2.34 for newer ones",
        _GLIBC,
    ),
    Rule(FILES, f"at most {MOST_FILES} files, and no links", _PACKAGES, _files, is_of_what_is_made=True),
    Rule(UNPACKED, "at most 250 MB (262144000 bytes) unpacked", _LIMITS, _unpacked, is_of_what_is_made=True),
    Rule("upload", "over 50 MB by way of S3 alone", _LIMITS, _upload, is_of_what_is_made=True),
    Rule("start_files", "no .pth, no .start: none runs there", _PACKAGES, _start_files, is_of_what_is_made=True),
    Rule("outside", "no files of packages outside of site-packages", _PACKAGES, _outside, is_of_what_is_made=True),
    not_checked(
        "together",
        "at most 250 MB unpacked, with the code and all layers of the function",
        "add the sizes of your code and of the other layers",
        _LIMITS,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class _Zipped:
    """A consumer that takes a ZIP."""

    name: str
    takes: str
    folder: str
    paste: Callable[[Build, Path], tuple[Paste, ...]]
    rules: tuple[Rule, ...] = _RULES
    makes: Makes = "file"

    def file_name(self, build: Build) -> str:
        """`sales-lambda-layer.zip`."""
        return f"{build.env_name}-{self.name}.zip"

    def make(self, build: Build, place: Path) -> str:
        """The ZIP."""
        limit = SizeLimit(_UNPACKED_BYTES, f"leave out what is not needed ({largest(build)}), or use a container image")
        with place.open("x+b") as raw:
            return write_zip(build.archive, self.folder, limit, raw)

    def settings(self, build: Build, made: Path | None) -> tuple[Paste, ...]:
        """Commands of the AWS CLI."""
        assert made
        return self.paste(build, made)


def _of_function(build: Build, made: Path) -> tuple[Paste, ...]:
    copied = f"cp {shlex.quote(str(made))} function.zip && zip function.zip app.py"
    runtime = f"--runtime python{build.python_version} --architectures {_ARCHITECTURES[build.platform]}"
    create = f"aws lambda create-function --function-name NAME --role ROLE --handler app.handler {runtime}"
    if made.stat().st_size <= _DIRECT_BYTES:
        upload = f"{create} --zip-file fileb://function.zip"
    else:
        upload = f"aws s3 cp function.zip s3://BUCKET/KEY\n{create} --code S3Bucket=BUCKET,S3Key=KEY"
    return Paste("a shell: a copy gets your code, here app.py", copied), Paste("AWS CLI", upload)


def _of_layer(build: Build, made: Path) -> tuple[Paste, ...]:
    runtime = f"--compatible-runtimes python{build.python_version}"
    architecture = f"--compatible-architectures {_ARCHITECTURES[build.platform]}"
    publish = f"aws lambda publish-layer-version --layer-name {_layer_name(build)} {runtime} {architecture}"
    if made.stat().st_size <= _DIRECT_BYTES:
        return (Paste("AWS CLI", f"{publish} --zip-file {shlex.quote(f'fileb://{made}')}"),)
    copied = f"aws s3 cp {shlex.quote(str(made))} s3://BUCKET/KEY"
    return (Paste("AWS CLI", f"{copied}\n{publish} --content S3Bucket=BUCKET,S3Key=KEY"),)


def _layer_name(build: Build) -> str:
    # Letters, digits, `-` and `_` (PublishLayerVersion of the Lambda API).
    return build.env_name.replace(".", "-")


LAMBDA = _Zipped("lambda", "a .zip with the packages at its top, to which you add your code", "", _of_function)
LAMBDA_LAYER = _Zipped("lambda-layer", "a .zip with the packages below python/, which is a layer", "python/", _of_layer)
