-- As venv_builds.sql, with the index: its segments, and the rows since the first day that it does not cover. The names
-- and the day are those of venv-catalog/index/CURRENT.json; `venvbuild table compact` puts new ones in.
CREATE OR REPLACE VIEW venv_builds AS
SELECT date_format(created_at, 'venv_%Y%m%d_%H%i%s') AS venv_version,
       created_at, env_name, python_version, is_conflict_free, platform, package_count, archive_size_bytes,
       date_format(created_at, '%Y-%m-%d') AS dt
FROM (
  SELECT date_add('day', build_no / 86400, date_add('second', build_no % 86400, TIMESTAMP '1970-01-01 00:00:00.000'))
           AS created_at,
         env_name, python_version, is_conflict_free, platform, package_count, archive_size_bytes
  FROM venv_index_builds_20250101000000_01234567
  WHERE segment IN ('0123456789abcdef')
)
UNION ALL
SELECT venv_version, created_at, env_name, python_version, is_conflict_free, platform, package_count,
       archive_size_bytes, dt
FROM venv_builds_metadata
WHERE dt >= '2025-01-01'
  AND venv_version = date_format(created_at, 'venv_%Y%m%d_%H%i%s') AND dt = date_format(created_at, '%Y-%m-%d')
