"""The command line as typer knows it: each command with its options, for whatever is made from that."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, NamedTuple

import typer.main

from vaultpy.cli.app import app
from vaultpy.shell_init import SHELLS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


class Option(NamedTuple):
    """An option: its spellings, what its value is called (nothing: it has none), and its help."""

    names: tuple[str, ...]
    value: str
    help: str


class Argument(NamedTuple):
    """A word that is no option: how the help calls it, whether there may be several, what may stand there."""

    name: str
    required: bool
    several: bool
    choices: tuple[str, ...]
    help: str

    @property
    def usage(self) -> str:
        """How it stands in the line that shows a command's words: `[NAME...]`."""
        name = self.name + ("..." if self.several and not self.name.endswith("...") else "")
        return name if self.required else f"[{name}]"


class Command(NamedTuple):
    """A command, or a group of them: `name` is all its words; the whole program has none."""

    name: str
    help: str
    arguments: tuple[Argument, ...]
    options: tuple[Option, ...]
    is_group: bool

    @property
    def summary(self) -> str:
        """The first line of the help."""
        return self.help.partition("\n")[0]


def commands() -> list[Command]:
    """Return the program, and then every command that its help shows, in that order."""
    return list(_walk(typer.main.get_command(app), ()))


def _walk(command: Any, path: tuple[str, ...]) -> Iterator[Command]:  # noqa: ANN401  # typer's classes are private
    shown = [parameter for parameter in command.params if not parameter.hidden]
    within = getattr(command, "commands", {})
    yield Command(
        " ".join(path),
        inspect.cleandoc(command.help or ""),
        tuple(_argument(p) for p in shown if p.param_type_name == "argument"),
        tuple(_option(p) for p in shown if p.param_type_name == "option"),
        bool(within),
    )
    for name, each in within.items():
        if not each.hidden:
            yield from _walk(each, (*path, name))


def _argument(parameter: Any) -> Argument:  # noqa: ANN401  # as above
    kind = parameter.type_descriptor.annotation
    choices = tuple(str(choice.value) for choice in getattr(kind, "__members__", {}).values())
    if parameter.metavar == "SHELL":
        choices = tuple(SHELLS)
    return Argument(
        parameter.metavar.removesuffix("..."),
        parameter.required,
        parameter.nargs != 1 or parameter.metavar.endswith("..."),
        choices,
        parameter.help,
    )


def _option(parameter: Any) -> Option:  # noqa: ANN401  # as above
    flag = parameter.is_flag or parameter.count
    return Option(tuple(parameter.opts), "" if flag else parameter.metavar or "TEXT", parameter.help or "")
