-- How many builds have this package? As builds_with_package.sql; the next two lines of WHERE ask for versions too, of all and of each package.
SELECT count(*) AS build_count
FROM (
  SELECT venv_version
  FROM venv_packages
  WHERE name IN (/*:names*/ 'kedro')
    -- AND version IN (/*:versions*/ '0.19.13', '0.19.14')
    -- AND name || '==' || version IN (/*:packages*/ 'kedro==0.19.13', 'kedro==0.19.14')
    -- AND python_version = /*:python_version*/ '3.11'
    -- AND env_name = /*:env_name*/ 'sales'
    -- AND is_conflict_free = /*:is_conflict_free*/ true
    -- AND dt >= /*:since*/ '2025-07-01'
    -- AND dt <= /*:until*/ '2025-07-31'
    -- AND venv_version IN (SELECT venv_version FROM venv_builds WHERE platform = /*:platform*/ 'linux_x86_64')
  GROUP BY venv_version
  HAVING count(DISTINCT name) = /*:name_count*/ 1
)
