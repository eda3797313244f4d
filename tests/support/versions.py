"""The pinned versions of everything the tests download; the only place to change one."""

VERSITYGW = "v1.8.0"
"""github.com/versity/versitygw, an S3 gateway over a folder, built by `go install`."""

ACT = "v0.2.89"
"""github.com/nektos/act, which runs workflows of GitHub, built by `go install`."""

ACTIONLINT = "v1.7.12"
"""github.com/rhysd/actionlint, built by `go install`. The index has it as a download from elsewhere."""

GROOVY = "2.4.21"
"""org.codehaus.groovy:groovy-all, the Groovy that Jenkins runs Jenkinsfiles with."""

GROOVY_CPS = "1.31"
"""com.cloudbees:groovy-cps, by which Jenkins runs Groovy: the last on Maven Central, before workflow-cps took it in."""

PYSPARK = "3.5.9"
"""pyspark on the package index, with all of Spark in it; it runs on Java 17."""

AIRFLOW = ("apache-airflow==3.1.8", "apache-airflow-providers-standard==1.12.3")
"""On the package index: Airflow, with the operator that runs a task on the Python of an environment."""

POLARS, PYARROW = "2.1.0", "26.0.1"
"""On the package index: readers of Parquet that read the index of the catalog."""

BUILD_BACKENDS = ("hatchling==1.33.0", "setuptools==84.2.1", "flit-core==4.2.0", "poetry-core==2.5.0")
"""On the package index: what projects of the tests are built with."""

IPYKERNEL = "7.4.0"
"""On the package index: the kernel of Jupyter, which brings the client that starts it."""

DEVPI_CLIENT = "7.3.0"
"""On the package index: what the owner of an index of devpi types."""

MAVEN_DEPENDENCY_PLUGIN = "3.6.1"
"""org.apache.maven.plugins:maven-dependency-plugin, which fetches jars."""

TRINO = "476"
"""io.trino:trino-server-core and trino-hive, fetched by Maven; the check of Athena's SQL."""

ANALYSIS_MODEL = "13.18.0"
"""edu.hm.hafner:analysis-model, the parsers of Jenkins' warnings-ng; fetched by Maven, it wants Java 17."""

PYTEST_SOURCE = "9.2.0"
"""pytest's source on the package index, for the JUnit schema among its tests."""

DEBIAN_PYTHONS = "1"
"""Those of Debian's unstable release, which changes by the day; another number here makes them anew."""
