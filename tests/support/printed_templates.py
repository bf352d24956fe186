"""What `vaultpy template` prints, and the options that several tests say."""

from __future__ import annotations

import json
from contextlib import redirect_stdout
from functools import cache
from io import BytesIO, TextIOWrapper
from typing import TYPE_CHECKING

from typer.main import get_command

from vaultpy.cli.template import template as verb

if TYPE_CHECKING:
    from support.policy_evaluator import Json

HOME = "111122223333"
CHILD = "444455556666"

USERS = (
    *("--user", "alice=Engineering", "--user", "bob=Operations", "--user", "carol=Administrators"),
    *("--user", "dave", "--user", "erin=Engineering,Operations"),
)
AGED = ("--max-mfa-age", "1h")
CROSS = ("--parent", HOME, "--external-id", "a+b=c,d.e@f:g/h-i", "--role", "audit")
ACTION = ("--action", "ec2:TerminateInstances", "--group", "Caretakers")
EXTERNAL = CROSS[3]

COMMAND = get_command(verb)


@cache
def printed(*words: str) -> str:
    """Return what the command line prints for these words."""
    out = TextIOWrapper(BytesIO(), encoding="utf-8")
    with redirect_stdout(out):
        assert (COMMAND.main(list(words), standalone_mode=False) or 0) == 0
    out.seek(0)
    return out.read()


def template(*words: str) -> Json:
    made: Json = json.loads(printed(*words))
    return made
