"""What sqlglot reads, and Athena and Trino do not: signs, words and orders of other dialects.

Source: the grammar of Trino 476 (SqlBase.g4). sqlglot forgets how a thing was written, so its tokens are judged.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlglot
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from athena.duck.functions import end_of, is_word, refuse_unknown
from athena.duck.nodes import refuse, wrong
from venvbuild.text import shown

_OURS = """
= <> != < <= > >= + - * / % || -> => ( ) [ ] . , ;
"""
_SIGNS = frozenset(_OURS.split())
_OTHERS = "RLIKE REGEXP ISNULL NOTNULL MINUS DIV XOR GLOB SYMMETRIC ILIKE QUALIFY"
_WORDS_OF_OTHERS = frozenset(_OTHERS.split())
_ORDER = ("SELECT", "FROM", "WHERE", "GROUP BY", "HAVING", "WINDOW", "ORDER BY", "OFFSET", "LIMIT")
_CLAUSES = {word: at for at, word in enumerate(_ORDER)} | {"FETCH": len(_ORDER) - 1}
_ORDER_BY = _CLAUSES["ORDER BY"]
_HAVE_FROM = ("EXTRACT", "TRIM", "SUBSTRING")
_OF_INTERVALS = "SECOND MINUTE HOUR DAY MONTH YEAR WEEK QUARTER"
_UNITS = frozenset(_OF_INTERVALS.split())
_OF_CAST = """
BOOLEAN TINYINT SMALLINT INT INTEGER BIGINT REAL DOUBLE PRECISION DECIMAL VARCHAR CHAR VARBINARY JSON DATE TIME
TIMESTAMP WITH WITHOUT ZONE ARRAY MAP ROW IPADDRESS UUID INTERVAL DAY TO SECOND YEAR MONTH
"""
_TYPES = frozenset(_OF_CAST.split())
_LARGEST = 2**63 - 1


def refuse_other_forms(sql: str) -> None:
    """End with the first form that is another dialect's.

    Raises:
        QueryEngineError: it names the form, and what to write.
    """
    try:
        tokens = [one for one in sqlglot.tokenize(sql, read="athena") if one.token_type != TokenType.SEMICOLON]
    except SqlglotError:  # told by whoever reads it
        return
    for at, one in enumerate(tokens):
        behind = tokens[at + 1] if at + 1 < len(tokens) else None
        if one.token_type == TokenType.NUMBER:
            _refuse_number(one, behind)
        elif one.token_type in (TokenType.STRING, TokenType.IDENTIFIER):
            _refuse_text(one, behind)
        elif is_word(one):
            _refuse_word(tokens, at, [two.text.upper() for two in tokens[at + 1 : at + 4]])
        elif one.text in (":", "?"):
            refuse(f"the sign {one.text}")
        elif one.text[:1].isalnum():
            refuse(f"a literal like {shown(one.text)} with a letter before it")
        elif one.text not in _SIGNS:
            wrong(f"{shown(one.text)} is no sign of Athena or Trino", _INSTEAD.get(one.text, "correct the query"))
        elif one.text == "," and behind is not None and behind.text.upper() in (")", "FROM"):
            wrong("a comma is followed by something")
    refuse_unknown(tokens)
    _Clauses().read(tokens)


_INSTEAD = {"::": "write CAST(... AS ...)", "==": "write =", "!": "write NOT"}


def _refuse_number(one: Token, behind: Token | None) -> None:
    if behind is not None and is_word(behind) and behind.start == one.end + 1:
        refuse(f"the number {shown(one.text + behind.text)}", "write it with digits only")
    if one.text.isdigit() and int(one.text) > _LARGEST:
        wrong(f"{one.text} is beyond bigint")


def _refuse_text(one: Token, behind: Token | None) -> None:
    if one.token_type == TokenType.STRING and behind is not None and behind.token_type == TokenType.STRING:
        wrong("two texts stand side by side", "write || between them")


def _refuse_word(tokens: Sequence[Token], at: int, behind: Sequence[str]) -> None:
    word = tokens[at].text.upper()
    after = behind[0] if behind else ""
    kind = tokens[at + 1].token_type if behind else None
    if word in _WORDS_OF_OTHERS and (not at or tokens[at - 1].text.upper() not in ("AS", ".", ",", "SELECT")):
        refuse(f"the word {word}, which is one of other dialects")
    elif word == "GROUP BY" and after == "DISTINCT":
        refuse("GROUP BY DISTINCT")
    elif word == "TABLE" and after == "(":
        refuse("TABLE(...)")
    elif word == "IS" and (behind[1:2] if after == "NOT" else [after])[:1] not in (["NULL"], ["DISTINCT"]):
        wrong("IS is followed by NULL or DISTINCT FROM", "a truth needs no IS: write it alone, or NOT before it")
    elif word == "AS" and kind == TokenType.STRING:
        wrong("a name is no text", 'write it in ", or without')
    elif word == "AS" and after in ("MATERIALIZED", "NOT"):
        wrong("WITH ... AS is followed by the query")
    elif word == "INTERVAL" and after not in (")", ",", "", "FROM", "."):
        _refuse_interval(tokens, at)
    elif word in ("LIMIT", "OFFSET") and kind is not None:
        _refuse_limit(word, behind, kind)
    elif word in ("CAST", "TRY_CAST") and after == "(":
        _refuse_type(tokens, at + 1)
    elif word == "EXTRACT" and after == "(" and tokens[at + 2].token_type == TokenType.STRING:
        wrong("extract takes the name of a part", f"write extract({tokens[at + 2].text} FROM ...)")
    elif (
        word == "LISTAGG"
        and after == "("
        and [one.text.upper() for one in tokens[end_of(tokens, at + 1) + 1 :][:1]] != ["WITHIN"]
    ):
        wrong("listagg is followed by WITHIN GROUP (ORDER BY ...)")


def _refuse_interval(tokens: Sequence[Token], at: int) -> None:
    place = at + 2 if tokens[at + 1].text in "+-" else at + 1
    text, unit = tokens[place : place + 1], tokens[place + 1 : place + 2]
    is_whole = bool(text) and text[0].token_type == TokenType.STRING and bool(unit)
    if not is_whole or unit[0].text.upper() not in _UNITS:
        wrong("INTERVAL takes a text and a unit", "write it like INTERVAL '7' DAY")


def _refuse_limit(word: str, behind: Sequence[str], kind: TokenType) -> None:
    if kind != TokenType.NUMBER and not (word == "LIMIT" and behind[0] == "ALL"):
        wrong(f"{word} takes a number")
    ends = (")",) if word == "LIMIT" else (")", "ROW", "ROWS", "LIMIT", "FETCH")
    if len(behind) > 1 and behind[1] not in ends:
        what = "OFFSET stands before LIMIT" if behind[1] == "OFFSET" else f"{word} takes one number and nothing else"
        wrong(what, "write OFFSET 5 LIMIT 10" if behind[1] in ("OFFSET", ",") else "correct the query")


def _refuse_type(tokens: Sequence[Token], opening: int) -> None:
    end, depth, begin = end_of(tokens, opening), 0, 0
    for at in range(opening, end):
        depth += {"(": 1, ")": -1}.get(tokens[at].text, 0)
        if depth == 1 and tokens[at].text.upper() == "AS":
            begin = at + 1
    words = " ".join(one.text.upper() for one in tokens[begin:end]).split()
    if not begin or "ROW" in words:
        return
    for one in words:
        if one not in _TYPES and one not in ("(", ")", ",", "<", ">") and not one.isdigit():
            wrong(f"{shown(one.lower())} is no type of Athena's or Trino's queries", "write varchar, bigint, double, "
                  "decimal(18, 2), boolean, date, timestamp or array(varchar)")  # fmt: skip


class _Clauses:
    """That the clauses of each query stand in their order, and each JOIN has its condition."""

    def __init__(self) -> None:
        self._levels: list[tuple[int, str, bool]] = [(-1, "", False)]
        """Of each open bracket the last clause, the word before it, and whether a JOIN waits for its condition."""

    def read(self, tokens: Sequence[Token]) -> None:
        before = ""
        for one in tokens:
            word = one.text.upper() if is_word(one) or one.token_type in _BRACKETS else ""
            if word == "(":
                self._levels.append((-1, before, False))
            elif word == ")":
                self._joined()
                if len(self._levels) > 1:
                    self._levels.pop()
            elif word:
                self._word(word, before)
            before = word
        self._joined()

    def _word(self, word: str, before: str) -> None:
        last, opened_by, _ = self._levels[-1]
        at = _CLAUSES.get(word)
        if word in ("UNION", "INTERSECT", "EXCEPT"):
            self._joined()
            if last >= _ORDER_BY:
                wrong(f"{word} stands behind ORDER BY or LIMIT", "put brackets around the query before it")
            self._levels[-1] = (-1, opened_by, False)
        elif word == "JOIN":
            self._joined()
            self._levels[-1] = (last, opened_by, before not in ("CROSS", "NATURAL"))
        elif word in ("ON", "USING"):
            self._levels[-1] = (last, opened_by, False)
        elif at is not None and not _is_name(word, before) and opened_by not in _HAVE_FROM:
            self._joined()
            if word == "FROM" and last < 0:
                wrong("a query begins with SELECT")
            if word == "SELECT" and last >= 0 and before != "(":
                wrong("two SELECT without UNION between them")
            if at < last or (at == last and word != "SELECT"):
                wrong(f"{word} stands at another place", f"write {', '.join(_ORDER)} in this order")
            self._levels[-1] = (at, opened_by, False)

    def _joined(self) -> None:
        if self._levels[-1][2]:
            wrong("JOIN has no condition", "write ON or USING behind it, or CROSS JOIN")


def _is_name(word: str, before: str) -> bool:
    return before in ("AS", ".") or (before == "DISTINCT" and word == "FROM")


_BRACKETS = (TokenType.L_PAREN, TokenType.R_PAREN)
