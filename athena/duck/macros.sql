-- Functions of Trino and Athena by what their documentation says of them, where DuckDB's own answer otherwise.
CREATE TEMP MACRO trino_divide_decimals(a, b, up) AS
  CASE WHEN b = 0 THEN error('Division by zero')
    ELSE sign(a) * sign(b) * ((2 * abs(a) * up // abs(b) + 1) // 2) END;
CREATE TEMP MACRO trino_substr(s, i) AS
  CASE WHEN i = 0 OR abs(i) > length(s) THEN CASE WHEN s IS NOT NULL THEN '' END ELSE substring(s, i) END;
CREATE TEMP MACRO trino_substr_of(s, i, n) AS
  CASE WHEN i = 0 OR abs(i) > length(s) OR n <= 0 THEN CASE WHEN s IS NOT NULL THEN '' END
    WHEN i > 0 THEN substring(s, i, n) ELSE substring(s, length(s) + i + 1, n) END;
CREATE TEMP MACRO trino_split_part(s, d, i) AS
  CASE WHEN i < 1 THEN error('Index must be greater than zero') ELSE string_split(s, d)[i] END;
CREATE TEMP MACRO trino_regexp_extract(s, p, g) AS
  CASE WHEN regexp_matches(s, p) THEN regexp_extract(s, p, g) END;
CREATE TEMP MACRO trino_subscript(a, i) AS
  CASE WHEN i < 1 OR i > len(a) THEN error('array subscript out of bounds') ELSE a[i] END;
CREATE TEMP MACRO trino_element_at(a, i) AS
  CASE WHEN i = 0 THEN error('SQL array indices start at 1') ELSE a[i] END;
CREATE TEMP MACRO trino_map_value(m, k) AS
  CASE WHEN m IS NOT NULL AND NOT map_contains(m, k) THEN error('Key not present in map') ELSE m[k] END;
CREATE TEMP MACRO trino_contains(a, x) AS
  CASE WHEN list_contains(a, x) THEN true WHEN len(list_filter(a, LAMBDA y : y IS NULL)) > 0 THEN NULL
    ELSE list_contains(a, x) END;
CREATE TEMP MACRO trino_array_position(a, x) AS
  CASE WHEN a IS NULL OR x IS NULL THEN NULL ELSE coalesce(CAST(list_position(a, x) AS BIGINT), 0) END;
CREATE TEMP MACRO trino_array_distinct(a) AS list_filter(a, LAMBDA x, i : list_position(a, x) = i);
CREATE TEMP MACRO trino_sequence(a, b) AS generate_series(a, b, CASE WHEN a <= b THEN 1 ELSE -1 END);
CREATE TEMP MACRO trino_sequence_by(a, b, n) AS
  CASE WHEN n = 0 OR (n > 0) <> (b >= a) AND a <> b THEN error('sequence stops before it starts, or its step is 0')
    ELSE generate_series(a, b, n) END;
CREATE TEMP MACRO trino_array_max(a) AS
  CASE WHEN len(list_filter(a, LAMBDA y : y IS NULL)) > 0 THEN NULL ELSE list_max(a) END;
CREATE TEMP MACRO trino_array_min(a) AS
  CASE WHEN len(list_filter(a, LAMBDA y : y IS NULL)) > 0 THEN NULL ELSE list_min(a) END;
CREATE TEMP MACRO trino_bigint(s) AS
  CASE WHEN s IS NULL OR regexp_full_match(s, ' *[+-]?[0-9]+ *') THEN CAST(s AS BIGINT)
    ELSE error('Cannot cast ' || s || ' to bigint') END;
CREATE TEMP MACRO trino_double(s) AS
  CASE WHEN s IS NULL OR regexp_full_match(s, ' *[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)? *') THEN CAST(s AS DOUBLE)
    ELSE error('Cannot cast ' || s || ' to double') END;
CREATE TEMP MACRO trino_date(s) AS
  CASE WHEN s IS NULL OR regexp_full_match(s, '[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}') THEN CAST(s AS DATE)
    ELSE error('Value cannot be cast to date: ' || s) END;
CREATE TEMP MACRO trino_timestamp(s) AS
  CASE WHEN s IS NULL
      OR regexp_full_match(s, '[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}( [0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}(\.[0-9]{1,6})?)?)?')
    THEN CAST(s AS TIMESTAMP) ELSE error('Value cannot be cast to timestamp: ' || s) END;
CREATE TEMP MACRO trino_boolean(s) AS
  CASE WHEN s IS NULL OR lower(s) IN ('true', 'false', 't', 'f', '1', '0') THEN CAST(lower(s) AS BOOLEAN)
    ELSE error('Cannot cast ' || s || ' to boolean') END;
CREATE TEMP MACRO trino_instant(s) AS
  CASE WHEN s IS NULL
      OR regexp_full_match(s, '[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?')
    THEN CAST(s AS TIMESTAMPTZ) AT TIME ZONE 'UTC' ELSE error('Invalid format: ' || s) END;
CREATE TEMP MACRO trino_json_scalar(j, p) AS
  CASE WHEN json_type(j, p) IN ('OBJECT', 'ARRAY') THEN NULL ELSE json_extract_string(j, p) END;
CREATE TEMP MACRO trino_try_bigint(s) AS
  CASE WHEN s IS NULL OR regexp_full_match(s, ' *[+-]?[0-9]+ *') THEN TRY_CAST(s AS BIGINT)
    END;
CREATE TEMP MACRO trino_try_double(s) AS
  CASE WHEN s IS NULL OR regexp_full_match(s, ' *[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)? *') THEN TRY_CAST(s AS DOUBLE)
    END;
CREATE TEMP MACRO trino_try_date(s) AS
  CASE WHEN s IS NULL OR regexp_full_match(s, '[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}') THEN TRY_CAST(s AS DATE)
    END;
CREATE TEMP MACRO trino_try_timestamp(s) AS
  CASE WHEN s IS NULL
      OR regexp_full_match(s, '[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}( [0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}(\.[0-9]{1,6})?)?)?')
    THEN TRY_CAST(s AS TIMESTAMP) END;
CREATE TEMP MACRO trino_try_boolean(s) AS
  CASE WHEN s IS NULL OR lower(s) IN ('true', 'false', 't', 'f', '1', '0') THEN TRY_CAST(lower(s) AS BOOLEAN)
    END;
CREATE TEMP MACRO trino_reverse(s) AS array_to_string(list_reverse(regexp_extract_all(s, '(?s).')), '');
CREATE TEMP MACRO trino_joined(a, s) AS
  CASE WHEN a IS NULL OR s IS NULL THEN NULL ELSE coalesce(array_to_string(a, s), '') END;
CREATE TEMP MACRO trino_array_equals(a, b) AS
  CASE WHEN a IS NULL OR b IS NULL THEN NULL WHEN len(a) <> len(b) THEN false
    WHEN list_contains(list_transform(a, LAMBDA x, i : x <> b[i]), true) THEN false
    WHEN len(list_filter(a, LAMBDA x, i : x IS NULL OR b[i] IS NULL)) > 0 THEN NULL ELSE true END;
CREATE TEMP MACRO trino_ordered(a) AS
  CASE WHEN len(list_filter(a, LAMBDA x : x IS NULL)) > 0 THEN error('ARRAY comparison not supported for NULL elements') ELSE a END;
CREATE TEMP MACRO trino_plain(x) AS
  CASE WHEN x <> 0 AND (abs(x) < 1e-3 OR abs(x) >= 1e7) THEN error('Athena and Trino write this double as JSON with E') ELSE x END;
CREATE TEMP MACRO trino_any_match(l) AS
  CASE WHEN list_contains(l, true) THEN true WHEN l IS NULL OR len(list_filter(l, LAMBDA y : y IS NULL)) > 0 THEN NULL ELSE false END;
CREATE TEMP MACRO trino_all_match(l) AS
  CASE WHEN list_contains(l, false) THEN false WHEN l IS NULL OR len(list_filter(l, LAMBDA y : y IS NULL)) > 0 THEN NULL ELSE true END;
CREATE TEMP MACRO trino_none_match(l) AS
  CASE WHEN list_contains(l, true) THEN false WHEN l IS NULL OR len(list_filter(l, LAMBDA y : y IS NULL)) > 0 THEN NULL ELSE true END;
CREATE TEMP MACRO trino_array_except(a, b) AS
  CASE WHEN a IS NULL OR b IS NULL THEN NULL
    ELSE list_filter(trino_array_distinct(a), LAMBDA y : CASE WHEN y IS NULL THEN len(list_filter(b, LAMBDA z : z IS NULL)) = 0
      ELSE NOT coalesce(list_contains(b, y), false) END) END;
CREATE TEMP MACRO trino_sequence_of_days(a, b, n) AS
  CASE WHEN b < a THEN error('sequence stops before it starts')
    ELSE list_transform(generate_series(0, (b - a) // n), LAMBDA i : a + CAST(i * n AS INTEGER)) END;
CREATE TEMP MACRO trino_sequence_of_dates(a, b) AS
  list_transform(generate_series(0, abs(b - a)), LAMBDA i : a + CAST(sign(b - a) * i AS INTEGER));
CREATE TEMP MACRO trino_sequence_of_months(a, b, n) AS
  CASE WHEN b < a THEN error('sequence stops before it starts')
    ELSE list_filter(list_transform(generate_series(0, date_diff('month', a, b) // n),
      LAMBDA i : CAST(a + to_months(CAST(i * n AS INTEGER)) AS DATE)), LAMBDA d : d <= b) END;
CREATE TEMP MACRO trino_round(x, n) AS
  CASE WHEN x < 0 THEN -1 ELSE 1 END * ((2 * abs(x) + n) // (2 * n)) * n;
CREATE TEMP MACRO trino_padded(s, n, is_left) AS
  CASE WHEN length(s) >= n THEN s WHEN is_left THEN rpad(s, n, ' ') ELSE lpad(s, n, ' ') END;
CREATE TEMP MACRO trino_arrays_overlap(a, b) AS
  CASE WHEN list_has_any(a, b) THEN true WHEN a IS NULL OR b IS NULL THEN NULL WHEN len(a) = 0 OR len(b) = 0 THEN false
    WHEN len(list_filter(list_concat(a, b), LAMBDA y : y IS NULL)) > 0 THEN NULL ELSE false END;
