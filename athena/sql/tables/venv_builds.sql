-- One row a build, without what it holds; for questions about builds.
CREATE OR REPLACE VIEW venv_builds AS
SELECT venv_version, created_at, env_name, python_version, is_conflict_free, platform, package_count,
       archive_size_bytes, dt
FROM venv_builds_metadata
