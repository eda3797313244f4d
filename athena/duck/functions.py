"""The functions that Athena and Trino have, and how many values each takes: sqlglot knows those of all dialects, and
takes `len` for `length`.

Source: SHOW FUNCTIONS of Trino 476, and the functions of its grammar (`cast`, `coalesce` and others).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlglot.tokenizer_core import Token, TokenType

from athena.duck.nodes import refuse, wrong
from venvbuild.text import shown

_FUNCTIONS = """
abs:1 acos:1- all_match:2 any_match:2 any_value:1 approx_distinct:12 approx_most_frequent:3-
approx_percentile:234 approx_set:1- arbitrary:1 array_agg:1 array_distinct:1 array_except:2 array_histogram:1-
array_intersect:2 array_join:23 array_max:1 array_min:1 array_position:2 array_remove:2 array_sort:12
array_union:2 arrays_overlap:2 asin:1- at_timezone:2 atan:1- atan2:2- avg:1 bar:24- beta_cdf:3- bit_count:2-
bitwise_and:2- bitwise_and_agg:1- bitwise_left_shift:2- bitwise_not:1- bitwise_or:2- bitwise_or_agg:1-
bitwise_right_shift:2- bitwise_right_shift_arithmetic:2- bitwise_xor:2- bitwise_xor_agg:1- bool_and:1 bool_or:1
cardinality:1 cast:1 cbrt:1 ceil:1 ceiling:1 checksum:1- chr:1 coalesce:2+ codepoint:1 color:135-
combinations:2- concat:2+ concat_ws:2+ contains:2 contains_sequence:2- corr:2 cos:1- cosh:1- cosine_distance:2-
cosine_similarity:2- count:01 count_if:1 covar_pop:2- covar_samp:2- crc32:1- cume_dist:0 current_groups:0-
current_time:1- current_timestamp:1 current_timezone:0- date:1 date_add:3 date_diff:3 date_format:2 date_parse:2
date_trunc:2 day:1 day_of_month:1 day_of_week:1 day_of_year:1 degrees:1- dense_rank:0 dot_product:2- dow:1 doy:1
e:0- element_at:2 empty_approx_set:0- euclidean_distance:2- every:1 exclude_columns:2- exp:1 extract:1 filter:2
first_value:1 flatten:1 floor:1 format:2+ format_datetime:2 format_number:1- from_base:2- from_base32:1-
from_base64:1- from_base64url:1- from_big_endian_32:1- from_big_endian_64:1- from_hex:1- from_ieee754_32:1-
from_ieee754_64:1- from_iso8601_date:1 from_iso8601_timestamp:1 from_iso8601_timestamp_nanos:1-
from_unixtime:123 from_unixtime_nanos:1- from_utf8:12- geometric_mean:1- greatest:1+ grouping:1+-
hamming_distance:2- hash_counts:1- histogram:1 hmac_md5:2- hmac_sha1:2- hmac_sha256:2- hmac_sha512:2- hour:1
human_readable_seconds:1- if:23 infinity:0- intersection_cardinality:2- inverse_beta_cdf:3-
inverse_normal_cdf:3- is_finite:1- is_infinite:1- is_json_scalar:1- is_nan:1- jaccard_index:2- json_array:0+-
json_array_contains:2- json_array_get:2- json_array_length:1- json_exists:1+- json_extract:2-
json_extract_scalar:2 json_format:1 json_object:0+- json_parse:1- json_query:1+- json_size:2- json_value:1+-
kurtosis:1- lag:123 last_day_of_month:1 last_value:1 lead:123 least:1+ length:1 levenshtein_distance:2
listagg:12 ln:1 localtime:1- localtimestamp:1 log:2 log10:1 log2:1 lower:1 lpad:3 ltrim:12 luhn_check:1-
make_set_digest:1- map:02 map_agg:2 map_concat:2+- map_entries:1- map_filter:2- map_from_entries:1- map_keys:1
map_union:1- map_values:1 map_zip_with:3- max:12 max_by:23 md5:1- merge:1- merge_set_digest:1- millisecond:1-
min:12 min_by:23 minute:1 mod:2 month:1 multimap_agg:2- multimap_from_entries:1- murmur3:1- nan:0- ngrams:2-
none_match:2 normal_cdf:3- normalize:12- now:0 nth_value:2 ntile:1 nullif:2 numeric_histogram:23-
parse_data_size:1- parse_datetime:2- parse_duration:1- parse_presto_data_size:1- percent_rank:0 pi:0- position:1
pow:2 power:2 qdigest_agg:123- quantile_at_value:2- quarter:1 radians:1- rand:012- random:012- rank:0 reduce:4
reduce_agg:4- regexp_count:2- regexp_extract:23 regexp_extract_all:23 regexp_like:2 regexp_position:234-
regexp_replace:23 regexp_split:2- regr_intercept:2- regr_slope:2- render:12- repeat:2- replace:23 reverse:1
rgb:3- round:12 row:1+ row_number:0 rpad:3 rtrim:12 second:1 sequence:23 sha1:1- sha256:1- sha512:1- shuffle:1-
sign:1 sin:1- sinh:1- skewness:1- slice:3 soundex:1- split:23 split_part:3 split_to_map:3- split_to_multimap:3-
spooky_hash_v2_32:1- spooky_hash_v2_64:1- sqrt:1 starts_with:2 stddev:1 stddev_pop:1 stddev_samp:1 strpos:23
substr:23 substring:123 sum:1 t_cdf:2- t_pdf:2- tan:1- tanh:1- tdigest_agg:12- timezone:1- timezone_hour:1-
timezone_minute:1- to_base:2- to_base32:1- to_base64:1- to_base64url:1- to_big_endian_32:1- to_big_endian_64:1-
to_hex:1- to_ieee754_32:1- to_ieee754_64:1- to_iso8601:1 to_milliseconds:1- to_unixtime:1 to_utf8:1- transform:2
transform_keys:2- transform_values:2- translate:3- trim:12 trim_array:2- truncate:12 try:1 try_cast:1 typeof:1-
upper:1 url_decode:1- url_encode:1- url_extract_fragment:1- url_extract_host:1- url_extract_parameter:2-
url_extract_path:1- url_extract_port:1- url_extract_protocol:1- url_extract_query:1- uuid:0-
value_at_quantile:2- values_at_quantiles:2- var_pop:1 var_samp:1 variance:1 week:1 week_of_year:1
width_bucket:24- wilson_interval_lower:3- wilson_interval_upper:3- with_timezone:2 word_stem:12- xxhash64:1-
year:1 year_of_week:1 yow:1 zip:2+- zip_with:3-
"""
"""`substr:23` takes 2 or 3, `concat:2+` at least 2; `zip:2345-` was not compared."""
_TAKES = {name: takes for name, _, takes in (one.partition(":") for one in _FUNCTIONS.split())}

_BEFORE = """
AND OR NOT IN ON USING WHERE SELECT FROM AS EXISTS ANY ALL SOME OVER FILTER VALUES BY JOIN UNION EXCEPT INTERSECT HAVING
WHEN THEN ELSE CASE BETWEEN LIKE IS DISTINCT GROUP SETS ROLLUP CUBE LATERAL UNNEST VARCHAR CHAR DECIMAL TIMESTAMP TIME
ARRAY MAP ROW ESCAPE WITH ORDINALITY BERNOULLI SYSTEM ZONE
"""
_BEFORE_BRACKET = frozenset(_BEFORE.split())
"""Words of the grammar and types, behind which a bracket is no call."""


def refuse_unknown(tokens: Sequence[Token]) -> None:
    """End with the first call of what is no function there, takes another number of values, or was not compared.

    Raises:
        QueryEngineError: it names the function.
    """
    for at in range(len(tokens) - 1):
        if _is_call(tokens, at):
            name = tokens[at].text.lower()
            takes = _TAKES.get(name)
            if takes is None:
                wrong(f"there is no function {shown(name)}", "write the one of Athena and Trino")
            takes, is_asked = takes.rstrip("-"), not takes.endswith("-")
            count = _count(tokens, at + 1)
            if not (count >= int(takes[:-1]) if takes.endswith("+") else str(count) in takes):
                wrong(f"{name} does not take {count} value{'' if count == 1 else 's'}")
            if not is_asked:
                refuse(f"{name} is not among what was compared with Trino")


def _is_call(tokens: Sequence[Token], at: int) -> bool:
    one, before = tokens[at], tokens[at - 1] if at else None
    if tokens[at + 1].token_type != TokenType.L_PAREN or not is_word(one):
        return False
    words = one.text.upper().split()
    if words[-1] in _BEFORE_BRACKET or _is_named_query(tokens, at):
        return False
    # behind a name or a bracket it is an alias with its columns
    return before is None or not (
        before.token_type in (TokenType.R_PAREN, TokenType.IDENTIFIER)
        or before.text.upper() == "AS"
        or (before.token_type == TokenType.VAR and is_word(before))
    )


def _is_named_query(tokens: Sequence[Token], at: int) -> bool:
    """Whether it is `name (columns) AS (query)`, behind WITH."""
    end = end_of(tokens, at + 1)
    behind = tokens[end + 1 : end + 3]
    return [one.text.upper() for one in behind] == ["AS", "("]


def is_word(token: Token) -> bool:
    """Whether it is a name or a word of the grammar, and no sign, text or number."""
    is_quoted = token.token_type in (TokenType.STRING, TokenType.NUMBER, TokenType.IDENTIFIER)
    return not is_quoted and bool(re.fullmatch(r"[A-Za-z_][\w ]*", token.text))


def end_of(tokens: Sequence[Token], opening: int) -> int:
    """Where the bracket closes that is opened there."""
    depth = 0
    for at in range(opening, len(tokens)):
        depth += _step(tokens[at])
        if not depth:
            return at
    return len(tokens) - 1


_STEPS = {TokenType.L_PAREN: 1, TokenType.L_BRACKET: 1, TokenType.R_PAREN: -1, TokenType.R_BRACKET: -1}


def _step(token: Token) -> int:
    return _STEPS.get(token.token_type, 0)


def _count(tokens: Sequence[Token], opening: int) -> int:
    end = end_of(tokens, opening)
    if end == opening + 1:
        return 0
    depth, count = 0, 1
    for one in tokens[opening:end]:
        depth += _step(one)
        if depth == 1 and one.token_type == TokenType.ORDER_BY:
            break
        count += depth == 1 and one.token_type == TokenType.COMMA
    return count
