"""`vaultpy demo`: the main job on simulated parts."""

from __future__ import annotations

from typing import Annotated

import typer

from vaultpy.cli.context import refuse_windows


def demo(
    context: typer.Context,
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="CMD", help="What to run as the role; else it shows who it is."),
    ] = None,
    *,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Touch the key without waiting for Enter.")
    ] = False,
) -> None:
    """See it all work without a YubiKey or an AWS account; nothing is left behind.

    Example: vaultpy demo
    """
    refuse_windows("demo")  # whose parts meet by inherited pipes
    from vaultpy.demo.play import perform  # the simulation is loaded for nobody else

    environ, terminal, *_ = context.obj
    raise typer.Exit(perform(environ, terminal, command or [], by_itself=yes))
