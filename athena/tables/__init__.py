"""The table and the views, on engines that keep some: definitions, standing, publication of the index, workflow."""

from athena.tables.definitions import (
    GUARD,
    TABLE,
    VIEWS,
    creation,
    definition_on,
    definitions_on,
    first_day,
    publishing,
    removal,
)
from athena.tables.index_tables import there
from athena.tables.publication import publish, published, reads, unread
from athena.tables.standing import Standing, refuse_to_drop, standing
from athena.tables.workflow import Workflow, create_workflow, remove_workflow, workflow_name
