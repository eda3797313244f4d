-- The newest build of each environment, and its newest without conflicts, which ENV@latest names.
SELECT env_name,
       max(venv_version) AS venv_version,
       max(created_at) AS created_at,
       max_by(python_version, venv_version) AS python_version,
       max_by(is_conflict_free, venv_version) AS is_conflict_free,
       max(CASE WHEN is_conflict_free THEN venv_version END) AS latest,
       count(*) AS build_count
FROM venv_builds
WHERE env_name IS NOT NULL
  -- AND env_name = /*:env_name*/ 'sales'
  -- AND dt >= /*:since*/ '2025-07-01'
GROUP BY env_name
ORDER BY env_name
