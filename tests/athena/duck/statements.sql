-- One statement a line, in Athena's dialect; each has one answer on all engines, or is refused.
SELECT reduce(installed_packages, 0, (s, x) -> s + length(x), s -> s) FROM venv_builds_metadata ORDER BY venv_version LIMIT 2
SELECT venv_version FROM venv_builds_metadata WHERE EXISTS (SELECT * FROM UNNEST(installed_packages) AS pkg WHERE pkg LIKE 'kedro%')
SELECT count(*) FROM venv_builds_metadata WHERE EXISTS (SELECT 1 FROM UNNEST(installed_packages) AS t(pkg) WHERE pkg LIKE 'kedro%')
SELECT split_part(version, '.', 1) AS m, count(*) FROM venv_packages WHERE name='kedro' GROUP BY m ORDER BY m
SELECT env_name e FROM venv_builds WHERE e = 'sales' ORDER BY 1
SELECT 1/0
SELECT 1.0/0
SELECT 1e0/0
SELECT 5 % 0
SELECT 2147483647 + 1
SELECT 9223372036854775807 + 1
SELECT CAST(7 AS decimal(5,2)) / 3
SELECT 1.5 / 0.7, 10.00 / 3, -7.5 / 2, 1 / 3.0, 100.0 * 2 / 3
SELECT 2.5 * 1.5, 1.5 + 2, 3 - 0.25, 7.5 % 2
SELECT avg(package_count * 1.0) FROM venv_builds
SELECT sum(package_count) / count(*) , sum(package_count) * 1.0 / count(*) FROM venv_builds
SELECT round(avg(package_count), 2), round(sum(package_count) * 100.0 / sum(archive_size_bytes), 4) FROM venv_builds
SELECT CAST('x' AS bigint)
SELECT TRY_CAST('x' AS bigint), TRY_CAST('3.7' AS bigint), TRY(CAST('x' AS bigint)), TRY_CAST(' 5' AS bigint)
SELECT CAST('3.7' AS bigint)
SELECT ARRAY[1,2][3]
SELECT element_at(ARRAY[1,2], 3), element_at(ARRAY[1,2], -1)
SELECT max_by(env_name, package_count) FILTER (WHERE is_conflict_free) FROM venv_builds WHERE env_name = 'sales-dev'
SELECT sum(package_count) FILTER (WHERE is_conflict_free) / 2 FROM venv_builds
SELECT env_name, sum(package_count) OVER (PARTITION BY env_name ORDER BY venv_version) / 2 FROM venv_builds ORDER BY venv_version LIMIT 3
SELECT sum(sum(package_count)) OVER (ORDER BY env_name) FROM venv_builds GROUP BY env_name ORDER BY env_name LIMIT 3
SELECT count_if(is_conflict_free) FILTER (WHERE package_count > 100), count_if(package_count > 1) FROM venv_builds
SELECT date_trunc('week', created_at), date_trunc('month', CAST(created_at AS date)) FROM venv_builds ORDER BY venv_version LIMIT 2
SELECT date_add('month', 1, created_at), created_at + INTERVAL '1' MONTH, CAST(created_at AS date) - INTERVAL '1' DAY FROM venv_builds ORDER BY venv_version LIMIT 2
SELECT date_diff('month', TIMESTAMP '2025-01-31 00:00:00', created_at), date_diff('week', DATE '2025-01-01', CAST(created_at AS date)) FROM venv_builds ORDER BY venv_version LIMIT 2
SELECT created_at - INTERVAL '36' HOUR, max(created_at) OVER () - created_at FROM venv_builds ORDER BY venv_version LIMIT 2
SELECT CAST(created_at AS varchar) FROM venv_builds LIMIT 1
SELECT CAST(date_trunc('day', created_at) AS date), week(created_at), year_of_week(created_at), day_of_week(created_at), extract(dow FROM created_at) FROM venv_builds ORDER BY venv_version LIMIT 3
SELECT from_unixtime(1753000000), to_unixtime(TIMESTAMP '2025-07-22 08:30:00'), from_iso8601_timestamp('2025-07-22T08:30:00+02:00'), from_iso8601_date('2025-07-22')
SELECT array_distinct(ARRAY['b','a','b',NULL,NULL]), array_sort(ARRAY[3,NULL,1]), array_except(ARRAY['b','a','c'], ARRAY['a']), array_remove(ARRAY[1,2,1,NULL], 1)
SELECT array_position(ARRAY['a','b'], 'c'), array_position(ARRAY['a','b'], 'b'), array_max(ARRAY[1,NULL]), array_min(ARRAY[2,1])
SELECT contains(ARRAY[1,NULL], 2), any_match(ARRAY[1,NULL], x -> x = 2), none_match(ARRAY[1,NULL], x -> x = 2), all_match(ARRAY[1,NULL], x -> x = 1), any_match(CAST(NULL AS array(integer)), x -> x = 1)
SELECT slice(ARRAY[1,2,3,4], 2, 2), flatten(ARRAY[ARRAY[1],ARRAY[2,3]]), array_join(ARRAY['a',NULL,'b'], ','), cardinality(ARRAY[])
SELECT substr('hello', 2), substr('hello', -3), substr('hello', -3, 2), substr('hello', 0), substr('hello', 9), substr('hello', 2, 0), substr('hello', -9)
SELECT split('a-b-c', '-'), split_part('a-b', '-', 1), split_part('a-b', '-', 5), strpos('abc', 'c'), replace('aXbX', 'X'), trim('  x '), lpad('7', 3, '0'), rpad('abc', 2, '-')
SELECT regexp_extract('kedro-0.19', '([0-9]+)\.([0-9]+)', 2), regexp_extract('x', 'y'), regexp_replace('a1b2', '[0-9]', '<$0>'), regexp_replace('kedro-viz', '(\w+)-(\w+)', '$2 $1'), regexp_like('kedro', 'KED')
SELECT format('%s has %d', name, count(*)), format('%5d', 3) FROM venv_packages WHERE name = 'kedro' GROUP BY name
SELECT format('%s has %d %%', name, count(*)) FROM venv_packages WHERE name = 'kedro' GROUP BY name
SELECT greatest(1, NULL, 3), least('a', 'b'), coalesce(NULL, 2.5), nullif('a', 'a'), if(1 = 1, 'y'), CASE 1 WHEN 1 THEN 'x' END
SELECT bool_and(is_conflict_free), every(package_count > 0), bool_or(is_conflict_free) FROM venv_builds
SELECT requires.abi, requires.glibc FROM venv_builds_metadata ORDER BY venv_version LIMIT 2
SELECT m.requires.abi FROM venv_builds_metadata m ORDER BY venv_version LIMIT 2
SELECT duration_s['pack'] + duration_s['create'] FROM venv_builds_metadata ORDER BY venv_version LIMIT 2
SELECT k, v FROM venv_builds_metadata CROSS JOIN UNNEST(duration_s) AS t(k, v) ORDER BY venv_version, k LIMIT 3
SELECT name, version, row_number() OVER (PARTITION BY name ORDER BY version DESC, venv_version) rn FROM venv_packages ORDER BY 1, 2, 3 LIMIT 5
SELECT p, o FROM venv_builds_metadata CROSS JOIN UNNEST(installed_packages) WITH ORDINALITY AS t(p, o) ORDER BY venv_version, o LIMIT 3
SELECT env_name FROM venv_builds UNION SELECT name FROM venv_packages WHERE name = 'kedro' ORDER BY 1 LIMIT 3
SELECT env_name FROM venv_builds INTERSECT SELECT 'sales-dev' ORDER BY 1
SELECT env_name, package_count FROM venv_builds UNION SELECT 1, 2
SELECT x.env_name FROM (SELECT * FROM venv_builds) x WHERE x.package_count > (SELECT avg(package_count) FROM venv_builds) ORDER BY x.venv_version LIMIT 2
WITH a AS (SELECT env_name, count(*) c FROM venv_builds GROUP BY 1) SELECT env_name, c * 100 / sum(c) OVER () FROM a ORDER BY 1 LIMIT 3
SELECT approx_distinct(name), approx_percentile(archive_size_bytes, 0.5) FROM venv_packages CROSS JOIN (SELECT 1 archive_size_bytes)
SELECT stddev(package_count), variance(package_count), stddev_pop(package_count) FROM venv_builds
SELECT _col0 FROM (SELECT count(*) FROM venv_builds)
SELECT count(*) AS "Builds", env_name AS Env FROM venv_builds GROUP BY env_name ORDER BY 2 LIMIT 1
SELECT lower(env_name), upper(env_name), length(env_name), reverse(env_name) FROM venv_builds ORDER BY venv_version LIMIT 1
SELECT lower(package_count) FROM venv_builds
SELECT env_name || package_count FROM venv_builds
SELECT concat(env_name, package_count) FROM venv_builds
SELECT * FROM venv_builds WHERE package_count ORDER BY 1
SELECT json_extract_scalar('{"a": {"b": 1}, "c": true}', '$.c'), json_extract_scalar('{"a": {"b": 1}}', '$.a'), json_extract_scalar('{"a": {"b": 1.5}}', '$.a.b')
SELECT CAST(ARRAY[1,2] AS json), CAST('a"b' AS json), json_format(CAST(MAP(ARRAY['a'],ARRAY[1]) AS json))
SELECT abs(-3), ceil(2.1), floor(-2.1), ceil(2.1e0), sqrt(2), power(2, 3), ln(2.0), log10(100), log2(8), sign(-2), mod(7, -3), truncate(2.7e0), round(2.5e0), round(-2.5e0), round(1.005e0, 2), round(2.675e0, 2), round(1.255, 2)
SELECT CAST(2.5e0 AS bigint), CAST(-2.5e0 AS bigint), CAST(2.5 AS bigint), CAST(3 AS varchar), CAST(true AS varchar), CAST(1.50 AS varchar), CAST('abcdef' AS varchar(3))
SELECT CAST(1.5e0 AS varchar)
SELECT count(DISTINCT env_name), count(DISTINCT is_conflict_free) FILTER (WHERE package_count > 0), array_agg(DISTINCT python_version ORDER BY python_version DESC) FROM venv_builds
SELECT listagg(env_name, ', ') WITHIN GROUP (ORDER BY env_name) FROM (SELECT DISTINCT env_name FROM venv_builds)
SELECT env_name, grouping(env_name) FROM venv_builds GROUP BY CUBE (env_name) ORDER BY 1 LIMIT 2
SELECT env_name FROM venv_builds ORDER BY created_at DESC FETCH FIRST 2 ROWS ONLY
SELECT current_date > DATE '2025-01-01', now() > TIMESTAMP '2025-01-01 00:00:00', localtimestamp > TIMESTAMP '2025-01-01 00:00:00', current_timestamp - INTERVAL '1' DAY < now()
SELECT hour(now()) = hour(current_timestamp), date(now()) = current_date
SELECT map_agg(env_name, c), histogram(env_name) FROM (SELECT env_name, count(*) c FROM venv_builds WHERE env_name LIKE 's%' GROUP BY 1)
SELECT transform(ARRAY[1,2,3], x -> x / 2), filter(ARRAY[1,2,3], x -> x > 1), reduce(ARRAY[1,2,3], 1, (s,x) -> s * x, s -> s)
SELECT transform(ARRAY[ARRAY[1,2],ARRAY[3]], x -> transform(x, y -> y / 2))
SELECT date_format(created_at, '%Y-%m-%d %T'), date_format(created_at, '%j %y %a %b') FROM venv_builds ORDER BY venv_version LIMIT 1
SELECT date_format(created_at, '%W %M %e') FROM venv_builds ORDER BY venv_version LIMIT 1
SELECT date_parse('2025-07-22', '%Y-%m-%d')
SELECT DATE '2025-13-01'
SELECT INTERVAL '1' DAY + INTERVAL '2' HOUR, DATE '2025-01-31' + INTERVAL '1' MONTH
SELECT 'a' LIKE 'A', 'a_b' LIKE 'a\_b', 'a%b' LIKE 'a!%b' ESCAPE '!', NOT ('a' = 'b')
SELECT NULL + 1, NULL = NULL, 1 IN (1, NULL), 2 IN (1, NULL), NULL IS NULL, 1 IS DISTINCT FROM NULL
SELECT t.* FROM (VALUES (1, 'a'), (2, 'b')) AS t(n, s) ORDER BY n DESC
SELECT sequence(1, 5, 2), sequence(3, 1, -1)
SELECT n FROM UNNEST(sequence(1, 3)) AS t(n) ORDER BY n DESC
SELECT concat_ws('-', 'a', NULL, 'b'), starts_with('abc', 'ab'), levenshtein_distance('kitten', 'sitting'), chr(97), codepoint('a'), position('b' IN 'abc')
SELECT lag(env_name, 2) OVER (ORDER BY venv_version), lead(package_count) OVER (ORDER BY venv_version), first_value(env_name) OVER (ORDER BY venv_version), ntile(3) OVER (ORDER BY venv_version), rank() OVER (ORDER BY env_name) FROM venv_builds ORDER BY venv_version LIMIT 3
SELECT avg(package_count) OVER (ORDER BY venv_version ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) FROM venv_builds ORDER BY venv_version LIMIT 4
SELECT min(package_count, 2) FROM venv_builds
SELECT count(*) FROM venv_builds WHERE dt = DATE '2025-07-22'
SELECT count(*) FROM venv_builds WHERE dt BETWEEN '2025-07-02' AND '2025-07-10' AND created_at < DATE '2025-07-09'
SELECT count(*) FROM venv_builds a LEFT JOIN venv_packages b ON a.venv_version = b.venv_version AND b.name = 'kedro' WHERE b.name IS NULL
SELECT count(*) FROM venv_builds WHERE venv_version NOT IN (SELECT venv_version FROM venv_packages WHERE name = 'kedro')
SELECT count(*) FROM venv_builds b WHERE NOT EXISTS (SELECT 1 FROM venv_packages p WHERE p.venv_version = b.venv_version AND p.name = 'kedro')
SELECT DISTINCT env_name FROM venv_builds ORDER BY package_count
SELECT env_name, package_count FROM venv_builds GROUP BY env_name
SELECT any_value(platform) FROM venv_builds WHERE platform = 'linux_x86_64'
SELECT env_name FROM venv_builds LIMIT 0
SELECT element_at(map_agg(env_name, package_count), 'zzz') FROM (SELECT env_name, max(package_count) package_count FROM venv_builds GROUP BY 1)
SELECT map_keys(MAP(ARRAY['a','b'], ARRAY[1,2])), map_values(MAP(ARRAY['a','b'], ARRAY[1,2])), cardinality(MAP(ARRAY['a'], ARRAY[1])), MAP(ARRAY['a'], ARRAY[1])['b']
SELECT nullif(1, 2), nullif(1, 'a')
SELECT coalesce(1, 'a')
SELECT CASE WHEN true THEN 1 ELSE 'a' END
SELECT 'é' = 'é', lower('ÀB'), length('日本'), substr('日本語', 2, 1), strpos('日本語', '語')
SELECT ENV_NAME, b.Python_Version, Count(*) FROM VENV_BUILDS b GROUP BY 1, 2 ORDER BY 1, 2 LIMIT 2
SELECT "env_name" AS "a b", 1 AS x, count(*) FROM venv_builds GROUP BY 1 UNION ALL SELECT 'z', 2, 3 ORDER BY 1, 2, 3 LIMIT 3
SELECT upper(env_name) AS Env FROM venv_builds GROUP BY 1 ORDER BY env LIMIT 2
SELECT env_name, count(*) FROM venv_builds GROUP BY env_name HAVING avg(package_count) > 10 ORDER BY 1 LIMIT 3
SELECT env_name FROM venv_builds WHERE package_count > 1 GROUP BY env_name HAVING max(created_at) < TIMESTAMP '2026-01-01 00:00:00' AND env_name LIKE 'web%' ORDER BY 1
SELECT count(*) FROM venv_builds HAVING count_if(NOT is_conflict_free) > 3
SELECT sequence(5, 1), sequence(1, 5, 2), sequence(2, 2)
SELECT sequence(1, 5, 0)
SELECT sequence(1, 5, -1)
SELECT 1000 - package_count AS package_count FROM venv_builds ORDER BY package_count + 0 LIMIT 1
SELECT count(*) FROM venv_builds WHERE package_count >= ALL (SELECT package_count FROM venv_builds)
SELECT count(*) FROM venv_builds WHERE env_name = ANY (SELECT env_name FROM venv_builds WHERE is_conflict_free)
SELECT count(*) FROM venv_builds WHERE (env_name, created_at) IN (SELECT env_name, max(created_at) FROM venv_builds GROUP BY 1)
SELECT json_format(CAST(map(ARRAY['b', 'a'], ARRAY[1, 2]) AS json))
SELECT count(*) FROM venv_builds GROUP BY ALL
SELECT env_name FROM venv_builds NATURAL JOIN venv_packages LIMIT 1
SELECT * EXCEPT (dt) FROM venv_builds LIMIT 1
SELECT day_of_month(created_at) d, count(*) FROM venv_builds GROUP BY 1 ORDER BY 1 LIMIT 5
SELECT yow(DATE '2024-12-30'), year_of_week(DATE '2027-01-01'), extract(yow FROM DATE '2024-12-30'), extract(day_of_month FROM DATE '2024-12-31')
SELECT *, count(*) OVER () FROM venv_packages ORDER BY venv_version, name LIMIT 2
SELECT 1, b.*, 'x' FROM venv_builds b ORDER BY b.venv_version LIMIT 1
SELECT (env_name), ((dt)) FROM venv_builds ORDER BY venv_version LIMIT 1
SELECT *, * FROM (SELECT 1 AS A, 2)
SELECT * FROM (VALUES (1, 2)) t LIMIT 1
SELECT t.* FROM (SELECT env_name e, max(package_count) FROM venv_builds GROUP BY 1) t ORDER BY e LIMIT 2
SELECT * FROM (SELECT * FROM venv_builds a JOIN venv_builds b ON a.env_name = b.env_name AND a.venv_version < b.venv_version) LIMIT 1
SELECT count(*), env_name AS Env, * FROM (SELECT dt AS Day, env_name FROM venv_builds) GROUP BY 2, 3, 4 ORDER BY 1 DESC, 2, 3 LIMIT 2
SELECT DISTINCT upper(env_name) FROM venv_builds ORDER BY 1 LIMIT 2
SELECT 1, 2 UNION ALL SELECT 3, 4 ORDER BY 2 DESC, 1
SELECT ARRAY[1, NULL] = ARRAY[1, NULL], ARRAY[1, NULL] = ARRAY[2, NULL], ARRAY[1] IS DISTINCT FROM ARRAY[2], ARRAY[1, 2] < ARRAY[1, 3]
SELECT ARRAY[1, 2] <> ARRAY[1, NULL], ARRAY[1] = ARRAY[1, 2], CAST(NULL AS array(integer)) = ARRAY[1], ARRAY[1] = ARRAY[1.0]
SELECT ARRAY[1, 2] < ARRAY[1, NULL]
SELECT ARRAY[1, NULL] IN (ARRAY[1, NULL])
SELECT count(*) FROM venv_builds_metadata WHERE requires = requires
SELECT CAST(ARRAY[1.50] AS json)
SELECT CAST(ARRAY[created_at] AS json) FROM venv_builds ORDER BY venv_version LIMIT 1
SELECT CAST(ARRAY[MAP(ARRAY['b', 'a'], ARRAY[1, 2])] AS json)
SELECT CAST(requires AS json), CAST(ARRAY[1.5e0, 2e0] AS json), CAST(ARRAY[DATE '2025-01-01'] AS json) FROM venv_builds_metadata ORDER BY venv_version LIMIT 1
SELECT max(duration_s) FROM venv_builds_metadata
SELECT max_by(a, b) FROM (VALUES ('x', ARRAY[1, 2]), ('y', ARRAY[1, 10])) t (a, b)
SELECT arrays_overlap(ARRAY[1, NULL], ARRAY[1]), arrays_overlap(ARRAY[NULL], ARRAY[NULL]), arrays_overlap(ARRAY[1, NULL], ARRAY[2])
SELECT array_except(ARRAY[1, NULL, 2, 1], ARRAY[2]), array_except(ARRAY[1, NULL], ARRAY[NULL])
SELECT ARRAY[1] || 2 || 3, concat(ARRAY['a'], 'b'), 1 || ARRAY[2]
SELECT greatest(1, 2.5), least(3, 1e0), greatest('a', NULL), least(DATE '2025-01-01', TIMESTAMP '2024-01-01 00:00:00'), greatest(true, false)
SELECT (1, 'a') = (1, 'a'), (1, NULL) = (2, NULL), (1, NULL) = (1, NULL), (1, 2) <> (1, 3), (1, 2) IN ((1, 2), (3, NULL)), (3, 2) IN ((1, 2), (3, NULL))
SELECT count(*) FROM venv_builds WHERE (env_name, python_version) NOT IN (('sales-dev', '3.11'), ('risk-dev', '3.12'))
SELECT count(*) FROM venv_builds WHERE (env_name, dt) NOT IN (SELECT env_name, max(dt) FROM venv_builds GROUP BY env_name)
SELECT map_agg(name, version) FROM (VALUES ('a', '1'), ('b', '3'), ('a', '1'), (NULL, '9')) t (name, version)
SELECT env_name, cardinality(map_agg(python_version, venv_version)) FROM venv_builds GROUP BY 1 ORDER BY 1 LIMIT 2
SELECT k, count(*), min(v) FROM venv_builds_metadata CROSS JOIN UNNEST(duration_s) AS t (k, v) WHERE dt > '2025-07-20' GROUP BY k ORDER BY k
SELECT venv_version, t.k, t.v * 2 FROM venv_builds_metadata m LEFT JOIN UNNEST(m.duration_s) AS t (k, v) ON true WHERE t.v > 1 ORDER BY venv_version, k LIMIT 3
SELECT x, y, n FROM UNNEST(ARRAY[1, 2], ARRAY['a', 'b', 'c']) WITH ORDINALITY AS t (x, y, n) ORDER BY n
SELECT sequence(DATE '2025-01-31', DATE '2025-06-29', INTERVAL '1' MONTH), sequence(DATE '2025-01-01', DATE '2025-01-10', INTERVAL '3' DAY), sequence(DATE '2025-01-03', DATE '2025-01-01')
SELECT d, count(b.venv_version) FROM UNNEST(sequence(DATE '2025-07-01', DATE '2025-07-05', INTERVAL '1' DAY)) AS t (d) LEFT JOIN venv_builds b ON CAST(b.created_at AS date) = d GROUP BY d ORDER BY d
SELECT round(149, -1), round(-145, -1), round(155, -1), round(-155, -2), round(5, -1), round(4, -2), round(15.5e0, -1), round(-15e0, -1)
SELECT format('%.2f', 2.675e0), format('%.2f', 0.125e0), format('%.1f', 0.25), format('%.0f', 2.5e0), format('%.3f', -1.0005e0), format('%.2f', 12345678.905e0), format('%.2f', NULL)
SELECT format('%,d', -1234567), format('%05d', -42), format('%3d', 7), format('%-5s|', 'é'), format('%2s', 'abc'), format('%5s', NULL)
SELECT date_format(TIMESTAMP '2024-12-30 00:05:09', '%x-%v %p %I %h %k %l %c %f'), format_datetime(TIMESTAMP '2025-07-02 13:05:09', 'yy/MM/dd HH:mm:ss')
SELECT trim('-' FROM '--a--'), ltrim('xyxa', 'xy'), rtrim('a  b ', ' b'), trim(LEADING 'a' FROM 'aab'), trim('aba', 'ab')
SELECT regexp_extract_all('a1b22', '[0-9]+'), regexp_extract_all('a1b22', '([a-z])([0-9]+)', 2), regexp_extract_all('abc', '[0-9]')
SELECT array_join(ARRAY['a', NULL], ',', '-'), array_join(ARRAY[1, NULL], ',', '?'), concat_ws('-', ARRAY['a', NULL, 'b'])
SELECT TRY(CAST('a' AS bigint)), TRY(CAST('2025-13-01' AS date)), TRY(CAST('1.5' AS double))
SELECT reduce(ARRAY['a', 'b'], '', (s, x) -> s || x, s -> upper(s)), reduce(ARRAY[5, 6], 0, (s, x) -> s + x, s -> IF(s > 10, 'big', 'small'))
SELECT CAST(true AS integer), CAST(2 AS boolean), TIMESTAMP '2025-07-20 00:00:00 UTC' < now(), date_diff('millisecond', TIMESTAMP '2025-07-22 08:30:00', TIMESTAMP '2025-07-22 08:30:01')
SELECT regexp_extract(substr(env_name, 2), '[a-z]+') m, max(substr(substr(dt, 6), 2)) FROM venv_builds GROUP BY 1 ORDER BY max(substr(substr(dt, 6), 2)), 1
SELECT nth_value(env_name, 2) OVER (ORDER BY venv_version), sum(package_count) OVER (PARTITION BY env_name ORDER BY created_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) FROM venv_builds ORDER BY venv_version LIMIT 3
WITH RECURSIVE t (d) AS (SELECT DATE '2025-07-01' UNION ALL SELECT d + INTERVAL '1' DAY FROM t WHERE d < DATE '2025-07-04') SELECT d, (SELECT count(*) FROM venv_builds WHERE CAST(created_at AS date) = d) FROM t ORDER BY d
SELECT version, lead(version) OVER (ORDER BY min(created_at), version) FROM venv_packages WHERE name = 'kedro' GROUP BY version ORDER BY min(created_at), version LIMIT 3
SELECT year, count(*) AS count FROM (SELECT year(created_at) AS year FROM venv_builds) GROUP BY year
SELECT array_join(transform(split('a-b', '-'), x -> split_part(x, '=', 2)), ' '), array_join(ARRAY['a'], CAST(NULL AS varchar)), concat_ws('-', transform(split('a', '-'), x -> split_part(x, '=', 2))), array_join(ARRAY[], '-')
