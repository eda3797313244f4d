-- Which versions of a package are in use, and by how many environments? In use: in the newest build of an environment.
WITH newest AS (
  SELECT env_name, max(venv_version) AS venv_version
  FROM venv_builds
  WHERE env_name IS NOT NULL
  GROUP BY env_name
)
SELECT packages.version,
       count(DISTINCT newest.env_name) AS env_count,
       count(DISTINCT packages.env_name) AS env_count_ever,
       count(DISTINCT packages.venv_version) AS build_count,
       max(packages.created_at) AS last_built_at
FROM venv_packages AS packages
LEFT JOIN newest ON newest.venv_version = packages.venv_version
WHERE packages.name = /*:name*/ 'kedro'
GROUP BY packages.version
ORDER BY env_count DESC, build_count DESC, packages.version
