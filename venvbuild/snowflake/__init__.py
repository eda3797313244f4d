"""The packages of a file or of a build inside Snowflake: one ZIP that its Python imports from.

bundle      what is asked for, and the judged ZIP
"""

from venvbuild.snowflake.bundle import Bundle, Distribution, Wish
