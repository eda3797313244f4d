"""When the Pythons end: what is found in one after that is mended by nobody. The only place with these dates.

Source: devguide.python.org/versions, which follows PEP 569, 596, 619, 664, 693, 719, 745 and 790.
"""

from __future__ import annotations

from datetime import date

ENDS = {
    "3.15": "2031-10",
    "3.14": "2030-10",
    "3.13": "2029-10",
    "3.12": "2028-10",
    "3.11": "2027-10",
    "3.10": "2026-10",
    "3.9": "2025-10",
    "3.8": "2024-10",
}
"""X.Y -> the month, `YYYY-MM`, with which its support ends; newest first."""


def past_its_end(python_version: str, today: date) -> str:
    """A sentence about a Python X.Y whose support is over, with the month; empty of any other, and of one unknown."""
    end = ENDS.get(python_version)
    if end is None or f"{today:%Y-%m}" <= end:
        return ""
    alive = [version for version, month in ENDS.items() if month >= f"{today:%Y-%m}"]
    oldest = f"; the oldest that is mended is {alive[-1]}" if alive else ""
    return f"Python {python_version} reached its end of life in {end}: nobody mends what is found in it since{oldest}"
