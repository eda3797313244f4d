-- What changed between two builds? A package without a version before is new, one without a version after is gone. The
-- days are those in the versions: only their rows are read.
SELECT name, version_before, version_after
FROM (
  SELECT split_part(package, '==', 1) AS name,
         array_join(array_agg(substr(package, strpos(package, '==') + 2) ORDER BY package)
           FILTER (WHERE venv_version = /*:before*/ 'venv_20250722_083000'), ', ') AS version_before,
         array_join(array_agg(substr(package, strpos(package, '==') + 2) ORDER BY package)
           FILTER (WHERE venv_version = /*:after*/ 'venv_20250801_120000'), ', ') AS version_after
  FROM venv_builds_metadata
  CROSS JOIN UNNEST(installed_packages) AS u (package)
  WHERE dt IN (/*:days*/ '2025-07-22', '2025-08-01')
    AND venv_version IN (/*:versions*/ 'venv_20250722_083000', 'venv_20250801_120000')
    AND venv_version = date_format(created_at, 'venv_%Y%m%d_%H%i%s') AND dt = date_format(created_at, '%Y-%m-%d')
  GROUP BY split_part(package, '==', 1)
)
WHERE version_before IS DISTINCT FROM version_after
ORDER BY name
