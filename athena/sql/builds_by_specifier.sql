-- Which builds have this package at one of these versions? SQL cannot compare versions as PEP 440 does: `venvbuild find
-- 'kedro>=0.19,<0.20' --explain` writes the list of those that fit; package_versions.sql shows all there are.
SELECT venv_version, created_at, env_name, python_version, is_conflict_free,
       CASE WHEN count(*) = 1 THEN min(name || '==' || version)
         ELSE array_join(array_sort(array_distinct(array_agg(name || '==' || version))), ' ') END AS matches
FROM venv_packages
WHERE name IN (/*:names*/ 'kedro')
  AND version IN (/*:versions*/ '0.19.13', '0.19.14')
  AND name || '==' || version IN (/*:packages*/ 'kedro==0.19.13', 'kedro==0.19.14')
  -- AND python_version = /*:python_version*/ '3.11'
  -- AND env_name = /*:env_name*/ 'sales'
  -- AND is_conflict_free = /*:is_conflict_free*/ true
  -- AND dt >= /*:since*/ '2025-07-01'
  -- AND dt <= /*:until*/ '2025-07-31'
  -- AND venv_version IN (SELECT venv_version FROM venv_builds WHERE platform = /*:platform*/ 'linux_x86_64')
GROUP BY venv_version, created_at, env_name, python_version, is_conflict_free
HAVING count(DISTINCT name) = /*:name_count*/ 1
ORDER BY created_at DESC
-- LIMIT /*:limit*/ 100
