"""`vaultpy shell-init` as typer shows it; `cli.run` parses its words, the core does its work."""

from __future__ import annotations

from typing import Annotated

import typer


def shell_init(
    shell: Annotated[str, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
) -> None:
    """Print the function assume-role, which puts a role into the running shell, for its start-up file.

    Example: eval "$(vaultpy shell-init bash)"
    """
    raise AssertionError("typer only shows the help of shell-init, and says what is missing")
