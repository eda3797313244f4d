"""A whole release, from what is committed to what users install; or the rest of one that broke off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial

from venvbuild.release.backends import Target
from venvbuild.release.building import Source, build
from venvbuild.release.bumping import Bumped, bump
from venvbuild.release.checking import check_built
from venvbuild.release.git import REMOTE
from venvbuild.release.manifest import Manifest, line_of
from venvbuild.release.preflight import Release, pass_again, pass_preflight
from venvbuild.release.project import Project
from venvbuild.release.publishing import Published, Publisher
from venvbuild.release.standing import Standing
from venvbuild.release.tools import Tools
from venvbuild.release.verifying import Verified, Verifier
from venvbuild.text import first_line, shown

STEPS = ("preflight", "commit", "tag", "build", "check", "rehearsal", "staging", "push", "publish", "verify")
"""In their order. Until `push` nothing is public, but on the staging index."""

Say = Callable[[str, str], object]
"""Told the step and what was done, a line each."""


@dataclass(frozen=True)
class Wishes:
    """How somebody wants it."""

    day: date
    until: str = STEPS[-1]
    """The last step of `STEPS` that is made."""
    message: str = ""
    signs: bool = False
    pythons: tuple[str, ...] = ()
    """X.Y of those that it is tried on; empty: each that is here, and our own."""
    with_pypirc: bool = False
    rehearses: bool = True
    from_tag: bool = False
    """Somebody made the tag: the remote is not asked, and what lies in dist by its manifest was checked before."""

    def want(self, step: str) -> bool:
        """Whether this step is to be made."""
        return STEPS.index(step) <= STEPS.index(self.until)


@dataclass(frozen=True)
class Ended:
    """How far it came."""

    version: str
    commit: str
    manifest: Manifest | None = None
    """None: it ended before anything was built."""
    published: tuple[Published, ...] = ()
    target: Target | None = None
    """Where; None: it was not published."""
    verified: Verified | None = None


@dataclass(frozen=True)
class Run:
    """Makes releases of one project. Whoever calls it holds the project's lock."""

    source: Source
    tools: Tools
    wishes: Wishes
    say: Say
    timeout_s: float
    environ: Mapping[str, str] = field(repr=False)
    target: Target | None = None
    """Where it is published; None: it is not."""
    staging: Target | None = None
    """Where it goes to before."""

    def begin(self, release: Release, judge: Callable[[], None]) -> Ended:
        """A new release; `judge` raises what else is in the way of it.

        Raises:
            VenvBuildError: a step could not be made. What was made before stays, and `go_on` goes on from there.
        """
        want = self.wishes.want
        self.say("preflight", ", ".join(pass_preflight(release)))
        judge()
        if not want("commit"):
            return Ended(str(release.version), release.repository.head)
        wishes = self.wishes
        made = bump(release, self.tools, wishes.day, message=wishes.message, tags=want("tag"), signs=wishes.signs)
        tell(made, self.say)
        if not want("build"):
            return Ended(str(release.version), made.commit)
        return self._finish(Standing(release.version))

    def go_on(self, standing: Standing, release: Release) -> Ended:
        """The rest of a release that is committed. Raises as `begin` does."""
        self.say("resume", f"{standing.version}: {standing.as_words()}")
        pass_again(release)
        if not standing.is_tagged and self.wishes.want("tag"):
            message = self.wishes.message or f"Release {standing.version}"
            release.repository.tag(release.tag, message, signed=self.wishes.signs)
            self.say("tag", f"{release.tag} (annotated)")
        if not self.wishes.want("build"):
            return Ended(str(standing.version), release.repository.head)
        return self._finish(standing)

    def _finish(self, standing: Standing) -> Ended:
        """From what is tagged to what is verified."""
        want = self.wishes.want
        # Its version may have been edited since.
        source = replace(self.source, project=Project.read(self.source.project.folder))
        made = standing.built or self._build(source)
        ended = Ended(made.version, made.commit, made)
        if not standing.is_public:
            is_judged = self.wishes.from_tag and standing.built is not None
            if want("check") and not is_judged:
                self._check(source)
            if want("rehearsal") and self.wishes.rehearses and self.target:
                self._rehearse(self.target, made, source)
            if want("staging") and self.staging:
                self._publish("staging", self.staging, made, source)
                self._verify("staging", self.staging, made)
        if want("push") and standing.is_pushed is False:
            branch = source.repository.branch
            assert branch  # preflight refuses a detached HEAD where something is pushed
            source.repository.push(branch, made.tag)
            self.say("push", f"{branch} and {made.tag} to {REMOTE}")
        if want("publish") and self.target:
            done = self._publish("publish", self.target, made, source)
            ended = replace(ended, published=done, target=self.target)
        if want("verify") and self.target:
            ended = replace(ended, verified=self._verify("verify", self.target, made))
        return ended

    def _build(self, source: Source) -> Manifest:
        made = build(source, self.tools, self.timeout_s)
        self.say("build", ", ".join(line_of(one) for one in made.files))
        return made

    def _check(self, source: Source) -> None:
        found = check_built(source, self.tools, self.timeout_s, self.wishes.pythons)
        self.say("check", f"metadata, contents, install and import on Python {', '.join(found.pythons)}")

    def _rehearse(self, target: Target, made: Manifest, source: Source) -> None:
        tried = self._verifier("rehearsal", target).rehearse(made, source.dist)
        way = f"upgrade from {tried.older} and back: ok" if tried.older else "installed: ok"
        self.say("rehearsal", f"{way}, Python {tried.python}")

    def _publish(self, step: str, target: Target, made: Manifest, source: Source) -> tuple[Published, ...]:
        def note(line: str) -> None:
            if line.startswith("note: "):
                self.say(step, line)

        publisher = Publisher(target, self.tools, note, with_pypirc=self.wishes.with_pypirc)
        done = publisher.publish(made, source.dist)
        files = ", ".join(f"{one.file.kind} {'already there' if one.was_there else 'uploaded'}" for one in done)
        waited = max(one.shown_after_s for one in done)
        where = "all" if len(done) != 2 else "both"
        after = "" if all(one.was_there for one in done) else f" after {waited:.1f} s"
        self.say(step, f"{files}; {where} on the index with these hashes{after}")
        return done

    def _verify(self, step: str, target: Target, made: Manifest) -> Verified:
        found = self._verifier(step, target).verify(made.name, made.version, made)
        way = f"upgrade from {found.older} and back" if found.older else "nothing older to upgrade from"
        self.say(step, f"pip install {found.name}=={found.version} on Python {found.python}; {way}: ok")
        return found

    def _verifier(self, step: str, target: Target) -> Verifier:
        python = self.wishes.pythons[-1] if self.wishes.pythons else ""
        return Verifier(target, self.environ, partial(self.say, step), python)


def tell(made: Bumped, say: Say) -> None:
    """What was edited and committed."""
    old = f"{made.old} -> " if made.old and made.old != made.new else ""
    where = f" in {', '.join(made.places)}" if made.places else ""
    say("bump", f"{old}{made.new}{where}{f'; {made.changelog}' if made.changelog else ''}")
    tag = f", tag {made.tag} (annotated)" if made.tag else ""
    say("commit", f"{made.commit[:7]} {shown(first_line(made.message))}{tag}")
