"""Test tools that are downloaded once per version, into `$XDG_CACHE_HOME/venvbuild-tests/<name>-<version>`.

Each is made under a temporary name beside it and renamed, so a folder that is there is whole; a lock keeps two test
runs from fetching one tool at the same time.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uv

from tests.support import versions
from tests.support.requirement import require
from venvbuild.settings import PYPI

_HOME = Path.home()
"""As it was when the tests began: they may not see the home folder, but these caches live there."""
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or _HOME / ".cache") / "venvbuild-tests"
_ENVIRONMENT = dict(os.environ)
_TIMEOUT_S = 1200


def versitygw() -> Path:
    """The `versitygw` program. Skips without Go."""
    return _go_program("versitygw", "github.com/versity/versitygw/cmd/versitygw", versions.VERSITYGW)


def act() -> Path:
    """The `act` program. Skips without Go."""
    return _go_program("act", "github.com/nektos/act", versions.ACT)


def actionlint() -> Path:
    """The `actionlint` program. Skips without Go."""
    return _go_program("actionlint", "github.com/rhysd/actionlint/cmd/actionlint", versions.ACTIONLINT)


def groovy_jar() -> Path:
    """The `groovy-all` jar: `java -cp JAR groovy.ui.GroovyMain script.groovy`. Skips without Maven."""
    return fetched("groovy-all", versions.GROOVY, _fetch_groovy) / f"groovy-all-{versions.GROOVY}.jar"


def groovy_cps() -> list[Path]:
    """The jars of groovy-cps, without a Groovy. Skips without Maven."""
    return sorted(fetched("groovy-cps", versions.GROOVY_CPS, _fetch_groovy_cps).glob("*.jar"))


def trino() -> Path:
    """The folder of a Trino server with the Hive connector as its only one. Skips without Maven."""
    return fetched("trino", versions.TRINO, _fetch_trino)


def analysis_model() -> Path:
    """The folder of the jars with the parsers of Jenkins' warnings-ng. Skips without Maven."""
    return fetched("analysis-model", versions.ANALYSIS_MODEL, _fetch_analysis_model)


def sarif_schema() -> bytes:
    """The JSON Schema of SARIF 2.1.0, which one of these jars holds."""
    [jar] = analysis_model().glob("violations-lib-*.jar")
    with zipfile.ZipFile(jar) as library:
        return library.read("jsonschemas/sarif-schema.json")


def junit_schema() -> Path:
    """junit-10.xsd of Jenkins' xUnit plugin, which the source of pytest holds."""
    return fetched("pytest-source", versions.PYTEST_SOURCE, _fetch_junit_schema) / "junit-10.xsd"


def pyspark() -> Path:
    """A SPARK_HOME: the `pyspark` of the package index. It needs a Java, which the caller finds."""
    return fetched("pyspark", versions.PYSPARK, _install_pyspark) / "pyspark"


def readers() -> Path:
    """A folder for PYTHONPATH, with polars and pyarrow; beside the tests' own environment, whose Python it is for."""
    tag = f"{versions.POLARS}-{versions.PYARROW}-py{sys.version_info.major}.{sys.version_info.minor}"
    return fetched("readers", tag, _install_readers)


def airflow() -> Path:
    """The Python of an environment with Airflow: `-m airflow`. No folder for PYTHONPATH, as a task would see that."""
    tag = f"{versions.AIRFLOW[0].rpartition('=')[2]}-py{sys.version_info.major}.{sys.version_info.minor}"
    return fetched("airflow-venv", tag, _install_airflow) / "venv/bin/python"


def devpi_client() -> Path:
    """A folder for PYTHONPATH, with the `devpi` that the owner of an index types."""
    tag = f"{versions.DEVPI_CLIENT}-py{sys.version_info.major}.{sys.version_info.minor}"
    return fetched("devpi-client", tag, lambda folder: _install(folder, f"devpi-client=={versions.DEVPI_CLIENT}"))


