-- The packages of the index on Trino's Hive connector: one row for each package of each build that it holds. Put your
-- bucket and prefix into the two lines with s3://. A segment is a folder of the index; partition_projection_values are
-- those that count. For others `venvbuild table compact` makes another table, named by its time and its segments: a
-- table never changes.
CREATE TABLE IF NOT EXISTS venv_index_packages_20250101000000_01234567 (
  name varchar,
  version varchar,
  build_no bigint,
  env_name varchar,
  python_version varchar,
  is_conflict_free boolean,
  segment varchar WITH (
    partition_projection_type = 'ENUM',
    partition_projection_values = ARRAY['0123456789abcdef']
  )
)
WITH (
  format = 'PARQUET',
  external_location = 's3://your-bucket/venv-catalog/index/',
  partitioned_by = ARRAY['segment'],
  partition_projection_enabled = true,
  partition_projection_location_template = 's3://your-bucket/venv-catalog/index/${segment}/packages/'
)
