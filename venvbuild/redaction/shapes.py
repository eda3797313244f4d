"""What secrets look like, whoever made them: tokens, URLs, headers, keys, and values behind a label."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from venvbuild.redaction import labels, tokens

Span = tuple[int, int]

_SLASHES = r"(?:(?<=://)|(?<=:\\/\\/))"  # JSON may escape a slash
_USER_INFO = (
    # user:password@, and where a `/` or `@` in it was not escaped; `host:8080/` is no user.
    re.compile(_SLASHES + r"[^\s/@:\[\"'<>]*+:(?![0-9]{0,5}[/?#])[^\s\"'<>]{1,2048}(?=@)"),
    re.compile(_SLASHES + r"[^\s/@:\"'<>]*:[^\s/@\"'<>]+(?=@)"),
    re.compile(r"(?:(?<=https://)|(?<=http://)|(?<=https:\\/\\/)|(?<=http:\\/\\/))[^\s/@\"'<>\\]+(?=@)"),  # token@
    re.compile(r"(?i)(?<=%3A%2F%2F)(?:[^\s/@:\"'<>&%]|%(?!40|2F)){1,512}+(?=%40)"),
)
_NO_USER_INFO = re.compile(r"(?:\$\{[^{}\s]*\}|\$\w+|<[^<>\s]*>|\*{3,}|\{\w*\}|git|:)*")
"""Everybody is `git` at a forge; the rest is what placeholders leave."""

_CREDENTIAL_LIST = re.compile(
    r"(?i)(?<=X-Amz-Signature=)[^&\s\"']+|(?<=X-Amz-Credential=)[^&\s\"']+|(?<=X-Amz-Security-Token=)[^&\s\"']+"
)
_QUERY = re.compile(
    r"(?i)(?:[?&;#]|\\u0026|%26|%3F)(?:"
    r"(?:x-(?:amz|goog)-(?:signature|credential|security-token)|[\w-]{0,30}?(?:token|secret|passw(?:or)?d|passphrase|api[_-]?key"
    r"|access[_-]?key|auth[_-]?key|signature|subscription-key)|sig|pwd|psw|jwt|hmac|awsaccesskeyid)(?:=|%3D)"
    r"(?P<value>[^&\s\"'<>#;\\]+)"
    r"|(?:key|code|auth|sid|session|sessionid|pass|pw|st)(?:=|%3D)(?P<machine>(?=[^&]{0,80}\d)[^&\s\"'<>#;\\]{12,}))"
)
_WEBHOOK = re.compile(
    r"(?i)(?:hooks\.slack(?:-gov)?\.com|discord(?:app)?\.com\\?/api\\?/(?:v\d+\\?/)?webhooks|webhook\.office\.com"
    r"|outlook\.office(?:365)?\.com\\?/webhook|chat\.googleapis\.com\\?/v1\\?/spaces|hooks\.zapier\.com|maker\.ifttt\.com\\?/trigger"
    r"|logic\.azure\.com(?::\d+)?|api\.powerplatform\.com(?::\d+)?|events\.pagerduty\.com\\?/integration"
    r"|\\?/(?:web)?hooks?(?=\\?/(?:(?=[A-Za-z]*\d)[A-Za-z0-9]{16,}|[0-9A-Fa-f]{8}-[0-9A-Fa-f-]{27})(?![\w.-]))|//(?:web)?hooks?\.[\w.-]{1,200})"
    r"(?P<value>\\?/[^\s\"'<>]{8,})"
)
_TELEGRAM = re.compile(r"(?<=api\.telegram\.org/bot)[^\s/\"'<>]+")

_AUTHORIZATION = re.compile(
    r"(?i)authorization[\w-]{0,20}\\{0,3}[\"']?\s{0,8}(?:=>|[:=,])\s{0,8}[\[(]?(?:b?\\{0,3}[\"'])?"
    r"(?:(?P<long>(?:digest|aws4-[\w-]+|oauth|signature|hawk|sharedkey(?:lite)?)\s[^\r\n\"']+.*)"
    r"|(?P<scheme>[A-Za-z][\w-]{1,40})\s{1,8}\\{0,3}[\"']?(?P<value>[^\s\"'\\,<>\]]+)"
    r"|(?P<bare>[^\s\"'\\,<>\]]+))(?P<rest>[^\r\n]{0,2})"
)
_SCHEMES = frozenset({"basic", "bearer", "token", "negotiate", "ntlm", "apikey", "key", "splunk", "bot", "bearertoken"})
_COOKIE = re.compile(
    r"(?i)\b(?:set-)?cookie2?\\{0,3}[\"']?\s{0,8}(?:=>|[:=,])\s{0,8}(?:b?\\{0,3}[\"'])?(?P<value>(?:(?<==)\\{0,3}\"[^\"\\\r\n]*+\\{0,3}\"|(?<==)'[^'\r\n]*+'|[^\r\n\"'\\])+)"
)
_BEARER = re.compile(r"(?i)\b(?:bearer|ntlm|negotiate)\s{1,8}(?P<value>(?=[^\s\d]{0,200}\d)[\w.~+/=-]{16,})")
_BASIC = re.compile(
    r"(?i)(?:\bbasic\s{1,8}|[\"']auth\\?[\"']\s{0,8}:\s{0,8}\\?[\"']|_auth\s{0,8}=\s{0,8}[\"']?)(?P<value>[\w+/-]{8,}={0,2})"
)
_USER_OPTION = re.compile(
    r"(?<![\w-])(?:-u|-U|--user|--proxy-user|--userpwd)[ =]?\s{0,8}[\"']?[^\s:\"'/]{1,200}:(?P<value>[^\s\"']+)"
)
_SHORT_OPTION = re.compile(
    r"\b(?:sshpass|login|twine|mysql(?:dump|admin)?|redis-cli)\b[^\r\n]{0,200}?\s(?:-p|-a)\s{0,2}(?P<value>[^\s\"'-][^\s\"']{3,})"
)
_PEM = re.compile(
    r"-{4,5} ?BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)? ?-{4,5}"
    r"(?:[\s\S]*?-{4,5} ?END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)? ?-{4,5}|[\s\S]*\Z)"
)
_PUTTY = re.compile(r"PuTTY-User-Key-File-\d[\s\S]*?(?:Private-(?:MAC|Hash): ?\w+|\Z)")


_KEY_WITH_BODY = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(?:\\n|\s|[\"'])+[A-Za-z0-9+/]{40,}")


def marked_spans(text: str) -> Iterator[Span]:
    """Where a token stands that its maker marked, or a private key with its body: what nobody writes as an example."""
    yield from tokens.spans(text)
    if "PRIVATE KEY" in text:
        yield from (found.span() for found in _KEY_WITH_BODY.finditer(text))


def spans(text: str) -> Iterator[Span]:
    """Where something in `text` looks like a secret, in no order; two of them may overlap."""
    lowered = text.lower()
    yield from tokens.spans(text)
    yield from labels.spans(text, lowered)
    yield from _in_urls(text, lowered)
    yield from _in_headers(text, lowered)
    if "PRIVATE KEY" in text:
        yield from (found.span() for found in _PEM.finditer(text))
    if "PuTTY-" in text:
        yield from (found.span() for found in _PUTTY.finditer(text))


def may_stand_in_a_line_of(text: str) -> bool:
    """Whether one of its lines, taken alone, may hold something; at a tenth of the cost of asking each."""
    lowered = text.lower()
    signs = ("://", "cookie", "bearer", "basic", *labels.STEMS)
    return any(sign in lowered for sign in signs) or next(spans(text), None) is not None


def _in_urls(text: str, lowered: str) -> Iterator[Span]:
    if "@" in text or "%40" in text:
        for pattern in _USER_INFO:
            for found in pattern.finditer(text):
                if not _NO_USER_INFO.fullmatch(found[0]):
                    yield found.span()
    if "=" in text or "%3d" in lowered:
        yield from _values(_QUERY, text)
        if "x-amz-" in lowered:
            yield from (found.span() for found in _CREDENTIAL_LIST.finditer(text))
    if "hook" in lowered or "/v1" in lowered or ".azure.com" in lowered or "ifttt" in lowered or "powerpl" in lowered:
        yield from _values(_WEBHOOK, text)
    if "telegram" in text:
        yield from (found.span() for found in _TELEGRAM.finditer(text))


def _in_headers(text: str, lowered: str) -> Iterator[Span]:
    if "authorization" in lowered:
        yield from _in_authorization(text)
    if "cookie" in lowered:
        for found in _COOKIE.finditer(text):
            if "=" in found["value"] or re.match(r"(?=\S{0,80}\d)\S{8,}", found["value"].strip()):
                yield found.span("value")
    if "bearer" in lowered or "ntlm" in lowered or "negotiate" in lowered:
        yield from _values(_BEARER, text)
    if "basic" in lowered or "auth" in lowered:
        yield from (found.span("value") for found in _BASIC.finditer(text) if _is_user_and_password(found["value"]))
    if ":" in text and ("--" in text or "curl" in lowered):
        for found in _USER_OPTION.finditer(text):
            if not re.fullmatch(r"\d+", found["value"]):
                yield found.span("value")
    if " -p" in text or " -a" in text:
        yield from _values(_SHORT_OPTION, text)


def _in_authorization(text: str) -> Iterator[Span]:
    for found in _AUTHORIZATION.finditer(text):
        if found["long"]:
            yield found.span("long")
            continue
        value = found["value"] or found["bare"]
        if found["scheme"] and found["scheme"].lower() not in _SCHEMES and not re.search(r"\d", value):
            continue  # `authorization: required for uploads`
        is_word = re.fullmatch(r"[A-Za-z]+[.,;:!?)]*", value) is not None
        # `authorization: bearer tokens are refused`, `authorization: required`
        is_prose = is_word and value.islower() and (found["rest"].strip() != "" or not found["scheme"])
        if not is_prose and not _NO_USER_INFO.fullmatch(value):
            yield found.span("value" if found["value"] else "bare")


def _values(pattern: re.Pattern[str], text: str) -> Iterator[Span]:
    for found in pattern.finditer(text):
        group = "value" if found["value"] else "machine"
        if not _NO_USER_INFO.fullmatch(found[group]):
            yield found.span(group)


def _is_user_and_password(encoded: str) -> bool:
    return bool(user_and_password(encoded))


def user_and_password(encoded: str) -> tuple[str, ...]:
    """`user:password` and the password alone, of their base64; nothing when it is none."""
    text = encoded.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return ()
    _, colon, password = decoded.partition(":")
    return (decoded, password) if colon and decoded.isprintable() else ()
