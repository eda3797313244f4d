"""Docker: a folder with the archive and a Dockerfile to read, whose base image has the Python that it links to."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, replace
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
_PLATFORMS = {"linux_x86_64": "linux/amd64", "linux_aarch64": "linux/arm64"}


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
# What Debian 12 has, as its packages list their files.
_DEBIAN_12 = {
    "libX11.so.6": "libx11-6", "libbz2.so.1.0": "libbz2-1.0", "libcrypt.so.1": "libcrypt1", "libcrypto.so.3": "libssl3",
    "libdb-5.3.so": "libdb5.3", "libexpat.so.1": "libexpat1", "libffi.so.8": "libffi8", "libgcc_s.so.1": "libgcc-s1",
    "libgdbm.so.6": "libgdbm6", "libgdbm_compat.so.4": "libgdbm-compat4", "liblzma.so.5": "liblzma5",
    "libncursesw.so.6": "libncursesw6", "libnsl.so.2": "libnsl2", "libpanelw.so.6": "libncursesw6",
    "libreadline.so.8": "libreadline8", "libsqlite3.so.0": "libsqlite3-0", "libssl.so.3": "libssl3",
    "libstdc++.so.6": "libstdc++6", "libtcl8.6.so": "libtcl8.6", "libtinfo.so.6": "libtinfo6",
    "libtirpc.so.3": "libtirpc3", "libtk8.6.so": "libtk8.6", "libuuid.so.1": "libuuid1", "libz.so.1": "zlib1g",
}  # fmt: skip
_SONAME = re.compile(r"[A-Za-z0-9._+-]+")
# Of its oldest variant, so that any will do.
_OFFICIAL_GLIBC = "2.36"

_DOCKERFILE = Template("""\
# $version of $env_name, Python $python_version. Build it in this folder: docker build -t $tag .
FROM --platform=$platform $image AS unpacked
COPY $archive /tmp/$archive
RUN echo "$sha256  /tmp/$archive" | sha256sum -c - \\
 && mkdir -p $place \\
 && tar -xzf /tmp/$archive --no-same-owner -C $place

FROM --platform=$platform $image
${install}\
COPY --from=unpacked $place $place
ENV VIRTUAL_ENV=$place PATH=$place/bin:$$PATH
# What does not run ends here, and not in production.
RUN ["python", "-c", "import sys; assert sys.prefix == '$place', sys.prefix"]
${load}\
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


def _platform(build: Build, made: Path | None) -> Finding:
    found = _AMONG.judge(build, made)
    if found.state != "met":
        return found
    return Finding("met", f"{build.platform}: the Dockerfile asks for {_PLATFORMS[build.platform]}")


def _libraries(build: Build, _: Path | None) -> Finding:
    if not build.libraries:
        return Finding("met", "it needs none" if build.is_bundled else "no interpreter is inside")
    odd = [name for name in build.libraries if not _SONAME.fullmatch(name)]
    if odd:
        return Finding("broken", f"{odd[0]!r} is no library's name", fix="build it again")
    unknown = [name for name in build.libraries if name not in _DEBIAN_12]
    also = f", and {', '.join(unknown)}, of which no package is known" if unknown else ""
    saw = f"the Dockerfile installs {', '.join(_packages_for(build)) or 'nothing'}{also}; it loads each, and ends there"
    return Finding("NOT CHECKED", saw)


def _packages_for(build: Build) -> list[str]:
    """Of Debian 12."""
    return sorted({_DEBIAN_12[name] for name in build.libraries if name in _DEBIAN_12})


def _glibc(build: Build, _: Path | None) -> Finding:
    base = _base_of(build)
    if base is None:
        return Finding("NOT CHECKED", "there is no image for its link")
    return glibc_finding(build, base.glibc)


_AMONG = platform_among(tuple(_PLATFORMS), "linux_x86_64 or linux_aarch64", _OFFICIAL)


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
        replace(_AMONG, judge=_platform),
        Rule("glibc", "no newer glibc than the image has", _DEBIAN, _glibc),
        not_checked(
            "image",
            "the image, as it is when you build, has this Python and what libraries the packages load",
            "the Dockerfile ends where {link} is not there; libraries show when the packages are imported",
            _OFFICIAL,
            inside=Finding("NOT CHECKED", "what the packages load shows when they are imported"),
        ),
        Rule("libraries", "the image has the libraries of an interpreter inside", _DEBIAN, _libraries),
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


def _load(build: Build) -> str:
    if not build.libraries:
        return ""
    code = "import ctypes, sys; [ctypes.CDLL(name) for name in sys.argv[1:]]"
    return f"RUN {json.dumps(['python', '-c', code, *build.libraries])}\n"


def _dockerfile(build: Build, base: _Base, sha256: str) -> str:
    packages = [base.package] if base.package else _packages_for(build)
    return _DOCKERFILE.substitute(
        version=build.venv_version,
        env_name=build.env_name,
        python_version=build.python_version,
        tag=_tag(build),
        image=base.image,
        archive=_archive_name(build),
        sha256=sha256,
        place=f"/opt/{build.env_name}",
        platform=_PLATFORMS[build.platform],
        install=_INSTALL.format(package=" ".join(packages)) if packages else "",
        load=_load(build),
    )


DOCKER = _Docker()
