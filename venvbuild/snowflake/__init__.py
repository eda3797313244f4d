"""The packages of a file or of a build inside Snowflake: one ZIP that its Python imports from.

bundle           what is asked for, and the judged ZIP
access, wanted   which index counts; the pins of a file or a build
gate             whom uv may ask while it resolves
wheels -> zip    the wheels of the set, from allowed hosts; copied into one ZIP
judge            what of a wheel works from a ZIP
import_check     whether it imports; import_script runs in the target's Python
native_loader    shipped in the ZIP: makes native packages importable
making           all of it, in order
runtimes         Snowflake's Pythons and machines, as data

stage_name, statement   how SQL writes names, texts, and the use of what was sent
connection              who we are, and a session; refusals: what each no of Snowflake means
stage -> uploading      the files of a stage; the ZIP there, unless the same is
pruning                 which old ones may go
records                 beside builds: which stage holds what
"""

from typing import TYPE_CHECKING

from venvbuild import lazily

if TYPE_CHECKING:
    from venvbuild.snowflake import runtimes
    from venvbuild.snowflake.access import with_index
    from venvbuild.snowflake.bundle import Bundle, Distribution, ImportFailed, Wish
    from venvbuild.snowflake.connection import Login, Session, Timeouts, connected
    from venvbuild.snowflake.making import Say, make_bundle
    from venvbuild.snowflake.pruning import Plan, plan, remove
    from venvbuild.snowflake.records import Record, Whereabouts, read_all, remember, whereabouts
    from venvbuild.snowflake.stage import Stage, StagedFile
    from venvbuild.snowflake.stage_name import StageName
    from venvbuild.snowflake.statement import KINDS, Use, checked_name
    from venvbuild.snowflake.uploading import BESIDE, OURS, Uploaded, upload
    from venvbuild.snowflake.zip import MANIFEST, is_ours
else:  # who judges a description makes no ZIP, and asks nobody
    _MODULES = {
        "access": ("with_index",),
        "bundle": ("Bundle", "Distribution", "ImportFailed", "Wish"),
        "connection": ("Login", "Session", "Timeouts", "connected"),
        "making": ("Say", "make_bundle"),
        "pruning": ("Plan", "plan", "remove"),
        "records": ("Record", "Whereabouts", "read_all", "remember", "whereabouts"),
        "stage": ("Stage", "StagedFile"),
        "stage_name": ("StageName",),
        "statement": ("KINDS", "Use", "checked_name"),
        "uploading": ("BESIDE", "OURS", "Uploaded", "upload"),
        "zip": ("MANIFEST", "is_ours"),
    }
    __getattr__ = lazily.from_modules(__name__, {name: one for one, names in _MODULES.items() for name in names})
