"""What answers SQL over the catalog, behind one call."""

from typing import TYPE_CHECKING

from athena.engines.engine import Answer, Engine, Row, plain, tables_of
from athena.engines.opening import ENGINES, open_engine, refuse_unset
from venvbuild import lazily

if TYPE_CHECKING:
    from athena.engines.athena_errors import configuration_error, glue_error
    from athena.engines.duckdb_database import Sources, connect
else:  # each engine brings its client
    _ERRORS = dict.fromkeys(("configuration_error", "glue_error"), "athena_errors")
    __getattr__ = lazily.from_modules(__name__, {**_ERRORS, "Sources": "duckdb_database", "connect": "duckdb_database"})
