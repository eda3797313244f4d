"""How long `check` needs for 10,000 lines, in process: plain pins, pins with hashes, pins with markers, all refused.

python -m benchmarks.requirements_speed
"""

from __future__ import annotations

import time

from packaging.markers import default_environment

from venvbuild.errors import RequirementsRefused
from venvbuild.requirements import parse

LINES = 10_000
KINDS = {
    "plain": "package-{0}==1.{0}.0\n",
    "hashes": "package-{0}==1.{0}.0 \\\n    --hash=sha256:" + "0" * 64 + " \\\n    --hash=sha256:" + "1" * 64 + "\n",
    "extras and markers": "Package_{0}[a,b]==1.{0}.0 ; python_version < '3.13' and sys_platform == 'linux'\n",
    "unpinned": "package-{0}>=1.{0}\n",
}


def main() -> None:
    target = {key: str(value) for key, value in default_environment().items()}
    for kind, template in KINDS.items():
        content = "".join(template.format(number) for number in range(LINES)).encode()
        began = time.perf_counter()
        try:
            found = f"{len(parse(content, 'requirements.txt', target).pins)} pins"
        except RequirementsRefused as refused:
            found = f"{len(refused.problems)} problems"
        print(f"{kind:20} {LINES} lines, {len(content) / 1e6:.1f} MB: {time.perf_counter() - began:.2f} s, {found}")


if __name__ == "__main__":
    main()
