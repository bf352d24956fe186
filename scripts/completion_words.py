"""What completion knows of the command line: a line a command, its fields divided by tabs.

The fields: its name; what its words are; the options that stand alone; those that take a value; its summary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from command_tree import commands

if TYPE_CHECKING:
    from command_tree import Argument, Command


def text() -> str:
    """Return the file, for vaultpy/commands.tsv."""
    return "".join("\t".join(_fields(command)) + "\n" for command in commands())


def _fields(command: Command) -> tuple[str, ...]:
    options = command.options
    flags = [name for option in options if not option.value for name in option.names]
    values = [name for option in options if option.value for name in option.names]
    kinds = " ".join(_kind(argument) for argument in command.arguments)
    return command.name, kinds, " ".join([*flags, "--help"]), " ".join(values), command.summary


def _kind(argument: Argument) -> str:
    """Say what may stand there: one of several words, or its name; CMD is the rest of the line."""
    if argument.choices:
        return "|".join(argument.choices)
    name = argument.name.replace(" -- ", " ")
    return name + ("..." if argument.several and not name.endswith("CMD") else "")
