"""A published version taken back, as far as its index can; what it cannot is told as the exact request or page.

devpi (tried): a volatile index removes; another one never does. CodeArtifact: Unlisted (Stubber). The requests to the
others are those of the vendors' documentation, and were never sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from packaging.utils import canonicalize_name
from packaging.version import Version

from venvbuild.errors import IndexUnavailable
from venvbuild.release.backends import Target, repository_of
from venvbuild.release.codeartifact import AwsClient
from venvbuild.release.devpi import DevpiIndex
from venvbuild.release.index import Index
from venvbuild.text import shown


@dataclass(frozen=True)
class Withdrawal:
    """What became of a version on its index."""

    is_done: bool
    """Whether nobody who asks for the newest gets it any more."""
    how: str
    """A sentence: what was done, or why nothing could be."""
    todo: str = ""
    """The request or the page by which somebody can do it; empty where nothing is left to do."""


def withdraw(
    target: Target, name: str, version: str, environ: Mapping[str, str], *, aws: AwsClient | None = None
) -> Withdrawal:
    """Take a version from the index where it lets us; a version that is not there is withdrawn.

    Raises:
        UsageError: the credentials are not taken. IndexUnavailable: the index does not answer.
    """
    listing = Index(target).list(name)
    files = [file.filename for file in listing.of(Version(version))]
    if not files:
        return Withdrawal(True, f"{listing.name} {version} is not on the index")
    if target.backend.name == "devpi":
        return _from_devpi(target, listing.name, version)
    if target.backend.name == "aws_codeartifact":
        repository = repository_of(environ, aws, is_needed=True)
        assert repository
        if repository.unlist(listing.name, version):
            return Withdrawal(True, f"{version} is Unlisted: who pins it still gets it")
        return Withdrawal(False, "AWS does not confirm that it is Unlisted", _aws_command(listing.name, version))
    how = f"{target.backend.title} takes nothing back by the way it is published"
    return Withdrawal(False, how, todo_of(target, listing.name, version, files))


def todo_of(target: Target, name: str, version: str, files: Sequence[str]) -> str:
    """How somebody takes a version back on an index that we do not write to. No secret is in it: curl asks for it."""
    name, url = canonicalize_name(name), target.upload_url.rstrip("/")
    parts = urlsplit(url)
    user = target.credentials.user if target.credentials else "USER"
    if target.backend.name == "artifactory":
        repository = url.replace("/api/pypi/", "/", 1)
        return f"curl -u {user} -X DELETE {repository}/{name}/{version}/"
    if target.backend.name == "gitlab":
        packages = url.removesuffix("/pypi")
        return (
            f"curl -H 'PRIVATE-TOKEN: ...' '{packages}?package_type=pypi&package_name={name}' has the id of {version}; "
            f"then curl -H 'PRIVATE-TOKEN: ...' -X DELETE {packages}/ID"
        )
    if target.backend.name == "azure_artifacts":
        # https://pkgs.dev.azure.com/ORG/PROJECT/_packaging/FEED/pypi/upload
        place, _, rest = parts.path.partition("/_packaging/")
        feed = rest.split("/")[0]
        api = f"https://{parts.netloc}{place}/_apis/packaging/feeds/{feed}/pypi/packages/{name}/versions/{version}"
        return f"curl -u {user} -X DELETE '{api}?api-version=7.1'; its number can never be used again"
    if target.backend.name == "pypi":
        site = parts.netloc.replace("upload.", "")
        return f"yank it at https://{site}/manage/project/{name}/release/{version}/"
    removed = " ".join(files)
    return f"whoever runs {shown(target.host)} removes its files from the server's folder: {removed}"


def _aws_command(name: str, version: str) -> str:
    return (
        "aws codeartifact update-package-versions-status --domain $CODEARTIFACT_DOMAIN --repository "
        f"$CODEARTIFACT_REPOSITORY --format pypi --package {name} --versions {version} --target-status Unlisted"
    )


def _from_devpi(target: Target, name: str, version: str) -> Withdrawal:
    index = DevpiIndex(target)
    if not index.is_volatile():
        return Withdrawal(
            False,
            f"the index {index.name} is not volatile: devpi takes nothing from it, and cannot yank",
            f"its owner can: `devpi use {shown(index.url, 200)}`, `devpi login {shown(index.name.partition('/')[0])}`, "
            f"`devpi index {index.name} volatile=True`, "
            f"`devpi remove -y --index {index.name} {name}=={version}`, `devpi index {index.name} volatile=False`",
        )
    status = index.remove(name, version)
    # Believed is what the index shows.
    if Index(target).list(name).of(Version(version)):
        raise IndexUnavailable(
            f"{name} {version} is still on the index",
            where=shown(index.url, 200),
            why=f"devpi answered HTTP {status} to its removal; an index below it may have it, too",
            fix="run it again; or look for it in the bases of the index",
            rule="NOT_WITHDRAWN",
        )
    return Withdrawal(True, f"removed from the volatile index {index.name}")
