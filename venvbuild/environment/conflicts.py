"""Pins that no choice of the other packages makes compatible: the fewest that do it, and the one whose change cures it.

Certain without asking is what pins need of each other (`Walk.contradictions`). Whatever else is said was tried with the
resolver: that these pins cannot be together, that nothing smaller is the cause, and that the change advised cures it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from packaging.utils import canonicalize_name
from packaging.version import Version

from venvbuild.environment.alternatives import installable, near, unfit, written
from venvbuild.environment.contradictions import Ask, Contradiction, Walk, merged
from venvbuild.environment.lacking import Lack, lacking, problem_of, put_stand_ins
from venvbuild.environment.tries import OutOfTries, Question, Tries, fewest
from venvbuild.environment.wanted import Wanted
from venvbuild.errors import Problem

# Conflicts that have nothing to do with each other; who has more learns of them in the next run.
_MAX_CONFLICTS = 5
_UV_WORDS = 400
_YANKED = re.compile(r"\b([a-z0-9][a-z0-9._-]*(?:\[[^\]\s]*\])?==[^\s,;]+) was yanked\b")
"""In uv's words."""


@dataclass(frozen=True)
class Conflict:
    """One cause, and which pins it is about."""

    cures: tuple[Wanted, ...]
    """The pins whose change may cure it, the likeliest first; one alone cannot be installed at all."""
    asks: tuple[Ask, ...] = ()
    """What is not met."""
    needed: tuple[Wanted, ...] = ()
    """The pins that do not meet it; none where it is about a name that nobody pinned."""
    why: str = ""

    @property
    def pinned(self) -> str:
        """`left 1.0 and right 1.0 are pinned`; empty for none."""
        listed = " and ".join(f"{pin.name} {pin.version}" for pin in self.needed)
        return f"{listed} {'is' if len(self.needed) == 1 else 'are'} pinned" if listed else ""


