-- The builds of the index on Athena: one row for each build that it holds; build_no is its instant in unix seconds. Put
-- your bucket and prefix into the two lines with s3://. A segment is a folder of the index; projection.segment.values are
-- those that count. For others `venvbuild table compact` makes another table, named by its time and its segments: a
-- table never changes.
CREATE EXTERNAL TABLE IF NOT EXISTS venv_index_builds_20250101000000_01234567 (
  build_no bigint,
  env_name string,
  python_version string,
  is_conflict_free boolean,
  platform string,
  package_count bigint,
  archive_size_bytes bigint
)
PARTITIONED BY (segment string)
STORED AS PARQUET
LOCATION 's3://your-bucket/venv-catalog/index/'
TBLPROPERTIES (
  'classification'='parquet',
  'projection.enabled'='true',
  'projection.segment.type'='enum',
  'projection.segment.values'='0123456789abcdef',
  'storage.location.template'='s3://your-bucket/venv-catalog/index/${segment}/builds/'
);
