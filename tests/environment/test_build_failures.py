"""What is shown first of a build that failed, and what it did not find."""

from __future__ import annotations

import pytest

from venvbuild.environment import build_failures

FRAME = (
    "Building wheel from source distribution...\n"
    "running bdist_wheel\n"
    "%s\n"
    "error: Failed to build `old-1.0.tar.gz`\n"
    "  cause: The build backend returned an error\n"
    "  cause: Call to `setuptools.build_meta:__legacy__.build_wheel` failed (exit status: 1)\n"
    "hint: Build failures usually indicate a problem with the package or the build environment\n"
)
GCC = "compilation terminated.\nerror: command '/usr/bin/gcc' failed with exit code 1"


@pytest.mark.parametrize(
    ("said", "missing", "first"),
    [
        (f"src/_odbc.h:5:10: fatal error: sql.h: No such file or directory\n    5 | #include <sql.h>\n{GCC}", "sql.h",
         "src/_odbc.h:5:10: fatal error: sql.h: No such file or directory"),
        ("x.c:1:10: fatal error: 'openssl/ssl.h' file not found", "openssl/ssl.h", "x.c:1:10: fatal error: 'openssl/"),
        ("Error: pg_config executable not found.\n\npg_config is required to build", "pg_config", "Error: pg_config"),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'mysql_config'", "mysql_config", "FileNotFoundError"),
        ("error: command 'gcc' failed: No such file or directory", "gcc", "error: command 'gcc' failed: No such"),
        ("error: can't find Rust compiler\n\nIf you are using an old pip", "Rust compiler", "error: can't find Rust"),
        ("/usr/bin/ld: cannot find -lpq: No such file or directory\ncollect2: error: ld", "pq", "/usr/bin/ld"),
        ("CMake must be installed; CMake was not found on this system", "CMake", "CMake must"),
        ('  File "setup.py", line 3\n    print "hi"\nSyntaxError: Missing parentheses in call to', "",
         "SyntaxError: Missing parentheses in call to"),
        ("Traceback (most recent call last):\nModuleNotFoundError: No module named 'pkg_resources'", "",
         "ModuleNotFoundError: No module named 'pkg_resources'"),
        ("setuptools.errors.SetupError: x\nerror in old setup command: use_2to3 is invalid.", "", "error in old setup"),
        (f"a.c:13:10: fatal error: pgenheaders.h: No such file or directory\n{GCC}", "", "a.c:13:10: fatal error"),
        (f"a.c:1: warning: old\na.c:2:5: error: unknown type name 'LC'\na.c:3:5: error: more\n{GCC}", "",
         "a.c:2:5: error: unknown type name 'LC'"),
        ("FileNotFoundError: [Errno 2] No such file or directory: '/tmp/x/README.md'", "", "FileNotFoundError"),
        ("oh no", "", "oh no"),
    ],
)  # fmt: skip
def test_the_reason_stands_first_and_what_is_missing_is_known(said: str, missing: str, first: str) -> None:
    whole = FRAME % said
    assert build_failures.missing(whole) == missing
    assert build_failures.cause(whole).startswith(first)
    assert "; it ended: " in build_failures.cause(whole)


def test_much_text_is_cut_and_the_reason_stays() -> None:
    cause = build_failures.cause(FRAME % ("copying a\n" * 5000 + "NameError: unicode\n" + "and more\n" * 5000))
    assert len(cause) <= 1500
    assert cause.startswith("NameError: unicode; it ended: ")


@pytest.mark.parametrize("said", ["", "\n\n", "x" * 10_000, "\x1b[31mred\x1b[0m error: \x00"])
def test_whatever_is_said_can_be_shown(said: str) -> None:
    assert len(build_failures.cause(said)) <= 1500
    assert build_failures.missing(said) == ""
