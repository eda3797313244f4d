"""Tokens that their makers marked, so that they are known by what they begin with.

The rules are those of detect-secrets 1.5.0 (plugins/*.py; Apache-2.0) and, for what that does not know, of CredSweeper
1.19.5 (rules/config.yaml; MIT): texts and notices in `licenses/`. Changed here: lengths are lower bounds, so that a
maker's next version is hidden too; each rule has the text that it cannot match without; and none backtracks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

Span = tuple[int, int]

# Before a token of a short mark: no letter or digit, unless that ends an escape (`\n`, `%3D`, `\x3d`, `\u003d`).
_FREE = r"(?:(?<![A-Za-z0-9_])|(?<=\\[nrtbf])|(?<=%[0-9A-Fa-f]{2})|(?<=\\x[0-9A-Fa-f]{2})|(?<=\\u00[0-9A-Fa-f]{2}))"
# Bounded: a line of marks must not be read once for each.
_DIGIT = r"(?=[A-Za-z_-]{0,80}\d)"
_LOWER = r"(?=[A-Z0-9_-]{0,80}[a-z])"
_UPPER = r"(?=[a-z0-9_-]{0,80}[A-Z])"

RULES: tuple[tuple[tuple[str, ...], str], ...] = (
    # --- detect-secrets
    (("AKC",), rf"{_FREE}AKC{_DIGIT}[A-Za-z0-9]{{10,}}"),  # artifactory.py
    (("AP",), rf"{_FREE}(?<!sha256=)(?<!sha384=)(?<!sha512=)AP{_DIGIT}{_LOWER}[0-9A-F][A-Za-z0-9]{{15,}}"),
    (("AKIA", "ASIA", "ABIA", "ACCA", "A3T"), r"(?:A3T[A-Z0-9]|ABIA|ACCA|AKIA|ASIA)[0-9A-Z]{16}(?![0-9a-z])"),  # aws.py
    (("M", "N", "O"), rf"{_FREE}[MNO][\w-]{{23,25}}\.[\w-]{{6}}\.[\w-]{{27,40}}"),  # discord.py
    (("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"gh[pousr]_[A-Za-z0-9]{20,}"),  # github_token.py
    (
        (
            "glpat-",
            "gldt-",
            "glft-",
            "glsoat-",
            "glrt-",
            "glrtr-",
            "glcbt-",
            "glimt-",
            "glptt-",
            "glagent-",
            "gloas-",
            "glffct-",
            "glwt-",
        ),
        r"gl(?:pat|dt|ft|soat|rtr?|cbt|imt|ptt|agent|oas|ffct|wt)-[\w-]{16,}(?:\.[\w-]{2,16}){0,2}",
    ),  # gitlab_token.py; the last three: CredSweeper
    (("GR1348941",), r"GR1348941[\w-]{16,}"),
    (("npm_",), rf"{_FREE}npm_[A-Za-z0-9]{{20,}}"),  # npm.py
    (("pypi-",), rf"pypi-{_DIGIT}[\w-]{{30,}}"),  # pypi_token.py
    (("SG.",), rf"{_FREE}SG\.[\w-]{{16,}}\.[\w-]{{16,}}"),  # sendgrid.py
    (("xox", "xapp-"), r"(?:xox[a-z](?:\.xox[a-z])?|xapp)-[0-9A-Za-z-]{10,}(?:%[0-9A-Fa-f]{2}|[\w/+-])*+"),  # slack.py
    (("sq0",), rf"{_FREE}sq0[a-z]{{3}}-[\w-]{{22,}}"),  # square_oauth.py
    (("AC", "SK"), rf"{_FREE}(?:AC|SK)[0-9a-f]{{32}}(?![0-9A-Za-z_])"),  # twilio.py
    # --- openai.py and CredSweeper: keys of language models
    (
        ("sk-",),
        rf"{_FREE}sk-(?:(?:proj|ant|or|svcacct|admin|lf|kimi|api)[\w-]*-[\w-]{{12,}}"
        rf"|{_UPPER}{_DIGIT}[\w-]{{20,}}|{_DIGIT}[a-z0-9]{{20,}})",
    ),
    (("hf_", "api_org_"), rf"{_FREE}(?:hf|api_org)_[A-Za-z0-9]{{20,}}"),
    (("gsk_",), rf"{_FREE}gsk_[A-Za-z0-9]{{20,}}"),
    (("xai-",), rf"{_FREE}xai-[\w-]{{40,}}"),
    (("pplx-",), rf"{_FREE}pplx-[\w-]{{32,}}"),
    (("r8_",), rf"{_FREE}r8_[A-Za-z0-9]{{30,}}"),
    (("tgp_v1_",), r"tgp_v1_[\w-]{32,}"),
    (("tvly-",), rf"{_FREE}tvly-[\w-]{{24,}}"),
    (("llx-",), rf"{_FREE}llx-[\w-]{{40,}}"),
    (("lsv2_",), r"lsv2_[a-z]{2}_[\w-]{30,}"),
    (("wandb_v1_",), r"wandb_v1_[\w-]{30,}"),
    # --- CredSweeper: clouds
    (("AIza",), rf"{_FREE}AIza[\w-]{{30,}}"),
    (("ya29.",), r"ya29\.[\w-]{20,}(?:\.[\w-]*)*+"),
    (("1//0",), rf"{_FREE}1//0[\w-]{{30,}}"),
    (("GOCSPX-",), r"GOCSPX-[\w-]{20,}"),
    (("AQ.Ab8",), r"AQ\.Ab8[\w-]{30,}"),
    (("ABSK", "bedrock-api-key-"), rf"{_FREE}(?:ABSK|bedrock-api-key-)[0-9A-Za-z/+]{{28,}}=*"),
    (("amzn.mws.",), r"amzn\.mws\.[0-9a-f-]{36}"),
    (("LTAI",), rf"{_FREE}LTAI[0-9A-Za-z]{{12,24}}(?![0-9A-Za-z])"),
    (("doo_v1_", "dop_v1_", "dor_v1_", "dos_v1_"), r"do[oprs]_v1_[0-9a-f]{32,}"),
    (("cfat_", "cfut_", "cfk_"), rf"{_FREE}cf(?:at|ut|k)_[0-9A-Za-z]{{40,}}"),
    (("HRKU-",), r"HRKU-[\w-]{36,}"),
    (("dose",), rf"{_FREE}dose[0-9a-f]{{32}}(?![0-9a-z])"),
    (("dapi",), rf"{_FREE}dapi{_DIGIT}[0-9a-z]{{28,}}(?:-\d+)?"),  # Databricks
    (("dt0",), r"dt0[a-z]\d\d\.[0-9A-Z]{24}\.[0-9A-Z]{32,}"),
    (
        ("eyJ",),
        r"(?:(?<![\w-])|(?<=\\[nrtbf])|(?<=%[0-9A-Fa-f]{2}))"
        r"eyJ[\w=-]{8,}+(?:\.[\w=+/-]*+){2,5}",
    ),  # JWT, JWE
    (("ops_eyJ", "glc_eyJ", "sntrys_eyJ"), r"(?:ops|glc|sntrys)_eyJ[\w=+/-]{40,}"),
    # --- CredSweeper: where code and packages are
    (("github_pat_",), r"github_pat_\w{20,}"),
    (("cmVmd",), rf"{_FREE}cmVmd{_DIGIT}[A-Za-z0-9]{{40,}}"),  # reference tokens of Artifactory
    (("ATATT", "ATCTT"), r"AT[AC]TT3xFf[\w-]{40,}(?:=|%3[dD])?[0-9A-F]*"),
    (("ATBB",), rf"{_FREE}ATBB[0-9A-Za-z]{{24,}}"),
    (("BBDC-",), r"BBDC-[\w+/-]{32,}=*"),
    (("CCIPAT_",), r"CCIPAT_[0-9A-Za-z]{20,}_[0-9a-f]{32,}"),
    (("oy2",), rf"{_FREE}oy2[a-z0-9]{{43}}(?![\w-])"),  # NuGet
    (("rubygems_",), r"rubygems_[0-9a-f]{40,}"),
    (("CLOJARS_",), r"CLOJARS_[0-9a-f]{40,}"),
    (("dckr_",), r"dckr_[op]at_[\w-]{20,}"),
    (("sqa_", "sqp_", "squ_"), rf"{_FREE}sq[apu]_[0-9a-f]{{40}}"),
    (("_gitlab_session=",), r"_gitlab_session=[\w-]{20,}"),
    (("bkua_",), rf"{_FREE}bkua_[0-9a-z]{{32,}}"),
    (("pul-",), rf"{_FREE}pul-[0-9a-f]{{40}}"),
    (("NRAK-", "NRBR-", "NRII-", "NRJS-"), r"NR(?:AK-[0-9A-Z]{27}|BR-[0-9a-f]{19,20}|II-[\w-]{25}|JS-[0-9a-z]{19})"),
    (("PMAK-", "PMAT-"), r"PMA[KT]-[0-9A-Za-z]{24,}(?:-[0-9a-f]{30,})?"),
    (("SWMTKN-1-", "SWMKEY-1-"), r"SWM(?:TKN|KEY)-1-[0-9A-Za-z-]{40,}"),
    # --- CredSweeper: keepers of secrets, and services
    (("hvs.", "hvb.", "hvr."), rf"{_FREE}hv[sbr]\.[\w-]{{20,}}"),  # Vault
    (("s.",), rf"{_FREE}s\.{_DIGIT}{_UPPER}[A-Za-z0-9]{{24}}(?![\w-])"),
    (("AGE-SECRET-KEY-1",), r"AGE-SECRET-KEY-1[0-9A-Z]{40,}"),
    (("dp.",), rf"{_FREE}dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[\w-]+\.)?[0-9A-Za-z]{{32,}}"),
    (("pscale_",), r"pscale_(?:tkn|oauth|pw)_[\w.-]{24,}"),
    (("lin_api_",), r"lin_api_[0-9A-Za-z]{32,}"),
    (("glsa_",), r"glsa_[\w-]{32,}"),
    (("sntryu_",), r"sntryu_[0-9a-f]{40,}"),
    (("tskey-",), r"tskey-[a-z]+-[0-9A-Za-z]{10,}-?[0-9A-Za-z]*"),
    (("shpat_", "shpca_", "shppa_", "shpss_"), r"shp(?:at|ca|pa|ss)_[0-9A-Fa-f]{32}"),
    (("key-",), rf"{_FREE}key-[0-9a-f]{{32}}(?![\w-])"),  # Mailgun
    (("ntn_",), rf"{_FREE}ntn_[0-9]{{9}}[0-9A-Za-z]{{30,}}"),
    (("figd_",), r"figd_[\w-]{36,}"),
    (("sbp_",), rf"{_FREE}sbp_(?:v0_)?[0-9a-f]{{40}}"),
    (("nfp_", "vcp_"), rf"{_FREE}(?:nf|vc)p_[0-9A-Za-z]{{36,}}"),
    (("xkeysib-",), r"xkeysib-[0-9a-f]{40,}-[\w-]{16}"),
    (("CFPAT-",), r"CFPAT-[\w-]{43}"),
    (("pat",), rf"{_FREE}pat[0-9A-Za-z]{{14}}\.[0-9a-f]{{64}}"),  # Airtable
    (("EAA",), rf"{_FREE}EAA[A-Z]{_DIGIT}[\w-]{{60,}}"),
    (("LS0tLS1CRUdJTi",), r"LS0tLS1CRUdJTi[A-Za-z0-9+/]{0,24}?(?:UFJJVkFURS|QUklWQVRF|BSSVZBVE)[A-Za-z0-9+/=_-]*+"),
)
"""The marks that such a token begins with, and the pattern."""

AROUND: tuple[tuple[tuple[str, ...], str], ...] = (
    (("-us",), rf"{_FREE}[0-9a-z]{{32}}-us[0-9]{{1,2}}"),  # mailchimp.py
    (("k_live_", "k_test_", "whsec_"), r"(?:whsec|[prs]k_(?:live|test))_[0-9A-Za-z]{16,}"),  # stripe.py
    ((":AA",), rf"{_FREE}[0-9]{{8,10}}:AA[\w-]{{30,}}"),  # telegram_token.py
    (("Q~",), r"(?<![\w.~-])[\w.~-]{3}\dQ~[\w.~-]{31,34}(?![\w.~-])"),  # Entra ID
    (("JQQJ9",), r"[0-9A-Za-z]{52}JQQJ9[9DH][0-9A-Za-z]{26,}"),  # Azure
    (("AZDO",), r"[0-9A-Za-z]{70,80}AZDO[0-9A-Za-z]{4}"),
    ((".atlasv1.",), r"[\w-]{14}\.atlasv1\.[\w=-]{40,}"),  # Terraform
)
"""The same where the mark stands within the token."""


def spans(text: str) -> Iterator[Span]:
    """Where tokens stand in `text`."""
    for mark in [mark for mark in _MARKS if mark in text]:
        pattern, is_at_the_mark = _MARKS[mark]
        if is_at_the_mark:
            yield from _at(mark, pattern, text)
        else:
            yield from (found.span() for found in _compiled(pattern).finditer(text))


def _at(mark: str, pattern: str, text: str) -> Iterator[Span]:
    # Faster by far than a search, which would look behind at every letter.
    match, begin = _compiled(pattern).match, text.find(mark)
    while begin >= 0:
        found = match(text, begin)
        if found:
            yield found.span()
        begin = text.find(mark, found.end() if found else begin + 1)


_MARKS = {mark: (pattern, rules is RULES) for rules in (RULES, AROUND) for marks, pattern in rules for mark in marks}


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
