"""A repository of Python packages that a customer hosts, made known to Snowflake: described in a file once.

description   what snowflake.toml says; documents: the same as plain values, of TOML or YAML (yaml_nodes)
misfits       what does not fit its schema; positions: where each key stands; forms: how an advice is written
rules         what Snowflake is known to refuse, before it is asked; handler: what of a body can be known
sql           the statements, in the order in which they can run
draft         a first snowflake.toml, for the index of the builds; discovery: for what an account has
texts         a file as text, whole or not at all
egress        from which addresses Snowflake comes; endpoints: its private ones; uses: who uses a package
answers       what functions of Snowflake answer; surroundings: where the account is
doctor        whether the index works, tried with the header that Snowflake sends; standing: what the account has of it

facts -> state      what of an object can be compared; what Snowflake shows of it
plan                what has to change
applying, failures  the statements of it, run one by one; what an error of one means
plan_file           a plan on the disk

An account is asked by a session that somebody gives; only `doctor` asks anybody else.
"""

# Nothing is imported here: who judges a description does not pay for who asks an index.
__all__ = [
    "applying", "description", "discovery", "doctor", "draft", "egress", "endpoints", "facts", "failures", "forms",
    "plan", "plan_file", "rules", "sql", "standing", "state", "surroundings", "texts", "uses",
]  # fmt: skip
