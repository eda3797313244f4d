"""junit.xml: a case for each step, for each pin and for each conflict, as Jenkins' page of tests shows them.

What did not run is skipped, never passed. Source of the format: junit-10.xsd of Jenkins' xUnit plugin.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, SubElement, tostring

from venvbuild.run import Complaint, Outcome, Pin, Step


def render(outcome: Outcome) -> str:
    """The file's text."""
    root = Element("testsuites", name="venvbuild")
    env_name = outcome.summary.env_name or "refused"
    suites = {
        "steps": [_step(step, outcome) for step in outcome.steps],
        "requirements": [*(_pin(pin, outcome) for pin in outcome.pins), *_refused(outcome)],
        "conflicts": [_case(one.what, failure=one) for one in outcome.conflicts],
    }
    for name, cases in suites.items():
        suite = SubElement(root, "testsuite", name=name, errors="0")
        for case in cases:
            # Jenkins groups by what stands before the last dot.
            case.set("classname", f"{env_name}.{name}")
            suite.append(case)
        suite.set("tests", str(len(cases)))
        suite.set("failures", str(len(suite.findall("testcase/failure"))))
        suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
    # ElementTree would write control characters, which XML 1.0 forbids; the text of an Outcome is printable
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _step(step: Step, outcome: Outcome) -> Element:
    if step.status == "not run":
        return _case(step.name, skipped=f"not run: the run stopped at {outcome.summary.stopped_at}")
    if step.status == "passed":
        return _case(step.name, seconds=step.seconds)
    if step.status == "not ended":
        return _case(step.name, failure=Complaint("did not end: the run was aborted, or it is still at work"))
    found = outcome.problems or outcome.conflicts
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    whole = "\n\n".join(problem.text for problem in found[:100])  # a refused file may have thousands
    what = found[0].what if found else "it failed, and the reason was not kept"
    return _case(step.name, failure=Complaint(what + more, kind=f"exit {outcome.exit_code}"), text=whole)


def _pin(pin: Pin, outcome: Outcome) -> Element:
    reason = next((problem for problem in outcome.problems if problem.line == pin.line), None)
    if reason:
        return _case(pin.requirement, failure=reason)
    if pin.status == "not run":
        return _case(pin.requirement, skipped=f"not installed: the run stopped at {outcome.summary.stopped_at}")
    if pin.status == "not meant":
        return _case(pin.requirement, skipped="its marker is false for this Python and platform")
    if pin.status == "installed":
        return _case(pin.requirement)
    instead = f"{pin.name} {pin.found} is installed" if pin.found else f"{pin.name} is not installed"
    return _case(pin.requirement, failure=Complaint(instead, pin.where))


def _refused(outcome: Outcome) -> Iterator[Element]:
    """Lines of a file that was refused, or other problems of one, which have no pin."""
    known = {pin.line for pin in outcome.pins}
    for problem in outcome.problems:
        if problem.line and problem.line not in known:
            yield _case(problem.where, failure=problem)


def _case(
    name: str, *, seconds: float | None = None, skipped: str = "", failure: Complaint | None = None, text: str = ""
) -> Element:
    case = Element("testcase", name=name)
    if seconds is not None:
        case.set("time", f"{seconds:.3f}")
    if skipped:
        SubElement(case, "skipped", message=skipped)
    if failure:
        where = f"{failure.where}\n" if failure.line else ""
        SubElement(case, "failure", message=failure.what, type=failure.kind or "refused").text = where + (
            text or failure.text
        )
    return case