class Conflicts:
    """The conflicts of one set of pins."""

    def __init__(self, walk: Walk, tries: Tries) -> None:
        self._walk, self._tries = walk, tries
        self._pins = tuple(walk.pins.values())
        self._lacks: list[Lack] = []

    # --- told

    def problems(self, *, deep: bool = True) -> list[Problem]:
        """A problem for each conflict, with the change that cures it; empty when none was found.

        Not `deep`: of what pins need of each other alone, and none where more than that stands in the way.
        """
        found = _grouped(self._walk.contradictions(), self._walk.pins)
        if deep:
            self._stand_in_for(lacking(self._walk))
        changed: list[Wanted] = []
        versions: Mapping[str, str] = {}
        is_known = True
        try:
            while len(found) <= _MAX_CONFLICTS:
                changed, versions = self._cured(found)
                more = None if versions or not deep else self._deeper(found)
                if more is None:
                    break
                found.append(more)
        except OutOfTries:
            changed, versions, is_known = [], {}, False
        if versions:
            # Where the change of one pin cures two conflicts, they are one.
            told = {pin.name: (conflict, pin) for conflict, pin in zip(found, changed, strict=True)}
            problems = [_problem(conflict, pin, versions[name]) for name, (conflict, pin) in told.items()]
        else:
            problems = [_problem(one) for one in found] if deep and is_known else []
            problems += [self._untried(one) for one in found if not is_known]
        return sorted(problems, key=lambda problem: problem.line or 0)

    def _cured(self, conflicts: Sequence[Conflict]) -> tuple[list[Wanted], Mapping[str, str]]:
        """The pin to change for each conflict, and what all resolves to then; nothing where that does not cure all.

        Raises:
            OutOfTries: no answer came in time, which is not to say that nothing helps.
        """
        if not conflicts:
            return [], {}
        likeliest = [conflict.cures[0] for conflict in conflicts]
        others = [
            [*likeliest[:number], other, *likeliest[number + 1 :]]
            for number, conflict in enumerate(conflicts)
            for other in conflict.cures[1:]
        ]
        is_known = True
        for choices in ([likeliest], others):
            asked = [(choice, question) for choice in choices for question in self._without(choice)]
            answers = self._tries.ask_each([question for _, question in asked])
            for (choice, _), answer in zip(asked, answers, strict=True):
                if answer and answer.versions:
                    return choice, answer.versions
            is_known &= None not in answers
        if not is_known:
            raise OutOfTries
        return [], {}

    def _without(self, changed: Sequence[Wanted]) -> list[Question]:
        """Whether all resolves when these pins may be another version: the nearest above, else the nearest below."""
        free = {pin.name: pin for pin in changed}
        others = [pin.at(pin.version) for pin in self._pins if pin.name not in free]
        no_advice = {name: "".join(f",!={version}" for version in self._unfit(pin)) for name, pin in free.items()}

        def asked(bound: str, *, lowest: bool = False) -> Question:
            lines = (f"{pin.bare}{bound}{pin.version},!={pin.version}{no_advice[pin.name]}" for pin in free.values())
            return Question((*others, *lines), lowest=lowest)

        either_way = [asked("!=")] if len(free) > 1 else []
        return [asked(">=", lowest=True), asked("<"), *either_way]

    def _untried(self, conflict: Conflict) -> Problem:
        """What can be said without having tried: a version that those who ask allow."""
        problem = _problem(conflict)
        names = " or ".join(pin.name for pin in conflict.cures)
        fix = f"change one of these pins: {names}; which version helps could not be tried in time"
        if len(conflict.needed) == 1:
            (needed,) = conflict.needed
            project = self._walk.index.project(needed.name)
            allowed = installable(project, self._walk.interpreter, merged(conflict.asks)) if project else []
            nearest = near(Version(needed.version), allowed)
            if nearest:
                fix = f"write {written(needed, nearest[-1:])}, which meets that; there was no time to try it"
        return replace(problem, fix=fix)

    def _unfit(self, pin: Wanted) -> list[Version]:
        project = self._walk.index.project(pin.name)
        return unfit(project, self._walk.interpreter) if project else []

    # --- found

    def lacks(self) -> list[Problem]:
        """What is lacking beyond the pins, as far as it stood in the way until now."""
        return [problem_of(lack, self._walk.interpreter) for lack in self._lacks]

    def _stand_in_for(self, lacks: Sequence[Lack]) -> bool:
        """Go on as if these were there, since they are told on their own; whether there is anything new in them."""
        known = {lack.name for lack in self._lacks}
        fresh = [lack for lack in lacks if lack.name not in known and lack.name not in self._walk.pins]
        if fresh:
            self._tries.stand_in(partial(put_stand_ins, lacks=fresh, interpreter=self._walk.interpreter))
            self._lacks += fresh
        return bool(fresh)

    def _deeper(self, told: Iterable[Conflict] = (), overrides: tuple[str, ...] = ()) -> Conflict | None:
        """A conflict that only the resolver sees, beside those that are told; None where there is none."""
        told = list(told)
        changed = {conflict.cures[0].name for conflict in told}
        core = self._smallest([pin for pin in self._pins if pin.name not in changed], overrides)
        if len(core) == 1:
            lacks = lacking(self._walk.of(core))
            if self._stand_in_for(lacks):
                return self._deeper(told, overrides)
            if any(lack.name in self._walk.pins for lack in lacks):
                return None  # what it needs is a pin, of which there is no such version: that is told
        elif {pin.name for pin in core} <= {pin.name for conflict in told for pin in conflict.cures}:
            return None
        return self._met_on_the_way(core) or Conflict(
            tuple(core), why=_words(self._tries.ask(Question(_lines(core), overrides)).said)
        )

    def _met_on_the_way(self, core: Sequence[Wanted]) -> Conflict | None:
        """What the walk from these pins alone comes upon that one of them does not meet."""
        walk = self._walk.of(core)
        ask = next(iter(walk.unmet()), None)
        if ask is None:
            return None
        needed = walk.pins[canonicalize_name(ask.requirement.name)]
        way = ", ".join(f"{step.label} needs {step.needs}" for step in walk.chain(ask.who))
        return Conflict((needed, *(pin for pin in core if pin is not needed)), (ask,), (needed,), way)

    def _smallest(self, pins: Sequence[Wanted], overrides: tuple[str, ...]) -> list[Wanted]:
        """The fewest of `pins` that cannot be together; empty when all of them can."""

        def fails(some: Sequence[Wanted]) -> bool:
            return self._tries.ask(Question(_lines(some), overrides)).versions is None

        if not fails(pins):
            return []
        # The resolver's words say where to look; whether it is there, is tried.
        said = self._tries.ask(Question(_lines(pins), overrides)).said
        suspects = [pin for pin in pins if f"{pin.name}==" in said or f"{pin.name}[" in said]
        return fewest(suspects if suspects and fails(suspects) else pins, fails)

    # --- forced

    def to_force(self, *, deep: bool = True) -> list[Wanted]:
        """The pins that have to be taken against what others need; empty when that does not help."""
        if deep:
            self._stand_in_for(lacking(self._walk))
        forced = {one.needed for one in self._walk.contradictions() if one.needed in self._walk.pins}
        try:
            while not forced or not self._resolves_with(forced):
                more = self._deeper(overrides=self.overrides(forced)) if deep else None
                fresh = [pin.name for pin in more.cures if pin.name not in forced] if more else []
                if not fresh:
                    return []
                forced.add(next((name for name in fresh if self._resolves_with({*forced, name})), fresh[0]))
        except OutOfTries:
            return []
        return [pin for pin in self._pins if pin.name in forced]

    def _resolves_with(self, forced: Iterable[str]) -> bool:
        return self._tries.ask(Question(_lines(self._pins), self.overrides(forced))).versions is not None

    def met_all_the_same(self) -> Mapping[str, str]:
        """Versions with which nothing is unmet but what pins need of pins and do not get; empty where there are none.

        An override drops what anybody needs of a name, also what could be met. So pins that do not get what they need
        are replaced by all else that they need.
        """
        unmet = {ask.who for one in self._walk.contradictions() for ask in one.asks}
        asks = [ask for asks in self._walk.asked.values() for ask in asks if ask.who in unmet]
        needed = dict.fromkeys(
            f"{canonicalize_name(ask.requirement.name)}{_extras(ask)}{ask.requirement.specifier}"
            for ask in asks
            if ask.requirement.url is None and self._is_met(ask)
        )
        with contextlib.suppress(OutOfTries):
            lines = _lines(pin for pin in self._pins if pin.name not in unmet)
            return self._tries.ask(Question((*lines, *needed))).versions or {}
        return {}

    def _is_met(self, ask: Ask) -> bool:
        pin = self._walk.pins.get(canonicalize_name(ask.requirement.name))
        return pin is None or ask.admits(pin.version)

    def overrides(self, names: Iterable[str]) -> tuple[str, ...]:
        """The lines that force these pins, for uv."""
        # An override replaces every requirement of its name, so it carries the extras that anyone asks of it.
        return tuple(
            Wanted(name, "", frozenset(self._walk.extras[name])).at(self._walk.pins[name].version)
            for name in sorted(names)
        )