def build_backends() -> Path:
    """A folder of wheels: what projects are built with, and what that needs."""
    tag = hashlib.sha256(" ".join(versions.BUILD_BACKENDS).encode()).hexdigest()[:8]
    return fetched("build-backends", tag, _fetch_build_backends)


def ipykernel() -> Path:
    """A folder of wheels: ipykernel, and what that needs, for the Python of the tests."""
    tag = f"{versions.IPYKERNEL}-py{sys.version_info.major}.{sys.version_info.minor}"
    return fetched("ipykernel", tag, _fetch_ipykernel)


def _fetch_ipykernel(folder: Path) -> None:
    flags = ["--quiet", "--no-input", "--disable-pip-version-check", "--only-binary", ":all:", "--dest", str(folder)]
    run([sys.executable, "-m", "pip", "download", *flags, f"ipykernel=={versions.IPYKERNEL}"], PIP_FIND_LINKS="")


def _fetch_build_backends(folder: Path) -> None:
    flags = ["--quiet", "--no-input", "--disable-pip-version-check", "--only-binary", ":all:", "--dest", str(folder)]
    run([sys.executable, "-m", "pip", "download", *flags, *versions.BUILD_BACKENDS], PIP_FIND_LINKS="")


def _install_readers(folder: Path) -> None:
    _install(folder, f"polars=={versions.POLARS}", f"pyarrow=={versions.PYARROW}")


def _install_airflow(folder: Path) -> None:
    # By uv: pip takes minutes to find what fits the hundred packages that Airflow leaves open.
    run([uv.find_uv_bin(), "venv", "--quiet", "--no-config", "--python", sys.executable, str(folder / "venv")])
    index = _ENVIRONMENT.get("UV_DEFAULT_INDEX") or _ENVIRONMENT.get("PIP_INDEX_URL") or PYPI
    flags = ["--quiet", "--no-config", "--default-index", index, "--python", str(folder / "venv/bin/python")]
    run([uv.find_uv_bin(), "pip", "install", *flags, *versions.AIRFLOW])


def _install_pyspark(folder: Path) -> None:
    _install(folder, f"pyspark=={versions.PYSPARK}")


def _install(folder: Path, *pins: str) -> None:
    flags = ["--quiet", "--no-input", "--no-compile", "--disable-pip-version-check", "--target", str(folder)]
    run([sys.executable, "-m", "pip", "install", *flags, *pins], PIP_FIND_LINKS="")


def _go_program(name: str, module: str, version: str) -> Path:
    def build(folder: Path) -> None:
        require(shutil.which("go"), f"{name} is built by Go, which is not installed")
        with tempfile.TemporaryDirectory(dir=folder.parent) as workspace:
            # Its own caches, removed afterwards; -modcacherw because Go makes them read-only.
            caches = {"GOPATH": f"{workspace}/path", "GOCACHE": f"{workspace}/cache", "GOBIN": str(folder)}
            run(["go", "install", "-modcacherw", "-ldflags=-s -w", f"{module}@{version}"], GOFLAGS="", **caches)

    return fetched(name, version, build) / name


def _fetch_groovy(folder: Path) -> None:
    _maven(f"org.codehaus.groovy:groovy-all:{versions.GROOVY}", folder)


def _fetch_groovy_cps(folder: Path) -> None:
    _maven_with_dependencies("com.cloudbees", "groovy-cps", versions.GROOVY_CPS, folder)


def _fetch_analysis_model(folder: Path) -> None:
    _maven_with_dependencies("edu.hm.hafner", "analysis-model", versions.ANALYSIS_MODEL, folder)


