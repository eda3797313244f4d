"""What imports from a ZIP, in a Python that sees nothing but it and the standard library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def printed_with(zip_file: Path, script: str, python: Path = Path(sys.executable), **env: str) -> str:
    """What the script prints there."""
    head = f"import sys; sys.path.insert(0, {str(zip_file)!r}); "
    command = [str(python), "-I", "-S", "-c", head + script]
    ran = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def imported(folder: Path, body: bytes) -> str:
    """What `tiny.x` is, imported from a ZIP of these bytes, which lies in `folder` then."""
    file = folder / "fetched.zip"
    file.write_bytes(body)
    value, where = printed_with(file, "import tiny; print(tiny.x, tiny.__file__, sep='|')").split("|")
    assert where.startswith(f"{file}/")
    return value
