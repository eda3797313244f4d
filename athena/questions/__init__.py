"""Questions about the catalog: what was asked for (packages), bound to the SQL of `sql/` (binding) unless it would read
too much (byte_limit), and the answers put together (queries).
"""

from typing import TYPE_CHECKING

from athena.questions.binding import bind, names, parameters, statement, text
from athena.questions.packages import WantedPackage, parse_packages
from athena.questions.queries import (
    Difference,
    Plan,
    Search,
    all_builds,
    count,
    difference,
    each_build,
    each_found,
    find,
    leaves_out_ahead,
    plan_all_builds,
    plan_count,
    plan_difference,
    plan_find,
)
from venvbuild import lazily

if TYPE_CHECKING:
    from athena.questions.byte_limit import ByteLimit
else:  # few set a limit, and it looks at the tables of engines
    __getattr__ = lazily.from_modules(__name__, {"ByteLimit": "byte_limit"})
