"""Tells people what became of a run, through whatever apprise speaks: Slack, e-mail, Teams and many more.

    changes    what is asked for now and was not in the last good build
    message    an `Outcome` -> a `Message`, plain text that every service can show
    services   the addresses that are configured; sends a message to each
    deadline   no more time than a job can spare, whoever hangs

A notification never decides about a run: what cannot be delivered is a warning.
"""

from venvbuild.notifiers.changes import Changes, changes_since_last_good
from venvbuild.notifiers.deadline import Deadline
from venvbuild.notifiers.message import EVENTS, Message, compose
from venvbuild.notifiers.services import Services, hide_addresses
