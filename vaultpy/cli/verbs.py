"""The help of verbs together: each with all of its first line."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup


class Verbs(TyperGroup):
    """Verbs whose first lines are folded in the help; typer would cut them where the window ends."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401  # typer has its own click
        """Write the verbs, each with what it does."""
        for verb in self.commands.values():
            verb.short_help = (verb.help or "").partition("\n")[0]
        super().format_commands(ctx, formatter)
