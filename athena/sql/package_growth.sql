-- How does a package spread? By month: builds and environments that have it, and how many there were.
SELECT substr(builds.dt, 1, 7) AS month,
       count(DISTINCT packages.venv_version) AS build_count,
       count(DISTINCT packages.env_name) AS env_count,
       count(DISTINCT builds.venv_version) AS all_build_count,
       count(DISTINCT builds.env_name) AS all_env_count
FROM venv_builds AS builds
LEFT JOIN (
  SELECT venv_version, env_name FROM venv_packages WHERE name = /*:name*/ 'kedro'
) AS packages ON packages.venv_version = builds.venv_version
WHERE true
  -- AND builds.dt >= /*:since*/ '2025-07-01'
GROUP BY substr(builds.dt, 1, 7)
ORDER BY month
