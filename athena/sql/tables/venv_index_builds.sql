-- The builds of the index on Athena: one row for each build that it holds; build_no is its instant in unix seconds. Put
-- your bucket and prefix into the two lines with s3://. A segment is a folder of the index; venv_builds names those that
-- count.
CREATE EXTERNAL TABLE IF NOT EXISTS venv_index_builds (
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
  'projection.segment.type'='injected',
  'storage.location.template'='s3://your-bucket/venv-catalog/index/${segment}/builds/'
);
