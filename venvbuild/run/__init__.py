"""One run: its work dir, what each step left (results), its summary in two lines, what became of it (outcome), and why
it failed (failures).
"""

from venvbuild.run.failures import remember_failure, remember_refusal
from venvbuild.run.outcome import Complaint, Outcome, Package, Pin, Step, outcome_of, pinned
from venvbuild.run.results import (
    Checked,
    Created,
    Described,
    Inspected,
    Packed,
    Recorded,
    Registered,
    StepResult,
    Uploaded,
)
from venvbuild.run.summary import Summary, summary_of
from venvbuild.run.workdir import (
    ARCHIVE,
    NORMALISED,
    REPORT,
    STEPS,
    VENV,
    WHEELS,
    WorkDir,
    open_work_dir,
    recorded_work_dir,
    way_to_begin,
)
