"""AWS Lambda: the packages as a ZIP, for a function or as a layer. No account has confirmed it."""

from __future__ import annotations

import csv
import shlex
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

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


def _unpacked(_build: Build, made: Path | None) -> Finding:
    assert made
    with zipfile.ZipFile(made) as opened:
        size_bytes = sum(info.file_size for info in opened.infolist())
    # More was not even made: `write_zip` gave it up.
    return Finding("met", f"{size_text(size_bytes)}, {size_bytes} bytes")


def _files(_build: Build, made: Path | None) -> Finding:
    assert made
    with zipfile.ZipFile(made) as opened:
        return Finding("met", f"{len(opened.namelist())} files")


def _start_files(_build: Build, made: Path | None) -> Finding:
    assert made
    with zipfile.ZipFile(made) as opened:
        names = [name.removeprefix("python/") for name in opened.namelist()]
    found = [name for name in names if "/" not in name and name.endswith((".pth", ".start"))]
    if not found:
        return Finding("met", "there are none")
    return Finding("NOT CHECKED", f"Lambda does not run {', '.join(found)}: see whether your code needs what that does")


def _outside(_build: Build, made: Path | None) -> Finding:
    assert made
    left: dict[str, list[str]] = {}
    with zipfile.ZipFile(made) as opened:
        for name in opened.namelist():
            if name.endswith(".dist-info/RECORD"):
                rows = csv.reader(opened.read(name).decode("utf-8", "replace").splitlines())
                left[name.split("/")[-2].partition("-")[0]] = [row[0] for row in rows if row and _is_left_out(row[0])]
    told = [f"{name} {files[0].lstrip('./')}{_and_more(len(files) - 1)}" for name, files in left.items() if files]
    if not told:
        return Finding("met", "there are none")
    return Finding("NOT CHECKED", f"left out: {', '.join(told)}; see whether your code needs them")


def _is_left_out(path: str) -> bool:
    # Scripts lie beside, too, and nobody misses them there.
    return path.startswith("../") and not path.startswith("../../../bin/")


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
