-- Which builds have packages that were yanked when they were built, and which? What was yanked since is not known here.
-- For certain packages put each name into the list and their number behind HAVING. Builds of before the tool noted it, and
-- those that scripts made, are left out.
SELECT venv_version, created_at, env_name, python_version, is_conflict_free,
       array_join(array_sort(array_distinct(array_agg(package))), ' ') AS matches
FROM venv_builds_metadata
CROSS JOIN UNNEST(yanked_packages) AS u (package)
WHERE venv_version = date_format(created_at, 'venv_%Y%m%d_%H%i%s') AND dt = date_format(created_at, '%Y-%m-%d')
  -- AND split_part(package, '==', 1) IN (/*:names*/ 'kedro')
  -- AND package IN (/*:packages*/ 'kedro==0.19.13', 'kedro==0.19.14')
  -- AND python_version = /*:python_version*/ '3.11'
  -- AND env_name = /*:env_name*/ 'sales'
  -- AND is_conflict_free = /*:is_conflict_free*/ true
  -- AND dt >= /*:since*/ '2025-07-01'
  -- AND dt <= /*:until*/ '2025-07-31'
  -- AND platform = /*:platform*/ 'linux_x86_64'
GROUP BY venv_version, created_at, env_name, python_version, is_conflict_free
HAVING count(DISTINCT split_part(package, '==', 1)) >= /*:name_count*/ 1
ORDER BY created_at DESC
-- LIMIT /*:limit*/ 100
