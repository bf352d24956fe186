"""`vaultpy mfa`: the verbs about MFA devices."""

from __future__ import annotations

import typer

from vaultpy.cli import mfa_code, mfa_enroll, mfa_list, mfa_remove, mfa_resync
from vaultpy.cli.verbs import Verbs

mfa = typer.Typer(
    cls=Verbs,
    help="Put MFA devices onto YubiKeys, and look after them.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
mfa.command("enroll")(mfa_enroll.enroll)
mfa.command("list")(mfa_list.list_)
mfa.command("code")(mfa_code.code)
mfa.command("resync")(mfa_resync.resync)
mfa.command("remove")(mfa_remove.remove)
