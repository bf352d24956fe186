"""The command reference of the site: every command with its words and options, as the help has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from command_tree import commands

if TYPE_CHECKING:
    from collections.abc import Iterator

    from command_tree import Command, Option

_HEAD = """\
# Reference

Every command and option, made from the program itself. [Commands](docs/commands.md) explains them.
"""


def text() -> str:
    """Return the page, with links as they are at the top of the repository."""
    program, *others = commands()
    parts = [_HEAD, "## Global options\n", *_table(program.options)]
    parts += [part for command in others for part in _chapter(command)]
    return "\n".join(parts) + "\n"


def _chapter(command: Command) -> Iterator[str]:
    yield f"{'###' if ' ' in command.name else '##'} {command.name}\n"
    summary, *rest = command.help.split("\n\n")
    yield " ".join(summary.split()) + "\n"
    if command.is_group:
        return
    words = "".join(f" {argument.usage}" for argument in command.arguments)
    yield f"```text\nvaultpy {command.name}{' [OPTIONS]' if command.options else ''}{words}\n```\n"
    for paragraph in rest:
        before, colon, example = " ".join(paragraph.split()).partition("Example: ")
        yield f"{before}{colon}`{example}`\n" if colon else f"{before}\n"
    for argument in command.arguments:
        choices = f" One of {', '.join(argument.choices)}." if argument.choices else ""
        yield f"`{argument.name}`: {_cell(argument.help)}{choices}\n"
    yield from _table(command.options)


def _table(options: tuple[Option, ...]) -> Iterator[str]:
    if options:
        yield "| option | what it does |\n|---|---|"
        for option in options:
            value = f" {option.value}" if option.value else ""
            names = ", ".join(sorted(option.names, key=len))
            yield f"| `{_cell(names + value)}` | {_cell(option.help)} |"
        yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
