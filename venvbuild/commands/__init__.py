"""The verbs, one file each: parse, call one function, words and exit code.

Adding one is a file here and a line in `COMMANDS`; the order is that of `venvbuild --help`.
"""

COMMANDS = {
    "compile": "compile",
    "build": "build",
    "check": "check",
    "create": "create",
    "inspect": "inspect",
    "pack": "pack",
    "describe": "describe",
    "upload": "upload",
    "register": "register",
    "summary": "summary",
    "report": "report",
    "notify": "notify",
    "list": "list",
    "show": "show",
    "lock": "lock",
    "find": "find",
    "count": "count",
    "diff": "diff",
    "query": "query",
    "table": "table",
    "get": "get",
    "verify": "verify",
    "export": "export",
    "import": "import_",
    "snowflake": "snowflake",
    "release": "release",
    "promote": "promote",
    "aliases": "aliases",
    "cache": "cache",
    "config": "config",
    "completion": "completion",
    "doctor": "doctor",
}
"""Name of the command -> module in this folder, imported when the command runs."""
