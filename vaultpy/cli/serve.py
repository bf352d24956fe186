"""`vaultpy serve`: credentials that renew themselves, for whoever knows the address and the token."""

from __future__ import annotations

from typing import Annotated

import typer

from vaultpy.cli.context import leave, say, wiring

_HIGHEST_PORT = 65535


def serve(
    context: typer.Context,
    profiles: Annotated[list[str], typer.Argument(metavar="PROFILE...", help="What to serve.")],
    *,
    allow_role: Annotated[
        list[str] | None,
        typer.Option(metavar="ARN", help="Serve this role of the first PROFILE's user, too; repeatable."),
    ] = None,
    port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=_HIGHEST_PORT, help="The port; else any that is free.")
    ] = 0,
    token_file: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write the token there for as long as this runs, not to stdout."),
    ] = None,
) -> None:
    """Serve the credentials of PROFILEs on this computer, renewed, until Ctrl-C; print how to reach them.

    Example: vaultpy serve dev-role --port 9911 --token-file ~/.vaultpy-token
    """
    from vaultpy.serve import Where
    from vaultpy.serve import serve as serve_profiles
    from vaultpy.server_wiring import ServerWiring

    run = ServerWiring(wiring(context))
    serve_profiles(run, profiles, allow_role or [], Where(port, token_file), say)
    leave(0)
