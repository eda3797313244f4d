"""The table and the views, on engines that keep some: definitions, publication of the index, Glue's workflow."""

from athena.tables.definitions import TABLE, VIEWS, creation, definition_on, definitions_on, first_day, removal, views
from athena.tables.publication import publish, published, reads
from athena.tables.workflow import Workflow, create_workflow, remove_workflow, workflow_name
