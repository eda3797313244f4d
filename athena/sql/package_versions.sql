-- Which versions of a package were ever built?
SELECT DISTINCT name, version
FROM venv_packages
WHERE name IN (/*:names*/ 'kedro')
  -- AND dt >= /*:since*/ '2025-07-01'
  -- AND dt <= /*:until*/ '2025-07-31'
ORDER BY name, version
