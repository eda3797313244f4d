-- The packages of the index on Athena: one row for each package of each build that it holds. Put your bucket and prefix
-- into the two lines with s3://. A segment is a folder of the index; venv_packages names those that count.
CREATE EXTERNAL TABLE IF NOT EXISTS venv_index_packages (
  name string,
  version string,
  build_no bigint,
  env_name string,
  python_version string,
  is_conflict_free boolean
)
PARTITIONED BY (segment string)
STORED AS PARQUET
LOCATION 's3://your-bucket/venv-catalog/index/'
TBLPROPERTIES (
  'classification'='parquet',
  'projection.enabled'='true',
  'projection.segment.type'='injected',
  'storage.location.template'='s3://your-bucket/venv-catalog/index/${segment}/packages/'
);
