-- Which builds have conflicts, and which? A row for each conflict.
SELECT venv_version, created_at, env_name, python_version, conflict
FROM venv_builds_metadata
LEFT JOIN UNNEST(conflicts) AS u (conflict) ON true
WHERE NOT is_conflict_free
  AND venv_version = date_format(created_at, 'venv_%Y%m%d_%H%i%s') AND dt = date_format(created_at, '%Y-%m-%d')
  -- AND env_name = /*:env_name*/ 'sales'
  -- AND dt >= /*:since*/ '2025-07-01'
ORDER BY venv_version DESC, conflict