def _maven_with_dependencies(group: str, artifact: str, version: str, folder: Path) -> None:
    """Fetch it and what it needs when it runs into `folder`."""
    dependency = "".join(
        f"<{name}>{value}</{name}>"
        for name, value in (("groupId", group), ("artifactId", artifact), ("version", version))
    )
    require(shutil.which("mvn"), f"{artifact} is fetched by Maven, which is not installed")
    plugin = f"org.apache.maven.plugins:maven-dependency-plugin:{versions.MAVEN_DEPENDENCY_PLUGIN}:copy-dependencies"
    with tempfile.TemporaryDirectory(dir=folder.parent) as workspace:
        pom = Path(workspace, "pom.xml")
        pom.write_text(
            '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>x</groupId>'
            f"<artifactId>x</artifactId><version>1</version><dependencies><dependency>{dependency}</dependency>"
            "</dependencies></project>"
        )
        run(["mvn", "-q", "-B", "-f", str(pom), plugin, "-DincludeScope=runtime", f"-DoutputDirectory={folder}"])


def _fetch_junit_schema(folder: Path) -> None:
    flags = ["--quiet", "--no-input", "--disable-pip-version-check", "--no-deps", "--no-binary", ":all:"]
    with tempfile.TemporaryDirectory(dir=folder.parent) as fetched_to:
        pin = f"pytest=={versions.PYTEST_SOURCE}"
        run([sys.executable, "-m", "pip", "download", *flags, "--dest", fetched_to, pin], PIP_FIND_LINKS="")
        [source] = Path(fetched_to).glob("*.tar.gz")
        with tarfile.open(source) as archive:
            schema = archive.extractfile(f"pytest-{versions.PYTEST_SOURCE}/testing/example_scripts/junit-10.xsd")
            assert schema
            (folder / "junit-10.xsd").write_bytes(schema.read())


def _fetch_trino(folder: Path) -> None:
    version = versions.TRINO
    with tempfile.TemporaryDirectory(dir=folder.parent) as fetched_to:
        _maven(f"io.trino:trino-server-core:{version}:tar.gz", Path(fetched_to))
        _maven(f"io.trino:trino-hive:{version}:zip", Path(fetched_to))
        shutil.unpack_archive(Path(fetched_to, f"trino-server-core-{version}.tar.gz"), fetched_to, filter="tar")
        with zipfile.ZipFile(Path(fetched_to, f"trino-hive-{version}.zip")) as connector:
            connector.extractall(fetched_to)  # shutil would leave out its jars with `..` inside their names
        server = Path(fetched_to, f"trino-server-core-{version}")
        shutil.rmtree(server / "plugin")  # each would be loaded at the start
        (server / "plugin").mkdir()
        Path(fetched_to, f"trino-hive-{version}").rename(server / "plugin" / "hive")
        for part in server.iterdir():
            part.rename(folder / part.name)


def _maven(artifact: str, folder: Path) -> None:
    """Fetch `group:name:version[:type]` into `folder`."""
    require(shutil.which("mvn"), f"{artifact} is fetched by Maven, which is not installed")
    plugin = f"org.apache.maven.plugins:maven-dependency-plugin:{versions.MAVEN_DEPENDENCY_PLUGIN}:copy"
    run(["mvn", "-q", "-B", plugin, f"-Dartifact={artifact}", f"-DoutputDirectory={folder}"])


def place(name: str, version: str) -> Path:
    """Where `fetched` keeps it."""
    return _CACHE / f"{name}-{version}"


def fetched(name: str, version: str, fetch: Callable[[Path], None]) -> Path:
    folder = place(name, version)
    if folder.is_dir():
        return folder
    _CACHE.mkdir(parents=True, exist_ok=True)
    with _locked(_CACHE / f"{folder.name}.lock"):
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=_CACHE, prefix=f".{folder.name}-") as temporary:
                made = Path(temporary, "made")
                made.mkdir()
                fetch(made)
                made.rename(folder)
    return folder


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run(command: list[str], cwd: Path | None = None, /, **variables: str) -> str:
    """What it says; it must end well."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**_ENVIRONMENT, "HOME": str(_HOME), **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout
