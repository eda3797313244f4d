-- The catalog as a table on Trino's Hive connector: one row a build. Put your bucket and prefix into the two lines with
-- s3://, and the day of your first build into partition_projection_range; it ends with tomorrow, for a clock that
-- is fast.
-- A file that is no JSON becomes a row of NULLs, where it would end every query (Trino does not show extra_properties).
CREATE TABLE IF NOT EXISTS venv_builds_metadata (
  venv_version varchar,
  created_at timestamp(3),
  python_version varchar,
  requirements_file varchar,
  pipdeptree_output varchar,
  venv_archive varchar,
  is_conflict_free boolean,
  conflicts array(varchar),
  installed_packages array(varchar),
  schema_version bigint,
  env_name varchar,
  platform varchar,
  python_full_version varchar,
  installer varchar,
  requirements_sha256 varchar,
  archive_sha256 varchar,
  content_sha256 varchar,
  archive_root varchar,
  archive_size_bytes bigint,
  package_count bigint,
  reproducible boolean,
  tool_version varchar,
  build_url varchar,
  source_revision varchar,
  duration_s map(varchar, double),
  requires row(abi varchar, glibc varchar, libraries array(varchar)),
  warnings array(varchar),
  yanked_packages array(varchar),
  imported_from row(archive varchar, archive_sha256 varchar, venv_version varchar, created_at varchar),
  recorded_at timestamp(3),
  dt varchar WITH (
    partition_projection_type = 'DATE',
    partition_projection_format = 'yyyy-MM-dd',
    partition_projection_range = ARRAY['2025-01-01', 'NOW+1DAYS']
  )
)
WITH (
  format = 'OPENX_JSON',
  extra_properties = MAP(ARRAY['ignore.malformed.json'], ARRAY['true']),
  external_location = 's3://your-bucket/venv-catalog/builds/',
  partitioned_by = ARRAY['dt'],
  partition_projection_enabled = true,
  partition_projection_location_template = 's3://your-bucket/venv-catalog/builds/dt=${dt}/'
)
