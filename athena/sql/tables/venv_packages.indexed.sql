-- As venv_packages.sql, with the index: its segments, and the rows since the first day that it does not cover. The names
-- and the day are those of venv-catalog/index/CURRENT.json; `venvbuild table compact` puts new ones in. All segments are
-- one scan: a branch for each would be a stage for each, and Trino takes no more than 150 in a query.
CREATE OR REPLACE VIEW venv_packages AS
SELECT name, version,
       date_format(created_at, 'venv_%Y%m%d_%H%i%s') AS venv_version,
       created_at, env_name, python_version, is_conflict_free,
       date_format(created_at, '%Y-%m-%d') AS dt
FROM (
  SELECT name, version,
         date_add('day', build_no / 86400, date_add('second', build_no % 86400, TIMESTAMP '1970-01-01 00:00:00.000'))
           AS created_at,
         env_name, python_version, is_conflict_free
  FROM venv_index_packages_20250101000000_01234567
  WHERE segment IN ('0123456789abcdef')
)
UNION ALL
SELECT split_part(package, '==', 1) AS name,
       substr(package, strpos(package, '==') + 2) AS version,
       venv_version, created_at, env_name, python_version, is_conflict_free, dt
FROM venv_builds_metadata
CROSS JOIN UNNEST(installed_packages) AS u (package)
WHERE dt >= '2025-01-01'
  AND venv_version = date_format(created_at, 'venv_%Y%m%d_%H%i%s') AND dt = date_format(created_at, '%Y-%m-%d')
