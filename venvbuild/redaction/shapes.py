"""What secrets look like, whoever made them."""

from __future__ import annotations

import re

SHAPES: tuple[re.Pattern[str], ...] = (
    # user:password@, and where a `/` or `@` in it was not escaped; `host:8080/` is no user.
    re.compile(r"(?<=://)[^\s/@:\[\"'<>]*+:(?![0-9]{0,5}[/?#])[^\s\"'<>]{1,2048}(?=@)"),
    re.compile(r"(?<=://)[^\s/@:\"'<>]*:[^\s/@\"'<>]+(?=@)"),
    re.compile(r"(?<=https://)[^\s/@\"'<>]+(?=@)|(?<=http://)[^\s/@\"'<>]+(?=@)"),  # token@
    # Possessive (`*+`): on a long hostile line these must not try every way of splitting it.
    re.compile(r"(?i)(?<=authorization:)\s*+(?:(?:basic|bearer|token)\s++)?+[^\s\"']+"),
    re.compile(r"(?i)(?<=\bcookie:)[^\r\n]+"),
    re.compile(r"(?i)(?<=-token:)\s*+[^\s\"']+"),
    re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    re.compile(
        r"(?i)(?<=X-Amz-Signature=)[^&\s\"']+|(?<=X-Amz-Credential=)[^&\s\"']+|(?<=X-Amz-Security-Token=)[^&\s\"']+"
    ),
    re.compile(r"\bgh[pousr]_[A-Za-z0-9]{20,}\b|\bgithub_pat_[A-Za-z0-9_]{20,}\b"),
    re.compile(r"\bpypi-[A-Za-z0-9_-]{30,}"),
    re.compile(r"\bxox[baprs]-[A-Za-z0-9-]{10,}"),
    re.compile(r"\beyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]*"),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----|[\s\S]*\Z)"),
    # Not before a second `=`: tiktoken==0.5.1 is a pin.
    re.compile(
        r"(?i)(?:(?<=password=)|(?<=passwd=)|(?<=secret=)|(?<=token=)|(?<=api_key=)|(?<=apikey=))(?!=)[^\s&\"',;]+"
    ),
    re.compile(r"(?i)(?<=password: )\S+|(?<=secret: )\S+|(?<=token: )\S+|(?<=api_key: )\S+"),
)
