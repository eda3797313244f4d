"""The table and the views, on engines that keep some: definitions, standing, index_tables, publication, workflow."""

from typing import TYPE_CHECKING

from athena.index import VIEWS
from athena.tables.definitions import (
    GUARD,
    TABLE,
    creation,
    definition_on,
    definitions_on,
    first_day,
    publishing,
    removal_of_tables,
    removal_of_views,
)
from athena.tables.index_tables import there
from athena.tables.publication import publish, published, reads, unread
from athena.tables.standing import Standing, refuse_elsewhere, refuse_to_drop, standing
from venvbuild import lazily

if TYPE_CHECKING:
    from athena.tables.workflow import Workflow, create_workflow, remove_workflow, workflow_name
else:  # of Glue only, and who asks a question makes none
    _WORKFLOW = ("Workflow", "create_workflow", "remove_workflow", "workflow_name")
    __getattr__ = lazily.from_modules(__name__, dict.fromkeys(_WORKFLOW, "workflow"))
