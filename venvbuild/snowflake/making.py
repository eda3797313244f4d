"""The ZIP of a file or of a build, made and judged.

wanted -> resolved for the target -> wheels, each from an allowed host -> judgement -> ZIP -> import check
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from venvbuild import __version__
from venvbuild.environment import IndexAccess, PackageSource, Resolved, refuse_other_size, resolve_elsewhere
from venvbuild.errors import RequirementsRefused, ResolutionError, UsageError, VenvBuildError, of_disk
from venvbuild.interpreters import Interpreter, matching
from venvbuild.package_index import PackageIndex
from venvbuild.settings import Settings
from venvbuild.snowflake import gate, import_check, judge, runtimes, wheels
from venvbuild.snowflake.access import refusals_named
from venvbuild.snowflake.bundle import Bundle, Distribution, ImportFailed, Wish
from venvbuild.snowflake.import_check import Checked
from venvbuild.snowflake.judge import Judgement
from venvbuild.snowflake.wanted import Wanted, wanted_by
from venvbuild.snowflake.wheels import Fetched, ForeignHost, Hosts, place_of
from venvbuild.snowflake.zip import Content, WheelMembers, Written, left_out, members_of, write
from venvbuild.text import count_text, size_text

_LOADER = Path(__file__).with_name("native_loader.py")
_NAMED = 10

Say = Callable[[str, str], None]
"""Told a step (`lock`, `fetch`, ..., `warning`) and a line about it."""


def make_bundle(wish: Wish, folder: Path, say: Say, settings: Settings, environ: Mapping[str, str]) -> Bundle:
    """The ZIP in `folder`, an existing one, under its name; what is on the way lies in a temporary folder.

    `settings` say where packages come from and where builds are; the credentials of the index are in its URL there.

    Raises:
        UsageError: a file or folder is not there, a host is foreign, the index refuses.
        RequirementsRefused: the file is refused, or Snowflake has no such Python. NotInStore: there is no such build.
        ResolutionError: something is not there for the target, or is native and `native` is `refuse`.
        IndexUnavailable, StoreUnavailable: a retry may help. IntegrityError: bytes are not what they should be.
        ImportFailed: what was judged pure does not import; the ZIP is there.
    """
    wish.judge()
    try:
        with tempfile.TemporaryDirectory(prefix="venvbuild-snowflake-") as scratch:
            return _Making(wish, folder, Path(scratch), say, settings, environ).make()
    except OSError as error:
        raise of_disk(error, str(folder)) or UsageError(
            f"the ZIP cannot be made: {error.strerror or error}",
            where=str(error.filename or folder),
            fix="use folders that can be written (-o, TMPDIR)",
        ) from error


@dataclass(frozen=True)
class _Part:
    """A distribution of the set, as far as it is known."""

    fetched: Fetched
    members: WheelMembers
    judgement: Judgement

    @property
    def name(self) -> str:
        return self.judgement.name


@dataclass
class _Making:
    """One ZIP on the way."""

    wish: Wish
    folder: Path
    scratch: Path
    say: Say
    settings: Settings
    environ: Mapping[str, str]
    warnings: list[str] = field(default_factory=list)
    _outside: frozenset[str] = frozenset()
    """Names of what Snowflake is to install itself."""

    def make(self) -> Bundle:
        runtime = runtimes.runtime(self.wish.python)
        if runtime.deprecated_on:
            self._warn(f"Snowflake's Python {runtime.version} is deprecated since {runtime.deprecated_on}")
        access = IndexAccess.of(self.settings, self.environ)
        # before a file that is refused has the index asked for versions
        hosts = self._hosts(access)
        wanted = self._wanted(access)
        parts = [self._part(one) for one in self._fetched(wanted, access, hosts)]
        natives = [part.judgement for part in parts if part.judgement.is_native]
        if natives and self.wish.native == "refuse":
            self._refuse(natives, parts, wanted)
        if self.wish.native == "packages":
            self._outside = self._left_to_snowflake(parts, wanted)
        self._tell_of_pip(parts, wanted)
        bundle = self._zipped(parts, wanted)
        return self._with_imports_checked(bundle, parts)

    # --- what goes in

    @cached_property
    def _target(self) -> Interpreter:
        return runtimes.target(self.wish.python, self.wish.platform)

    @cached_property
    def _python(self) -> Interpreter | None:
        """One of the target's version, on this machine."""
        return next(matching(self.wish.python), None)

    @property
    def _warehouse(self) -> str:
        """That native code wants, as Snowflake names machines."""
        return f"{'x86' if self.wish.platform == 'x86_64' else self.wish.platform} warehouse"

    def _warn(self, text: str) -> None:
        self.warnings.append(text)
        self.say("warning", text)

    def _wanted(self, access: IndexAccess) -> Wanted:
        wanted = wanted_by(self.wish, self.settings, self._target, access)
        chosen = " (default)" if self.wish.is_default_python else ""
        pins = count_text(len(wanted.requirements.active), "pin")
        self.say("check", f"{pins}, Python {self.wish.python} for Snowflake{chosen}, {self.wish.platform}")
        for warning in wanted.requirements.warnings:
            self._warn(warning.as_line())
        if not wanted.requirements.active:
            raise RequirementsRefused(
                "there is nothing to put into the ZIP",
                where=wanted.requirements.path,
                why=f"no pin is for Python {self.wish.python} on {self._target.platform}",
                fix="pin what the ZIP is to have",
                rule="EMPTY",
            )
        if wanted.python_version and wanted.python_version != self.wish.python:
            self._warn(
                f"{wanted.venv_version} was built for Python {wanted.python_version}, and the ZIP is for "
                f"{self.wish.python}"
            )
        return wanted

    def _hosts(self, access: IndexAccess) -> Hosts:
        urls = (access.addresses.index_url, *access.addresses.extra_index_urls)
        return Hosts.of(urls, access.addresses.find_links, self.wish.allowed_hosts, may_http=self.wish.may_http)

    def _fetched(self, wanted: Wanted, access: IndexAccess, hosts: Hosts) -> list[Fetched]:
        source = PackageSource.of(
            access, self._target, timeout_s=self.settings.timeout_s, scratch=self.scratch, judge=hosts.judge
        )
        with refusals_named(self.settings):
            resolved = self._resolved(wanted, source, hosts)
            if resolved.is_from_cache:
                self._warn("the index does not answer: the set was resolved from uv's cache")
            for warning in resolved.warnings:
                self._warn(warning.as_line())
            offered = [one for one in resolved.distributions if one.name != "pip" or _is_pip_pinned(wanted)]
            chosen = wheels.choose(offered, self._target, hosts, wanted.locked)
            self.say("lock", _locked_text([one.name for one in chosen], wanted))
            fetched = wheels.fetch(chosen, source.index, source.wheel_cache, self.scratch)
        sizes = wanted.requirements.sizes
        for one in fetched:
            refuse_other_size(one.wheel.file.filename, one.size_bytes, sizes)
        cached, places = sum(one.was_cached for one in fetched), sorted({one.wheel.host for one in fetched})
        size = size_text(sum(one.size_bytes for one in fetched))
        count = count_text(len(fetched), "wheel")
        came = f"{len(fetched) - cached} from the index, {cached} from the cache"
        self.say("fetch", f"{count}, {size}, {came}; {'hosts' if len(places) > 1 else 'host'}: {', '.join(places)}")
        if self.wish.download_dir is not None:
            wheels.lay_out(fetched, self.wish.download_dir)
        return fetched

    def _resolved(self, wanted: Wanted, source: PackageSource, hosts: Hosts) -> Resolved:
        """What uv makes of it, which is let to allowed hosts only."""
        with gate.opened(hosts.judge) as opened:
            inherited = {**source.installer.inherited, **opened.variables}
            installer = replace(source.installer, inherited=inherited, refusal=opened.refusal)
            try:
                return resolve_elsewhere(
                    wanted.requirements,
                    runtimes.uv_platform(self.wish.platform),
                    replace(source, installer=installer),
                    constraints=wanted.constraints,
                    pythons=runtimes.running(),
                )
            except ForeignHost as error:
                names = [pin.canonical_name for pin in wanted.requirements.active]
                whose = next((name for name in names if error.host in _places(source.index, name)), "")
                raise ForeignHost(
                    error.host, error.shown_url, f"the index's page of {whose}" if whose else ""
                ) from error

    def _part(self, fetched: Fetched) -> _Part:
        wheel = fetched.wheel
        members = members_of(wheel.name, fetched.path, wheel.file.filename)
        judgement = judge.judge(
            members,
            wheel.version,
            is_for_any=wheels.is_for_any(wheel.file),
            environment=self._target.marker_environment,
        )
        return _Part(fetched, members, judgement)

    def _refuse(self, natives: Sequence[Judgement], parts: Sequence[_Part], wanted: Wanted) -> None:
        failures: Mapping[str, str]
        python = self._python if self.wish.import_check != "none" else None
        trial = self.scratch / "trial.zip"
        if python:
            write(Content.of([part.members for part in parts], {}), trial, lambda _: b"{}\n")
        modules = import_check.modules_of([part.members for part in parts])
        failures = judge.failures_of(natives, modules, trial, python, self.scratch)
        everything = [part.judgement for part in parts]
        raise ResolutionError.of(
            judge.native_problems(natives, everything, wanted.requirements.active, failures, self._warehouse)
        )

    def _left_to_snowflake(self, parts: Sequence[_Part], wanted: Wanted) -> frozenset[str]:
        """What is native, and what comes with it there: what only that needs, and nobody pinned. In the ZIP it would
        come before Snowflake's own.
        """
        everything, pins = [part.judgement for part in parts], wanted.requirements.active
        environment = self._target.marker_environment
        natives = frozenset(one.name for one in everything if one.is_native)
        needed = judge.reached(pins, everything, environment)
        with_them = needed - natives - judge.reached(pins, everything, environment, without=natives)
        if with_them:
            self._warn(
                f"not in the ZIP, for only what Snowflake installs needs it, and it comes with that: "
                f"{', '.join(sorted(with_them))}; pin what is to be in the ZIP"
            )
        return natives | with_them

    def _tell_of_pip(self, parts: Sequence[_Part], wanted: Wanted) -> None:
        who = sorted(part.judgement.pin for part in parts if "pip" in part.judgement.needs)
        if who and not _is_pip_pinned(wanted):
            self._warn(f"pip is not in the ZIP, for nobody pinned it, and is needed by {', '.join(who)}")

    # --- the ZIP

    def _is_inside(self, part: _Part) -> bool:
        return part.name not in self._outside

    def _zipped(self, parts: Sequence[_Part], wanted: Wanted) -> Bundle:
        inside = [part for part in parts if self._is_inside(part)]
        ships = any(part.judgement.is_native for part in inside)
        ours = {f"{import_check.LOADER}.py": _LOADER.read_bytes()} if ships else {}
        content = Content.of([part.members for part in inside], ours)
        distributions = tuple(_distribution(part, wanted.pinned, self._is_inside(part)) for part in parts)
        left = [part.judgement for part in parts if not self._is_inside(part)]
        packages = tuple(sorted(one.pin for one in left if one.is_native))
        part_file = self.folder / ".venvbuild-snowflake.part"
        part_file.unlink(missing_ok=True)
        try:
            written = write(content, part_file, lambda sha256: self._manifest(sha256, parts, packages))
            name = self.wish.zip_name or f"app_packages-{written.content_sha256[:12]}.zip"
            part_file.replace(self.folder / name)
        except BaseException:
            part_file.unlink(missing_ok=True)
            raise
        self._tell(content, written, name, inside, packages)
        return Bundle(
            zip=self.folder / name,
            name=name,
            size=written.size_bytes,
            sha256=written.sha256,
            content_sha256=written.content_sha256,
            manifest=written.manifest,
            python=self.wish.python,
            platform=self.wish.platform,
            native=self.wish.native,
            distributions=distributions,
            packages=packages,
            is_shipping_native=ships,
            warnings=(),
        )

    def _manifest(self, content_sha256: str, parts: Sequence[_Part], packages: Sequence[str]) -> bytes:
        """What is inside and where it came from; nothing of the import check, nor of this machine or day."""
        manifest = {
            "format": 1,
            "tool": f"venvbuild {__version__}",
            "content_sha256": content_sha256,
            "target": {"python": self.wish.python, "platform": self.wish.platform},
            "native": self.wish.native,
            "packages": packages,
            "distributions": [
                {
                    "name": part.name,
                    "version": part.judgement.version,
                    "wheel": part.fetched.wheel.file.filename,
                    "sha256": part.fetched.wheel.file.sha256,
                    "host": part.fetched.wheel.host,
                    "inside": self._is_inside(part),
                    "verdict": part.judgement.verdict,
                    "native_files": len(part.judgement.native_files) + len(part.judgement.programs),
                    "data_files": part.judgement.data_count,
                }
                for part in parts
            ],
        }
        return f"{json.dumps(manifest, indent=1)}\n".encode()

    def _tell(
        self, content: Content, written: Written, name: str, inside: Sequence[_Part], packages: Sequence[str]
    ) -> None:
        files = count_text(len(content.members) + 1, "file")
        text = f"{name}, {files}, {size_text(written.size_bytes)}, content sha256 {written.content_sha256[:12]}..."
        if missing := left_out(content.wheels):
            text += f"; left out: {', '.join(f'{count} of {kind}' for kind, count in missing.items())}"
        self.say("zip", text)
        for overlap in content.overlaps[:_NAMED]:
            self._warn(f"{overlap.path} is of {overlap.lost} and of {overlap.won}: {overlap.won}'s is in the ZIP")
        if len(content.overlaps) > _NAMED:
            self._warn(f"and {len(content.overlaps) - _NAMED} more files of two distributions")
        ships = any(part.judgement.is_native for part in inside)
        for part in inside:
            for remark in part.judgement.remarks(is_unpacked=ships):
                self._warn(remark)
        if packages:
            self._warn(f"not in the ZIP, Snowflake installs them: PACKAGES = ({', '.join(map(repr, packages))})")
        if ships:
            # as far as is known: docs/snowflake.md, "Native code"
            self._warn(
                "native code is in the ZIP: the handler imports _venvbuild_native first, and it wants a "
                f"Snowpark-optimized {self._warehouse}; no account has verified this"
            )

    # --- whether it imports

    def _with_imports_checked(self, bundle: Bundle, parts: Sequence[_Part]) -> Bundle:
        if self.wish.import_check == "none":
            self.say("import", "not checked (--import-check none)")
        elif self._python is None:
            self._warn(f"there is no Python {self.wish.python} here: whether the ZIP imports is NOT CHECKED")
        else:
            checked = import_check.check(
                bundle.zip,
                import_check.modules_of([part.members for part in parts if self._is_inside(part)]),
                import_check.modules_of([part.members for part in parts if not self._is_inside(part)]),
                self._python,
                self.scratch,
                is_deep=self.wish.import_check == "all",
                ships=bundle.is_shipping_native and self._python.platform == self._target.platform,
                natives_of=[part.name for part in parts if part.judgement.is_native and self._is_inside(part)],
            )
            self._tell_imports(checked)
            if checked.failures:
                versions = {part.name: part.judgement.version for part in parts}
                bundle = replace(bundle, warnings=tuple(self.warnings))
                raise ImportFailed.from_bundle(bundle, checked.problems(versions))
        return replace(bundle, warnings=tuple(self.warnings))

    def _tell_imports(self, checked: Checked) -> None:
        assert self._python
        modules = count_text(len(checked.imported), "module")
        verb = "imports" if len(checked.imported) == 1 else "import"
        self.say("import", f"{modules} {verb} from the ZIP on Python {self._python.full_version}")
        for note in checked.notes:
            self._warn(note)


