"""Commands of a group, so that who runs one of them pays for no other."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, MutableMapping

import click


class Imported(MutableMapping[str, click.Command]):
    """Name -> command, each from its module below `package`, which is imported when it is asked for."""

    def __init__(self, package: str, modules: Mapping[str, str]) -> None:
        self._modules = {name: f"{package}.{module}" for name, module in modules.items()}

    def __getitem__(self, name: str) -> click.Command:
        command: click.Command = importlib.import_module(self._modules[name]).command
        return command

    def __contains__(self, name: object) -> bool:
        return name in self._modules

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)

    def __setitem__(self, name: str, command: click.Command) -> None:
        raise TypeError("a command of this group is a module: none is set or taken away")

    def __delitem__(self, name: str) -> None:
        raise TypeError("a command of this group is a module: none is set or taken away")
