"""A Glue workflow that enters the catalog's days into Glue as partitions, every day.

Athena and Trino do not need it: the table's days are projected. Readers of Glue that know no projection, such as Spark
and Redshift Spectrum, see only partitions that somebody has entered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from venvbuild.errors import UsageError

_DAILY = "cron(20 0 * * ? *)"  # UTC, after the day has begun
_ROLE = re.compile(r"(arn:aws[a-z-]*:iam::[0-9]{12}:role/)?[A-Za-z0-9+=,.@_/-]{1,512}")  # aws-cn, too
_MAKERS = {"crawler": "create_crawler", "workflow": "create_workflow", "trigger": "create_trigger"}
"""In the order in which they need each other."""


@dataclass(frozen=True)
class Workflow:
    """What Glue is to have: a crawler, a workflow and its daily trigger, all of one name."""

    database: str
    table: str
    role: str
    """The IAM role of the crawler: its ARN or name."""

    def __post_init__(self) -> None:
        """Refuse what cannot be a role, before anything is made."""
        if not _ROLE.fullmatch(self.role):
            raise UsageError(
                f"{self.role[:80]!a} is no IAM role", where="--crawler-role", fix="write its ARN, or its name"
            )

    @property
    def name(self) -> str:
        """Of all three."""
        return workflow_name(self.database)

    def definitions(self) -> dict[str, dict[str, Any]]:
        """`crawler`, `workflow` and `trigger` as Glue's API takes them."""
        # The crawler adds partitions to the table that is there; it changes neither the table nor what is gone.
        inherit = {"Version": 1.0, "CrawlerOutput": {"Partitions": {"AddOrUpdateBehavior": "InheritFromTable"}}}
        return {
            "crawler": {
                "Name": self.name,
                "Role": self.role,
                "Targets": {"CatalogTargets": [{"DatabaseName": self.database, "Tables": [self.table]}]},
                "SchemaChangePolicy": {"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"},
                "Configuration": json.dumps(inherit),
            },
            "workflow": {"Name": self.name, "Description": f"enters the days of {self.table} as partitions"},
            "trigger": {
                "Name": self.name,
                "WorkflowName": self.name,
                "Type": "SCHEDULED",
                "Schedule": _DAILY,
                "Actions": [{"CrawlerName": self.name}],
                "StartOnCreation": True,
            },
        }


def workflow_name(database: str) -> str:
    """The name of the crawler, the workflow and the trigger of a database."""
    return f"venvbuild-{database}"


def create_workflow(workflow: Workflow, region: str | None) -> tuple[str, ...]:
    """Make what is not there yet; what was made: `crawler`, `workflow`, `trigger`.

    Raises:
        UsageError, QueryEngineError: Glue refuses or fails.
    """
    made = []
    with _glue(region) as client:
        for kind, definition in workflow.definitions().items():
            try:
                getattr(client, _MAKERS[kind])(**definition)
                made.append(kind)
            except client.exceptions.AlreadyExistsException:
                continue
    return tuple(made)


def remove_workflow(database: str, region: str | None) -> None:
    """Remove the three of a database; those that are not there are passed over.

    Raises:
        UsageError, QueryEngineError: Glue refuses or fails.
    """
    name = workflow_name(database)
    with _glue(region) as client:
        # the reverse of how they need each other
        for delete in (client.delete_trigger, client.delete_workflow, client.delete_crawler):
            try:
                delete(Name=name)
            except client.exceptions.EntityNotFoundException:
                continue


@contextmanager
def _glue(region: str | None) -> Iterator[Any]:
    import boto3  # only here: it would cost every `table` command 0.4 s
    from botocore.exceptions import BotoCoreError, ClientError

    from athena.engines import configuration_error, glue_error

    try:
        client = boto3.session.Session().client("glue", region_name=region)
    except BotoCoreError as error:
        raise configuration_error(error) from error
    try:
        yield client
    except (ClientError, BotoCoreError) as error:
        raise glue_error(error) from error
