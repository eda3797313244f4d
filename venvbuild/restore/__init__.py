"""An archive as an environment again: fetched, unpacked, re-homed, or rebuilt from its lock; and verified."""

from venvbuild.restore.rebuilding import rebuild
from venvbuild.restore.restoring import Restored, RestoreOptions, from_archive, get
from venvbuild.restore.verification import verify
