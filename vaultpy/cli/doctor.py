"""`vaultpy doctor`: everything that can be wrong, each with its remedy."""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from vaultpy.cli import shared_options
from vaultpy.cli.context import leave, refuse_empty, say, say_json
from vaultpy.cli.table import columns_of_stdout
from vaultpy.terminal import BOLD, MAGENTA, RED
from vaultpy.text import wants_colour

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaultpy.findings import Finding

_FAILURE, _WARNING = "failure", "warning"  # findings.py has them too, and is loaded for nobody else
_INDENT = "  " + " " * len(_WARNING) + "  "
_NARROWEST = 40
_STYLES = {"area": BOLD, _FAILURE: RED, _WARNING: MAGENTA}


def doctor(
    context: typer.Context,
    profile: Annotated[
        str | None,
        typer.Argument(metavar="PROFILE", help="Of AWS's config only this profile and its access key."),
    ] = None,
    *,
    as_json: shared_options.AsJson = False,
) -> None:
    """Look at everything that can be wrong, and change nothing: exit status 1 after a failure.

    Example: vaultpy doctor
    """
    refuse_empty(profile, "doctor")
    from vaultpy.checks import examine  # all that it looks at would slow down the other verbs
    from vaultpy.doctor_wiring import Examined

    environ, *_ = context.obj
    found, ended = examine(Examined(environ), profile)
    if as_json:
        say_json([finding.as_json() for finding in found])
    else:
        _show(found, environ)
    status = int(any(finding.state == _FAILURE for finding in found))
    if not ended:  # a check still runs
        leave(status)
    raise typer.Exit(status)


def _show(found: list[Finding], environ: Mapping[str, str]) -> None:
    """Say the findings under the names of their areas, and the sum."""
    styles = _STYLES if sys.stdout.isatty() and wants_colour(environ) else {}
    columns = columns_of_stdout()
    area = None
    for finding in found:
        if finding.area != area:
            area = finding.area
            say("", label=area, style=styles.get("area", ""))
        first, *others = _folded(finding.text, columns)
        label = f"  {finding.state}"
        say(first[len(label) :], label=label, style=styles.get(finding.state, ""))
        for line in [*others, *([_INDENT + finding.remedy] if finding.remedy else [])]:
            say(line)
    counts = [(sum(it.state == state for it in found), state) for state in (_FAILURE, _WARNING)]
    say(", ".join(f"{count or 'no'} {state}{'s' * (count != 1)}" for count, state in counts))


def _folded(text: str, columns: int | None) -> list[str]:
    """Return the lines that show what was found, indented; a remedy is not folded, for it holds a command."""
    width = None if columns is None else max(columns, _NARROWEST)
    if width is None or len(_INDENT + text) <= width:
        return [_INDENT + text]
    return textwrap.wrap(
        text,
        width,
        initial_indent=_INDENT,
        subsequent_indent=_INDENT + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
