-- How many packages do builds hold? By month and environment.
SELECT substr(dt, 1, 7) AS month, env_name,
       count(*) AS build_count,
       min(package_count) AS fewest_packages,
       max(package_count) AS most_packages,
       avg(CAST(package_count AS double)) AS mean_packages
FROM venv_builds
WHERE true
  -- AND env_name = /*:env_name*/ 'sales'
  -- AND dt >= /*:since*/ '2025-07-01'
GROUP BY substr(dt, 1, 7), env_name
ORDER BY month, env_name
