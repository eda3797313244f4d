-- What `venvbuild snowflake repository plan -f privatelink.toml` prints. Forms: "Integrate customer-hosted Python artifact
-- repositories", CREATE SECRET, CREATE and ALTER API INTEGRATION, CREATE and ALTER ARTIFACT REPOSITORY, CREATE FUNCTION,
-- CREATE PROCEDURE; Snowflake's documentation, undated, read on 2026-11-28. Put the secret in where '***' stands, before
-- it runs: a secret that is there keeps its value, and only ALTER SECRET my_repo_secret SET PASSWORD = '...' changes it.

CREATE SECRET IF NOT EXISTS my_repo_secret
  TYPE = PASSWORD
  USERNAME = '***'
  PASSWORD = '***';

CREATE API INTEGRATION IF NOT EXISTS python_repo_integration_pl
  API_PROVIDER = ARTIFACT_REPOSITORY_API
  API_ALLOWED_PREFIXES = ('https://nexus-pl.internal.example.com')
  USE_PRIVATELINK_ENDPOINT = TRUE
  ALLOWED_AUTHENTICATION_SECRETS = (my_repo_secret)
  ENABLED = TRUE;

ALTER API INTEGRATION IF EXISTS python_repo_integration_pl SET
  API_ALLOWED_PREFIXES = ('https://nexus-pl.internal.example.com')
  ALLOWED_AUTHENTICATION_SECRETS = (my_repo_secret)
  ENABLED = TRUE;

CREATE ARTIFACT REPOSITORY IF NOT EXISTS my_python_repo
  TYPE = PYPI
  API_INTEGRATION = python_repo_integration_pl
  INDEX_URL = 'https://nexus-pl.internal.example.com/repository/pypi-proxy/simple/'
  AUTHENTICATION_SECRET = my_repo_secret
  COMMENT = 'Customer-hosted Python package repository (Nexus)';

ALTER ARTIFACT REPOSITORY IF EXISTS my_python_repo SET INDEX_URL = 'https://nexus-pl.internal.example.com/repository/pypi-proxy/simple/';

ALTER ARTIFACT REPOSITORY IF EXISTS my_python_repo SET AUTHENTICATION_SECRET = my_repo_secret;

ALTER ARTIFACT REPOSITORY IF EXISTS my_python_repo SET COMMENT = 'Customer-hosted Python package repository (Nexus)';

CREATE OR REPLACE FUNCTION test_udf()
  RETURNS STRING
  LANGUAGE PYTHON
  RUNTIME_VERSION = '3.11'
  ARTIFACT_REPOSITORY = my_python_repo
  PACKAGES = ('test_whl_package==1.2')
  HANDLER = 'test'
AS $$
import test_whl_package

def test():
  return test_whl_package.say_hello()
$$;

CREATE OR REPLACE PROCEDURE test_sproc()
  RETURNS STRING
  LANGUAGE PYTHON
  RUNTIME_VERSION = '3.11'
  ARTIFACT_REPOSITORY = my_python_repo
  PACKAGES = ('snowflake-snowpark-python', 'test_whl_package==1.2')
  HANDLER = 'run'
AS $$
import test_whl_package

def run(session):
  return test_whl_package.say_hello()
$$;
