-- One row a build, without what it holds; for questions about builds. A line that is no row has no version, and one in
-- the wrong place that of another instant: both are left out.
CREATE OR REPLACE VIEW venv_builds AS
SELECT venv_version, created_at, env_name, python_version, is_conflict_free, platform, package_count,
       archive_size_bytes, dt
FROM venv_builds_metadata
WHERE venv_version = date_format(created_at, 'venv_%Y%m%d_%H%i%s') AND dt = date_format(created_at, '%Y-%m-%d')
