"""`vaultpy doctor`: everything that can be wrong, each with its remedy."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from vaultpy import errors
from vaultpy.cli.context import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vaultpy.findings import Finding

_FAILURE, _WARNING = "failure", "warning"  # findings.py has them too, and is loaded for nobody else
_WIDTH = len(_WARNING)


def doctor(
    context: typer.Context,
    profile: Annotated[
        str | None,
        typer.Argument(metavar="PROFILE", help="Of AWS's config only this profile and its access key."),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For machines: one JSON array.")] = False,
) -> None:
    """Look at everything that can be wrong, and change nothing: exit status 1 after a failure.

    Example: vaultpy doctor
    """
    if profile == "":  # an unset variable of a script, which does not mean all profiles
        raise errors.UsageError(problem="PROFILE is empty", command="doctor")
    from vaultpy.checks import examine  # all that it looks at would slow down the other verbs
    from vaultpy.doctor_wiring import Examined

    environ, *_ = context.obj
    found, ended = examine(Examined(environ), profile)
    for line in _json(found) if as_json else _lines(found):
        say(line)
    status = int(any(finding.state == _FAILURE for finding in found))
    if not ended:  # a thread that still imports would trip over the interpreter's end
        sys.stdout.flush()
        os._exit(status)
    raise typer.Exit(status)


def _json(found: list[Finding]) -> list[str]:
    return json.dumps([finding.as_json() for finding in found], indent=2).splitlines()


def _lines(found: list[Finding]) -> Iterator[str]:
    """Give the findings under the names of their areas, and the sum."""
    area = None
    for finding in found:
        if finding.area != area:
            area = finding.area
            yield area
        yield f"  {finding.state:{_WIDTH}}  {finding.text}"
        if finding.remedy:
            yield f"  {'':{_WIDTH}}  {finding.remedy}"
    counts = [(sum(it.state == state for it in found), state) for state in (_FAILURE, _WARNING)]
    yield ", ".join(f"{count or 'no'} {state}{'s' * (count != 1)}" for count, state in counts)
