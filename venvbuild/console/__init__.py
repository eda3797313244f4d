"""How the command line speaks: its options, its words and tables, its bars, its errors, its answers to a shell's TAB.

The face is the modules themselves; each is imported by the command that needs it.
"""

__all__ = ["completion", "engine", "failures", "groups", "options", "output", "progress", "search", "steps", "tables"]
