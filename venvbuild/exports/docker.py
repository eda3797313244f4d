"""Docker: a folder with the archive and a Dockerfile to read, whose base image has the Python that it links to."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from string import Template

from venvbuild.archive import sum_file, sum_line
from venvbuild.exports.build import Build
from venvbuild.exports.consumer import Makes, Paste
from venvbuild.exports.flat import write_flat
from venvbuild.exports.rules import Finding, Rule, Source, glibc_finding, not_checked, platform_among

_READ_ON = "2026-11-29"
_DEBIAN = Source("https://packages.debian.org/search?keywords=python3&searchon=names&exact=1", _READ_ON)
_OFFICIAL = Source("https://hub.docker.com/_/python", _READ_ON)
_PLATFORMS = ("linux_x86_64", "linux_aarch64")


@dataclass(frozen=True)
class _Base:
    """An image, and how it gets the Python."""

    image: str
    glibc: str
    package: str = ""
    """Of its distribution; empty: the Python is there."""


_BY_LINK = {
    "/usr/bin/python3.9": _Base("debian:11-slim", "2.31", "python3"),
    "/usr/bin/python3.10": _Base("ubuntu:22.04", "2.35", "python3"),
    "/usr/bin/python3.11": _Base("debian:12-slim", "2.36", "python3"),
    "/usr/bin/python3.12": _Base("ubuntu:24.04", "2.39", "python3"),
    "/usr/bin/python3.13": _Base("debian:13-slim", "2.41", "python3"),
}
_FOR_BUNDLED = _Base("debian:12-slim", "2.36")
# Of its oldest variant, so that any will do.
_OFFICIAL_GLIBC = "2.36"

_DOCKERFILE = Template("""\
# $version of $env_name, Python $python_version. Build it in this folder: docker build -t $tag .
FROM $image AS unpacked
COPY $archive /tmp/$archive
RUN echo "$sha256  /tmp/$archive" | sha256sum -c - \\
 && mkdir -p $place \\
 && tar -xzf /tmp/$archive --no-same-owner -C $place

FROM $image
${install}\
COPY --from=unpacked $place $place
ENV VIRTUAL_ENV=$place PATH=$place/bin:$$PATH
# What does not run ends here, and not in production.
RUN ["python", "-c", "import sys; assert sys.prefix == '$place', sys.prefix"]
CMD ["python"]
""")
_INSTALL = """\
RUN apt-get update \\
 && apt-get install -y --no-install-recommends {package} \\
 && rm -rf /var/lib/apt/lists/*
"""


def _base_of(build: Build) -> _Base | None:
    if build.is_bundled:
        return _FOR_BUNDLED
    if build.link is None or build.links_to_another:
        return None
    if build.link == f"/usr/local/bin/python{build.python_version}":
        return _Base(f"python:{build.python_version}-slim", _OFFICIAL_GLIBC)
    return _BY_LINK.get(build.link)


def _link(build: Build, _: Path | None) -> Finding:
    base = _base_of(build)
    saw = "the interpreter is inside" if build.is_bundled else f"bin/python leads to {build.link or 'nothing'}"
    if base:
        return Finding("met", f"{saw}: {base.image}")
    return Finding("broken", saw, flags=("--python-path", "/usr/local/bin/python{python}"))


def _glibc(build: Build, _: Path | None) -> Finding:
    base = _base_of(build)
    if base is None:
        return Finding("NOT CHECKED", "there is no image for its link")
    return glibc_finding(build, base.glibc)


@dataclass(frozen=True)
class _Docker:
    """A folder for `docker build`."""

    name: str = "docker"
    takes: str = "a folder with the archive and a Dockerfile to read"
    makes: Makes = "folder"
    rules: tuple[Rule, ...] = (
        Rule(
            "link",
            "the Python of an image: /usr/local/bin/pythonX.Y (python:X.Y-slim), /usr/bin/python3.9 to 3.13 (Debian, "
            "Ubuntu), or one inside",
            _OFFICIAL,
            _link,
        ),
        platform_among(_PLATFORMS, "linux_x86_64 or linux_aarch64", _OFFICIAL),
        Rule("glibc", "no newer glibc than the image has", _DEBIAN, _glibc),
        not_checked(
            "image",
            "the image, as it is when you build, has this Python and what libraries the packages load",
            "the Dockerfile ends where {link} is not there; libraries show when the packages are imported",
            _OFFICIAL,
        ),
    )

    def file_name(self, build: Build) -> str:
        """Of the folder: `sales-docker`."""
        return f"{build.env_name}-docker"

    def make(self, build: Build, place: Path) -> str:
        """The folder: the archive, its sum, the Dockerfile; the sha256 is the archive's."""
        base = _base_of(build)
        assert base
        place.mkdir()
        archive = place / _archive_name(build)
        with archive.open("x+b") as raw:
            sha256 = write_flat(build.archive, raw)
        sum_file(archive).write_bytes(sum_line(archive.name, sha256))
        (place / "Dockerfile").write_text(_dockerfile(build, base, sha256), "utf-8")
        for path in place.iterdir():
            path.chmod(0o644)
        return sha256

    def settings(self, build: Build, made: Path | None) -> tuple[Paste, ...]:
        """The command."""
        return (Paste("a shell", f"docker build -t {_tag(build)} {shlex.quote(str(made))}"),)


def _archive_name(build: Build) -> str:
    return f"{build.env_name}.tar.gz"


def _tag(build: Build) -> str:
    # Small letters, and between them one `.`, one or two `_`, or `-` (the reference of image names).
    return re.sub(r"[._-]+", "-", build.env_name.lower()).strip("-")


def _dockerfile(build: Build, base: _Base, sha256: str) -> str:
    return _DOCKERFILE.substitute(
        version=build.venv_version,
        env_name=build.env_name,
        python_version=build.python_version,
        tag=_tag(build),
        image=base.image,
        archive=_archive_name(build),
        sha256=sha256,
        place=f"/opt/{build.env_name}",
        install=_INSTALL.format(package=base.package) if base.package else "",
    )


DOCKER = _Docker()
