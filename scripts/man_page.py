"""The manual page, in mdoc's elder man(7): the commands of the help, the tables of the documentation."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from command_tree import commands

from vaultpy import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

    from command_tree import Command, Option

DOCS = Path(__file__).resolve().parent.parent / "docs"

_HEAD = """\
.\\" Made by scripts/generate.py from the command line and the tables of the documentation.
.TH VAULTPY 1 "" "vaultpy {version}" "User Commands"
.SH NAME
vaultpy \\- AWS role credentials, with keys in the keystore and MFA codes off the YubiKey
.SH SYNOPSIS
.B vaultpy
.RI [ OPTIONS ]
.I COMMAND
.RI [ ARGUMENTS ]
.SH DESCRIPTION
The IAM user's access key comes out of the system keystore, the MFA code comes straight off a YubiKey,
STS hands out the credentials of a role, and
.B vaultpy exec
becomes a command that has them in its environment.
The command never sees the access key or the code.
.PP
Without a command it tells where you stand, and what to type next.
Profiles are those of AWS's config file.
Durations are written as 90m, 8h, 1h30m or a number of seconds.
"""
_TAIL = """\
.SH FILES
.TP
.I ~/.aws/config
AWS's config file, or what
.B AWS_CONFIG_FILE
names.
.TP
.I ~/.local/state/vaultpy
What is enrolled and which MFA codes are spent; no secret
.RB ( XDG_STATE_HOME ).
.TP
.I ~/.local/share/vaultpy/keystore
The encrypted file with access keys, where it takes the place of the system keystore.
.SH EXAMPLES
.TP
Enrol an access key, with the profile of a role:
.B vaultpy add dev \\-\\-role dev-role=arn:aws:iam::123456789012:role/dev
.TP
Become a command with the role's credentials:
.B vaultpy exec dev-role \\-\\- terraform apply
.TP
See what is wrong:
.B vaultpy doctor
.SH SEE ALSO
.BR aws (1),
.BR ykman (1),
.BR pcscd (8)
"""


def text() -> str:
    """Return the page, for man/vaultpy.1."""
    program, *others = commands()
    parts = [_HEAD.format(version=__version__), ".SH OPTIONS\n", *map(_option, program.options)]
    parts.append(".SH COMMANDS\n")
    parts += [part for command in others if not command.is_group for part in _command(command)]
    parts += [".SH EXIT STATUS\n", *_table("commands.md", "Exit statuses")]
    parts += [".SH ENVIRONMENT\n", *_table("configuration.md", "Variables")]
    return "".join(parts) + _TAIL


def _command(command: Command) -> Iterator[str]:
    words = "".join(f" {argument.usage}" for argument in command.arguments)
    yield f".SS {_plain(command.name)}{_plain(words)}\n"
    summary, *rest = command.help.split("\n\n")
    yield f"{_plain(' '.join(summary.split()))}\n"
    for paragraph in rest:
        words = " ".join(paragraph.split())
        # Neither stretched nor hyphenated, for an example is copied.
        is_example = words.startswith("Example: ")
        yield f".PP\n.nf\n{_escaped(words)}\n.fi\n" if is_example else f".PP\n{_plain(words)}\n"
    yield from map(_option, command.options)


def _option(option: Option) -> str:
    names = ", ".join(f"\\fB{_plain(name)}\\fR" for name in sorted(option.names, key=len))
    value = f" \\fI{_plain(option.value)}\\fR" if option.value else ""
    return f".TP\n{names}{value}\n{_plain(option.help)}\n"


def _table(document: str, chapter: str) -> Iterator[str]:
    """Give the rows of the first table in a chapter, the first cell as what the second explains."""
    text = (DOCS / document).read_text(encoding="utf-8").partition(f"\n## {chapter}\n")[2]
    rows = re.search(r"^\|.*\|\n\|[-|]+\|\n((?:\|.*\|\n)+)", text, re.MULTILINE)
    assert rows, f"{document} has no table under {chapter}"
    for row in rows[1].splitlines():
        name, meaning = re.split(r" ?(?<!\\)\| ?", row)[1:3]
        yield f".TP\n\\fB{_plain(_unmarked(name))}\\fR\n" if name.strip() else ".br\n"
        yield f"{_plain(_unmarked(meaning))}\n"


def _unmarked(text: str) -> str:
    return re.sub(r"\[(.*?)\]\(.*?\)", r"\1", text.replace("`", "").replace("\\|", "|")).strip()


def _plain(text: str) -> str:
    """Return text that roff shows as it is, in lines that people can read."""
    text = _escaped(text)
    return "\n".join(re.sub(r"^(?=[.'])", r"\\&", line) for line in textwrap.wrap(text, 100)) or text


def _escaped(text: str) -> str:
    return text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...")
