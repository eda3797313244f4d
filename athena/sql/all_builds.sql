-- Every build with all that its row holds, newest first. What is no plain value is JSON, the same on every engine.
SELECT venv_version, created_at, python_version, requirements_file, pipdeptree_output, venv_archive, is_conflict_free,
       json_format(CAST(conflicts AS json)) AS conflicts,
       json_format(CAST(installed_packages AS json)) AS installed_packages,
       schema_version, env_name, platform, python_full_version, installer, requirements_sha256, archive_sha256,
       content_sha256, archive_root, archive_size_bytes, package_count, reproducible, tool_version, build_url,
       source_revision,
       json_format(CAST(duration_s AS json)) AS duration_s,
       requires.abi AS requires_abi,
       requires.glibc AS requires_glibc,
       json_format(CAST(requires.libraries AS json)) AS requires_libraries,
       json_format(CAST(warnings AS json)) AS warnings,
       json_format(CAST(yanked_packages AS json)) AS yanked_packages,
       imported_from.archive AS imported_from_archive,
       imported_from.archive_sha256 AS imported_from_archive_sha256,
       imported_from.venv_version AS imported_from_venv_version,
       imported_from.created_at AS imported_from_created_at,
       recorded_at
FROM venv_builds_metadata
WHERE venv_version = date_format(created_at, 'venv_%Y%m%d_%H%i%s') AND dt = date_format(created_at, '%Y-%m-%d')
  -- AND python_version = /*:python_version*/ '3.11'
  -- AND env_name = /*:env_name*/ 'sales'
  -- AND is_conflict_free = /*:is_conflict_free*/ true
  -- AND dt >= /*:since*/ '2025-07-01'
  -- AND dt <= /*:until*/ '2025-07-31'
  -- AND platform = /*:platform*/ 'linux_x86_64'
  -- AND dt IN (/*:days*/ '2025-07-22')
  -- AND venv_version IN (/*:versions*/ 'venv_20250722_083000')
ORDER BY venv_version DESC
-- LIMIT /*:limit*/ 100
