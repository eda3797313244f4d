"""A requirements file in which every line is one exact pin, or the full list of reasons why it is not.

bytes -> lines -> pins -> file    with credentials, markers, and the sentences of faults
wishes                            what is to be pinned first, by `venvbuild compile`
"""

from venvbuild.requirements.file import MAX_FILE_BYTES, Newest, Requirements, parse, read
from venvbuild.requirements.pins import Pin
from venvbuild.requirements.wishes import Reading, Wish, WishFile, read_pinned, read_wishes
