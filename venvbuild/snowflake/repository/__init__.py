"""A repository of Python packages that a customer hosts, made known to Snowflake: described in a file once.

description   what snowflake.toml says, read and judged by its schema; positions: where each key stands
rules         what Snowflake is known to refuse, before it is asked; handler: what of a body can be known
sql           the statements, in the order in which they can run
draft         a first snowflake.toml, for the index of the builds
texts         a file as text, whole or not at all
egress        from which addresses Snowflake comes
doctor        whether the index works, tried with the header that Snowflake sends

Nothing here asks Snowflake.
"""

from venvbuild.snowflake.repository import description, doctor, draft, egress, rules, sql, texts

__all__ = ["description", "doctor", "draft", "egress", "rules", "sql", "texts"]
