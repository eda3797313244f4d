"""A requirements file in which every line is one exact pin, or the full list of reasons why it is not.

bytes -> lines -> joined -> pins -> file    with credentials, markers, and the sentences of faults
pylock -> selection -> file                 the same of a pylock.toml (PEP 751)
wishes                                      what is to be pinned first, by `venvbuild compile`
"""

from venvbuild.requirements.file import MAX_FILE_BYTES, Requirements, SaidSize, Suggest, Suggested, parse, read, reread
from venvbuild.requirements.joined import Part
from venvbuild.requirements.options import Sources
from venvbuild.requirements.pins import Pin
from venvbuild.requirements.selection import Selection
from venvbuild.requirements.wishes import PinnedFile, Reading, Wish, WishFile, read_pinned, read_wishes
