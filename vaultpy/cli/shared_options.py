"""The options that several verbs have, and what was given of `exec`'s by the names that the core knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

Profile = Annotated[str, typer.Argument(metavar="PROFILE", help="A profile of AWS's config file.")]
Role = Annotated[
    str | None, typer.Option(metavar="ARN|NAME", help="A role without a profile, from PROFILE's user.")
]
Duration = Annotated[
    str | None, typer.Option("--duration", "-d", metavar="TIME", help="Of the credentials: 90m, 8h.")
]
SessionDuration = Annotated[
    str | None, typer.Option(metavar="TIME", help="Of the MFA session that roles share.")
]
MinTtl = Annotated[str | None, typer.Option(metavar="TIME", help="What must be left of the credentials.")]
Direct = Annotated[
    bool, typer.Option("--direct", help="Put the code on the role itself: over one hour, one touch each.")
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Use no session, and keep none.")]
MfaToken = Annotated[
    str | None, typer.Option("--mfa-token", "-t", metavar="CODE", help="Six digits; - reads them from stdin.")
]
MfaSerial = Annotated[str | None, typer.Option(metavar="ARN", help="The MFA device to use.")]
YubiKey = Annotated[str | None, typer.Option(metavar="SERIAL", help="The YubiKey to use.")]
AsJson = Annotated[bool, typer.Option("--json", help="For machines: one JSON array.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def given(parameters: Mapping[str, object]) -> dict[str, str]:
    """Return the options among a verb's parameters by their long names, as `VerbWords.values` does."""
    return {
        "--" + name.replace("_", "-"): value if isinstance(value, str) else ""
        for name, value in parameters.items()
        if isinstance(value, str) or value is True
    }