def _is_pip_pinned(wanted: Wanted) -> bool:
    # the lock of each build has the pip of its environment
    return any(pin.canonical_name == "pip" for pin in wanted.requirements.active)


def _places(index: PackageIndex, name: str) -> set[str]:
    """Where the index's page of a project says that its files are."""
    with contextlib.suppress(VenvBuildError):
        project = index.project(name)
        return {place_of(file.address) for file in project.files} if project else set()
    return set()


def _distribution(part: _Part, pinned: frozenset[str], is_inside: bool) -> Distribution:
    wheel = part.fetched.wheel
    return Distribution(
        name=wheel.name,
        version=wheel.version,
        wheel=wheel.file.filename,
        sha256=wheel.file.sha256,
        host=wheel.host,
        is_pinned=wheel.name in pinned,
        is_native=part.judgement.is_native,
        is_inside=is_inside,
    )


def _locked_text(names: Sequence[str], wanted: Wanted) -> str:
    count = count_text(len(names), "distribution")
    more = [name for name in names if name not in wanted.pinned]
    if not more:
        return f"{count}, all of them {'in the lock of the build' if wanted.venv_version else 'pinned by you'}"
    listed = ", ".join(more)
    beyond = f"beyond the lock of {wanted.venv_version}" if wanted.venv_version else "not pinned by you"
    return f"{count}, {len(more)} of them {beyond} ({listed})"
