-- The catalog as a table on Athena: one row a build. Put your bucket and prefix into the three lines with s3://, and
-- the day of your first build into projection.dt.range. No crawler and no MSCK REPAIR TABLE: days are projected,
-- to tomorrow, for a clock that is fast.
-- A file that is no JSON becomes a row of NULLs, where it would end every query.
CREATE EXTERNAL TABLE IF NOT EXISTS venv_builds_metadata (
  venv_version string,
  created_at timestamp,
  python_version string,
  requirements_file string,
  pipdeptree_output string,
  venv_archive string,
  is_conflict_free boolean,
  conflicts array<string>,
  installed_packages array<string>,
  schema_version bigint,
  env_name string,
  platform string,
  python_full_version string,
  installer string,
  requirements_sha256 string,
  archive_sha256 string,
  content_sha256 string,
  archive_root string,
  archive_size_bytes bigint,
  package_count bigint,
  reproducible boolean,
  tool_version string,
  build_url string,
  source_revision string,
  duration_s map<string,double>,
  requires struct<abi:string,glibc:string,libraries:array<string>>,
  warnings array<string>,
  yanked_packages array<string>,
  imported_from struct<archive:string,archive_sha256:string,venv_version:string,created_at:string>,
  recorded_at timestamp
)
PARTITIONED BY (dt string)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
WITH SERDEPROPERTIES ('ignore.malformed.json'='true')
LOCATION 's3://your-bucket/venv-catalog/builds/'
TBLPROPERTIES (
  'classification'='json',
  'projection.enabled'='true',
  'projection.dt.type'='date',
  'projection.dt.format'='yyyy-MM-dd',
  'projection.dt.range'='2025-01-01,NOW+1DAYS',
  'storage.location.template'='s3://your-bucket/venv-catalog/builds/dt=${dt}/'
);
