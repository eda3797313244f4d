-- One row for each package of each build; name is in PEP 503 form (lower case, words joined by one -).
CREATE OR REPLACE VIEW venv_packages AS
SELECT split_part(package, '==', 1) AS name,
       substr(package, strpos(package, '==') + 2) AS version,
       venv_version, created_at, env_name, python_version, is_conflict_free, dt
FROM venv_builds_metadata
CROSS JOIN UNNEST(installed_packages) AS u (package)
WHERE venv_version = date_format(created_at, 'venv_%Y%m%d_%H%i%s') AND dt = date_format(created_at, '%Y-%m-%d')
