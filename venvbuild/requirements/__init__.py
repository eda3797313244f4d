"""A requirements file in which every line is one exact pin, or the full list of reasons why it is not."""

from venvbuild.requirements.file import MAX_FILE_BYTES, Newest, Requirements, parse, read
from venvbuild.requirements.pins import Pin
