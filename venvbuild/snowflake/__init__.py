"""The packages of a file or of a build inside Snowflake: one ZIP that its Python imports from.

bundle           what is asked for, and the judged ZIP
access, wanted   which index counts; the pins of a file or a build
wheels -> zip    the wheels of the set, from allowed hosts; copied into one ZIP
judge            what of a wheel works from a ZIP
import_check     whether it imports; import_script runs in the target's Python
native_loader    shipped in the ZIP: makes native packages importable
making           all of it, in order
runtimes         Snowflake's Pythons and machines, as data
"""

from venvbuild.snowflake import runtimes
from venvbuild.snowflake.access import with_index
from venvbuild.snowflake.bundle import Bundle, Distribution, ImportFailed, Wish
from venvbuild.snowflake.making import Say, make_bundle
from venvbuild.snowflake.zip import MANIFEST, is_ours
