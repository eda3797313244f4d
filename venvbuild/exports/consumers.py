"""All consumers by name; a new one is a file of this room and a line here."""

from __future__ import annotations

from venvbuild.exports.airflow import AIRFLOW
from venvbuild.exports.aws_lambda import LAMBDA, LAMBDA_LAYER
from venvbuild.exports.consumer import Consumer
from venvbuild.exports.docker import DOCKER
from venvbuild.exports.glue import CLEAN_ROOMS, GLUE
from venvbuild.exports.jupyter import JUPYTER
from venvbuild.exports.run import RUN
from venvbuild.exports.spark import SPARK

_ALL: tuple[Consumer, ...] = (SPARK, GLUE, CLEAN_ROOMS, LAMBDA, LAMBDA_LAYER, AIRFLOW, DOCKER, JUPYTER, RUN)
CONSUMERS: dict[str, Consumer] = {one.name: one for one in _ALL}
"""In the order in which they are told."""
