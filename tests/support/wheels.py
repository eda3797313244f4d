"""Tiny wheels, sdists and a package index, made on the spot; the same arguments give the same bytes anywhere."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import io
import re
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from email.parser import HeaderParser
from pathlib import Path

Content = str | bytes

_BACKEND = '''\
"""A build backend that needs nothing: it zips the modules beside it."""
import base64, hashlib, pathlib, zipfile


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    here = pathlib.Path(".")
    metadata = here.joinpath("PKG-INFO").read_text()
    fields = dict(line.split(": ", 1) for line in metadata.splitlines() if ": " in line)
    stem = "%s-%s" % (fields["Name"].replace("-", "_"), fields["Version"])
    body = {path.name: path.read_text() for path in sorted(here.glob("*.py"))
            if path.name not in ("setup.py", "_backend.py")}
    body[stem + ".dist-info/METADATA"] = metadata
    body[stem + ".dist-info/WHEEL"] = "Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    record = ""
    for name, text in body.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
        record += "%s,sha256=%s,%d\\n" % (name, digest, len(text.encode()))
    body[stem + ".dist-info/RECORD"] = record + stem + ".dist-info/RECORD,,\\n"
    with zipfile.ZipFile(str(pathlib.Path(wheel_directory, stem + "-py3-none-any.whl")), "w") as archive:
        for name, text in body.items():
            archive.writestr(name, text)
    return stem + "-py3-none-any.whl"
'''
_PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "_backend"\nbackend-path = ["."]\n'


def wheel(
    folder: Path,
    name: str,
    version: str,
    *,
    requires: Iterable[str] = (),
    python: str | None = None,
    extras: Iterable[str] = (),
    files: Mapping[str, Content] | None = None,
    tag: str = "py3-none-any",
    scripts: Mapping[str, str] | None = None,
    metadata: Content | None = None,
) -> Path:
    """A wheel in `folder` (made if absent) with a right RECORD.

    `files` are path -> content, by default one module named like the project (`x = 1`); what lies in
    `*.data/scripts/` is executable. `scripts` are console scripts, name -> `module:function`. `tag` may be a
    compressed set (`py2.py3-none-any`). `metadata` replaces the whole METADATA, for broken ones.
    """
    stem = f"{_escaped(name)}-{version.replace('-', '_')}"
    dist_info = f"{stem}.dist-info"
    body: dict[str, Content] = dict(files if files is not None else {f"{_escaped(name)}.py": "x = 1\n"})
    fields = [
        ("Metadata-Version", "2.1"),
        ("Name", name),
        ("Version", version),
        *([("Requires-Python", python)] if python else []),
        *(("Provides-Extra", extra) for extra in extras),
        *(("Requires-Dist", text) for text in requires),
    ]
    body[f"{dist_info}/METADATA"] = metadata if metadata is not None else _headers(fields)
    tags = [("Tag", one) for one in _expanded(tag)]
    pure = "true" if tag.endswith("-any") else "false"
    body[f"{dist_info}/WHEEL"] = _headers(
        [("Wheel-Version", "1.0"), ("Generator", "t"), ("Root-Is-Purelib", pure), *tags]
    )
    if scripts:
        lines = "".join(f"{script} = {target}\n" for script, target in sorted(scripts.items()))
        body[f"{dist_info}/entry_points.txt"] = f"[console_scripts]\n{lines}"
    rows = [f"{_quoted(path)},sha256={_digest(content)},{len(_bytes(content))}\n" for path, content in body.items()]
    body[f"{dist_info}/RECORD"] = "".join([*rows, f"{dist_info}/RECORD,,\n"])
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / f"{stem}-{tag}.whl"
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for path, content in body.items():
            member = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))
            member.external_attr = (0o100755 if ".data/scripts/" in path else 0o100644) << 16
            archive.writestr(member, _bytes(content))
    return made


def unpack(wheel_file: Path, site_packages: Path) -> Path:
    """Put a wheel into `site_packages` as it is, as no installer would do with a broken one; its dist-info folder."""
    with zipfile.ZipFile(wheel_file) as archive:
        archive.extractall(site_packages)
        top = next(name.split("/")[0] for name in archive.namelist() if ".dist-info/" in name)
    return site_packages / top


def sdist(
    folder: Path,
    name: str,
    version: str,
    *,
    setup_py: str | None = None,
    pyproject: str | None = None,
    requires: Iterable[str] = (),
    files: Mapping[str, Content] | None = None,
) -> Path:
    """A source distribution in `folder`; without `setup_py` or `pyproject` it builds itself, needing no index."""
    stem = f"{_escaped(name)}-{version}"
    fields = [
        ("Metadata-Version", "2.1"),
        ("Name", name),
        ("Version", version),
        *(("Requires-Dist", text) for text in requires),
    ]
    body: dict[str, Content] = dict(files if files is not None else {f"{_escaped(name)}.py": "x = 1\n"})
    body["PKG-INFO"] = _headers(fields)
    if setup_py is not None:
        body["setup.py"] = setup_py
    if pyproject is not None:
        body["pyproject.toml"] = pyproject
    elif setup_py is None:
        body |= {"pyproject.toml": _PYPROJECT, "_backend.py": _BACKEND}
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / f"{stem}.tar.gz"
    with (
        made.open("wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path, content in sorted(body.items()):
            member = tarfile.TarInfo(f"{stem}/{path}")
            member.size, member.mode = len(_bytes(content)), 0o644
            archive.addfile(member, io.BytesIO(_bytes(content)))
    return made


def simple_index(folder: Path, target: Path) -> Path:
    """A static package index (PEP 503, with hashes) of the wheels and sdists in `folder`, at `target`, to be served."""
    projects: dict[str, list[Path]] = {}
    for file in sorted([*folder.glob("*.whl"), *folder.glob("*.tar.gz")]):
        project = file.name.split("-")[0] if file.suffix == ".whl" else file.name.rpartition("-")[0]
        projects.setdefault(re.sub(r"[-_.]+", "-", project).lower(), []).append(file)
    for project, files in projects.items():
        page = target / project
        page.mkdir(parents=True, exist_ok=True)
        links = []
        for file in files:
            content = file.read_bytes()
            (page / file.name).write_bytes(content)
            python = _requires_python(file)
            attribute = f' data-requires-python="{html.escape(python)}"' if python else ""
            digest = hashlib.sha256(content).hexdigest()
            name = html.escape(file.name)
            links.append(f'<a href="{name}#sha256={digest}"{attribute}>{name}</a><br>')
        (page / "index.html").write_text(_page(links))
    target.mkdir(parents=True, exist_ok=True)
    (target / "index.html").write_text(_page([f'<a href="{name}/">{name}</a><br>' for name in projects]))
    return target


def _page(links: list[str]) -> str:
    return "<!DOCTYPE html>\n<html><body>\n" + "\n".join(links) + "\n</body></html>\n"


def _requires_python(file: Path) -> str | None:
    if file.suffix != ".whl":
        return None
    with zipfile.ZipFile(file) as archive:
        metadata = archive.read(next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA")))
    python: str | None = HeaderParser().parsestr(metadata.decode("utf-8", "replace"))["Requires-Python"]
    return python


def _headers(fields: Iterable[tuple[str, str]]) -> str:
    return "".join(f"{key}: {value}\n" for key, value in fields)


def _escaped(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name)


def _expanded(tag: str) -> list[str]:
    interpreters, abis, platforms = tag.split("-")
    return [f"{i}-{a}-{p}" for i in interpreters.split(".") for a in abis.split(".") for p in platforms.split(".")]


def _quoted(path: str) -> str:
    return f'"{path}"' if "," in path else path


def _bytes(content: Content) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _digest(content: Content) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(_bytes(content)).digest()).decode().rstrip("=")
