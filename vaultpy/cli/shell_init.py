"""`vaultpy shell-init` as typer shows it; `cli.run` parses its words, the core does its work."""

from __future__ import annotations

from typing import Annotated

import typer


def shell_init(
    shell: Annotated[str, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
) -> None:
    """Print completion and the function assume-role, for the start-up file of your shell.

    Example: eval "$(vaultpy shell-init bash)"
    """
    raise AssertionError("typer only shows the help of shell-init, and says what is missing")
