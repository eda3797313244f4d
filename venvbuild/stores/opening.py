"""The store that an address or the settings name."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote

from venvbuild.errors import UsageError
from venvbuild.redaction import REDACTOR, strip_credentials
from venvbuild.settings import Settings
from venvbuild.stores.store import Store, checked_key

# DOTALL, as a folder's name may hold a line end
_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)", re.DOTALL)


def open_store(
    url: str, *, endpoint_url: str | None = None, sse_kms_key_id: str | None = None, cache: Path | None = None
) -> Store:
    """The store which `url` names: a folder path, `file:///...` or `s3://bucket[/prefix]`.

    Nothing is read, made or connected to yet. `~` and a relative path become absolute. `endpoint_url` and
    `sse_kms_key_id` are for S3 (None: boto3's own configuration, no SSE-KMS). `cache` is the folder in which S3 keeps,
    per store, that conditional writes were proven; None keeps nothing.

    Raises:
        UsageError: `url` is none of these, names a scheme we do not speak, or carries credentials.
    """
    # Each import waits for its store: boto3 alone would cost every command 0.4 s.
    named = _SCHEME.match(url)
    scheme = named["scheme"].lower() if named else ""
    rest = named["rest"] if named else url
    if scheme == "s3":
        from venvbuild.stores.s3 import S3Store

        return S3Store(
            *_bucket_and_prefix(url, rest), endpoint_url=endpoint_url, sse_kms_key_id=sse_kms_key_id, cache=cache
        )
    folder = folder_of(url)
    if folder:
        from venvbuild.stores.folder import FolderStore

        return FolderStore(folder)
    raise _bad_url(url, f"a store cannot be {scheme}://")


def folder_of(url: str) -> Path | None:
    """The folder, as an absolute path, when `url` names one; None when it names something else.

    Raises:
        UsageError: it is a path or a `file:` URL that cannot be a folder.
    """
    named = _SCHEME.match(url)
    if named is None:
        return _absolute(url)
    return _file_url_path(url, named["rest"]) if named["scheme"].lower() == "file" else None


def store_of(settings: Settings, *, remember: bool = True) -> Store:
    """The store that the settings name; unless `remember`, it has to prove itself anew."""
    return open_store(
        settings.store,
        endpoint_url=settings.s3_endpoint_url,
        sse_kms_key_id=settings.s3_sse_kms_key_id,
        cache=settings.folders.cache if remember else None,
    )


def _bucket_and_prefix(url: str, rest: str) -> tuple[str, str]:
    bucket, _, prefix = rest.partition("/")
    if "@" in bucket:
        raise UsageError(
            "a store's URL must hold no credentials",
            where=REDACTOR.redact(strip_credentials(url)),
            fix="leave them to AWS's own settings: AWS_PROFILE, AWS_ACCESS_KEY_ID, an instance role",
        )
    if not bucket:
        raise _bad_url(url, "the bucket's name is missing")
    prefix = prefix.rstrip("/")
    return bucket, checked_key(prefix) if prefix else ""


def _file_url_path(url: str, rest: str) -> Path:
    host, slash, path = rest.partition("/")
    # RFC 8089: this machine is written with no host, or as localhost
    if host not in ("", "localhost") or not slash:
        raise _bad_url(url, "a file URL has three slashes and an absolute path")
    # a folder's name need not be UTF-8
    return _absolute("/" + unquote(path, errors="surrogateescape"))


def _absolute(path: str) -> Path:
    if not path or "\0" in path:
        raise _bad_url(path, "a store's path is empty or holds a NUL")
    try:
        return Path(os.path.abspath(Path(path).expanduser()))
    except (RuntimeError, FileNotFoundError) as exc:  # no such user or HOME; the working folder is gone
        raise _bad_url(path, f"the path cannot be made absolute ({exc})") from exc


def _bad_url(url: str, what: str) -> UsageError:
    return UsageError(
        what,
        where=REDACTOR.redact(strip_credentials(url)) if url else "",
        fix="write a folder, file:///folder or s3://bucket[/prefix]",
    )