def _extras(ask: Ask) -> str:
    return f"[{','.join(sorted(ask.requirement.extras))}]" if ask.requirement.extras else ""


def _lines(pins: Iterable[Wanted]) -> tuple[str, ...]:
    return tuple(pin.at(pin.version) for pin in pins)


def _grouped(contradictions: Sequence[Contradiction], pins: Mapping[str, Wanted]) -> list[Conflict]:
    """As few conflicts as there are pins to change: each contradiction goes to the pin that has the most of them."""
    left, found = list(contradictions), []
    while left:
        ends = [name for one in left for name in _ends(one, pins)]
        # Of two that have as many: what is needed, not who needs it.
        needed = {one.needed for one in left}
        most = max(dict.fromkeys(ends), key=lambda name: (ends.count(name), name in needed, name))
        its = [one for one in left if most in _ends(one, pins)]
        left = [one for one in left if one not in its]
        others = [name for one in its for name in _ends(one, pins) if name != most] if len(its) == 1 else []
        names = list(dict.fromkeys(one.needed for one in its))
        of_nobody = [name for name in names if name not in pins]
        found.append(
            Conflict(
                tuple(pins[name] for name in (most, *others)),
                tuple(ask for one in its for ask in one.asks),
                tuple(pins[name] for name in names if name in pins),
                f"no version of {' or '.join(of_nobody)} meets all of them" if of_nobody else "",
            )
        )
    return found


def _ends(one: Contradiction, pins: Mapping[str, Wanted]) -> list[str]:
    """The pins that a contradiction is about."""
    return [*([one.needed] if one.needed in pins else []), *dict.fromkeys(ask.who for ask in one.asks)]


def _problem(conflict: Conflict, cure: Wanted | None = None, version: str = "") -> Problem:
    """`needy 1.0 needs other==1.0, other 2.0 is pinned`, at the pin to change."""
    needs: dict[str, list[str]] = {}
    for ask in conflict.asks:
        needs.setdefault(ask.label, []).append(ask.needs)
    about = ", ".join(f"{label} needs {' and '.join(all_needs)}" for label, all_needs in needs.items())
    place = cure or conflict.cures[0]
    rule = "CONFLICT" if len(conflict.cures) > 1 or conflict.asks else "UNSATISFIABLE"
    if conflict.asks:
        what = f"{about}, {conflict.pinned}" if conflict.pinned else about
    elif len(conflict.cures) > 1:
        what = " and ".join(f"{pin.name} {pin.version}" for pin in conflict.cures) + " cannot be installed together"
    else:
        what = f"{place.name} {place.version} cannot be installed, whatever is chosen for the rest"
    return Problem(what, place.where, conflict.why, _fix(conflict, cure, version), rule, line=place.line)


def _fix(conflict: Conflict, cure: Wanted | None, version: str) -> str:
    if cure:
        return f"write {written(cure, [Version(version)])}; tried: with it the other pins stay as they are"
    names = " or ".join(pin.name for pin in conflict.cures)
    if len(conflict.cures) == 1 and not conflict.asks:
        fix = f"no other version of {names} helps: leave it out, or ask its publisher"
        found = _YANKED.search(conflict.why)
        # uv takes a version that was yanked where somebody asks for it exactly, and a package is nobody
        return f'{fix}; or pin {found[1]} beside it, which is built where yanked is "warn"' if found else fix
    helpless = f"no other version of {names} helps while the other pins stay: "
    if not conflict.needed and conflict.asks:  # about a name that nobody pinned, so nothing can be forced
        needed = canonicalize_name(conflict.asks[0].requirement.name)
        return f"{helpless}leave one of them out, or pin {needed} to choose and build with --no-fail-on-conflicts"
    return f"{helpless}leave one of them out, or build all the same with --no-fail-on-conflicts"


def _words(said: str) -> str:
    text = " ".join(said.replace("╰─▶", "").replace("×", "").split())
    return text if len(text) <= _UV_WORDS else text[: _UV_WORDS - 3] + "..."
