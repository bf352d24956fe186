"""Names of accounts, profiles, roles and hosts, as files, cards and networks have them, shown to a person.

Whatever they are made of, a terminal, a notification and AppleScript get what is seen, or its escape.
"""

from __future__ import annotations

import ast
import base64
import io
import itertools
import os
import string
import unicodedata
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vaultpy
from support.fuzzing import examples
from vaultpy import errors
from vaultpy.accounts import Account
from vaultpy.cli import context
from vaultpy.cli.table import table
from vaultpy.notifications import _APPLESCRIPT, _POWERSHELL, _command
from vaultpy.terminal import Terminal
from vaultpy.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

PACKAGE = Path(vaultpy.__file__).parent
NASTY = st.sampled_from(
    [
        "\x1b[2J",
        "\x1b]0;title\x07",
        "\x1b]52;c;aGk=\x07",
        "\x9b2J",
        "\x90q\x9c",
        "\r",
        "\n",
        "\b\b\b",
        "\x00",
        "\x7f",
        "\u202e",
        "\u2066",
        "\u200b",
        "\u2028",
        "\ufeff",
        "\u00ad",
        "\U000e0041",
        "\ud800",
        "\udc80",
        "\ufe0f",
        "\u3164",
        '" & (do shell script "id") & "',
        "\\",
        "$(id)",
        "`id`",
        "<b>",
        "&amp;",
        "'; calc; '",
        "{0}",
        "{profile}",
        "%s",
        "-e",
        "--help",
    ]
)
NAMES = st.lists(NASTY | st.text(max_size=6) | st.just("dev"), min_size=1, max_size=6).map("".join)
DESKTOP = {"DISPLAY": ":0", "DBUS_SESSION_BUS_ADDRESS": "unix:path=/x", "SYSTEMROOT": "C:\\Windows"}
# A test of its own judgement: none of ours are asked.
MOVES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def moves(text: str) -> list[str]:
    """Return the characters of `text` that could move a cursor, reorder a line or change a terminal."""
    return [c for c in text if unicodedata.category(c) in MOVES]


class Heard(Terminal):
    """A terminal without a tty: what it says is in `said`, and what it shows on the desktop in `shown`."""

    def __init__(self) -> None:
        self.said = io.StringIO()
        self.shown: list[str] = []
        super().__init__({}, self.said, "/nonexistent/tty", lambda: 0.0, notify=self._note)

    def _note(self, text: str, _seconds: float, _environ: Mapping[str, str]) -> Heard:
        self.shown.append(text)
        return self

    def __call__(self) -> None:
        """End a notice."""


@examples(100)
@given(NAMES)
def test_the_voice_says_nothing_raw(name: str) -> None:
    terminal = Heard()
    terminal.error(errors.NoSuchProfile(profile=name, path=name))
    terminal.error(errors.AwsRefused(code=name, reason=name))
    terminal.warn(name)
    terminal.debug(name)
    terminal.note(name)
    terminal.break_in(name, 1)
    terminal.show(name, label=name, style="x")
    with terminal.waiting(name, 1):
        pass
    lines = terminal.said.getvalue().split("\n")
    assert [moves(line) for line in lines] == [[]] * len(lines)
    assert len(lines) - 1 == 2 + 2 + 5 + 2  # break_in leaves a line free; none was broken


@examples(60)
@given(NAMES, NAMES)
def test_stdout_gets_nothing_raw(name: str, other: str) -> None:
    data = io.BytesIO()
    stdout = io.TextIOWrapper(data, "ascii", write_through=True)
    with redirect_stdout(stdout):
        context.say(name)
        for line in table([(printable(name), printable(other))] * 2, 30):
            context.say(line)
    lines = data.getvalue().decode("ascii").split("\n")
    assert [moves(line) for line in lines] == [[]] * len(lines)


ERRORS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.VaultpyError) and kind.message
]


class Anything(dict[str, str]):
    """The facts of any error, each the same."""

    def __missing__(self, key: str) -> str:
        return self["name"]


@examples(40)
@given(NAMES)
def test_no_error_holds_anything_raw(name: str) -> None:
    for kind in ERRORS:
        facts = Anything(name=name)
        fields = {
            field.partition(".")[0]
            for text in (kind.message, kind.hint)
            for _, field, _, _ in string.Formatter().parse(text)
            if field
        }
        error = kind(**{field: facts[field] for field in fields})
        assert moves(error.message + error.hint) == [], kind
        assert moves(str(error)) == [], kind


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
@examples(60)
@given(name=NAMES)
def test_a_notification_gets_nothing_raw_and_no_script_any_of_it(
    tmp_path_factory: pytest.TempPathFactory, platform: str, name: str
) -> None:
    bin_directory = tmp_path_factory.getbasetemp() / "bin"
    bin_directory.mkdir(exist_ok=True)
    (bin_directory / "notify-send").touch(0o755)
    found = _command(f"touch for {name}", 10, {**DESKTOP, "PATH": str(bin_directory)}, platform)
    assert found is not None
    words, environment = found
    assert not any(moves(text) for text in (*words, *environment.values()))
    if platform == "linux":
        assert words[-3] == "--"
        assert "<" not in words[-1]
        assert not any(name in word for word in words[:-1] if len(name) > len("-e"))
    elif platform == "darwin":
        scripts = [after for word, after in itertools.pairwise(words) if word == "-e"]
        assert scripts[: len(_APPLESCRIPT)] == list(_APPLESCRIPT)
        assert words[1 + 2 * len(_APPLESCRIPT) :] == ["vaultpy", words[-1]]
    else:
        assert base64.b64decode(words[-1]).decode("utf-16-le") == _POWERSHELL


@examples(60)
@given(st.binary(max_size=64) | NAMES.map(lambda name: name.encode("utf-8", "surrogatepass")[:64]))
def test_an_account_s_name_is_shown_escaped(account_id: bytes) -> None:
    account = Account(account_id, "TOTP, SHA1", fits=True)
    assert moves(printable(account.name)) == []
    account.name.encode("utf-8", "surrogateescape")


# ---- no way around these -----------------------------------------------------------------------------

WAYS_OUT = {
    "warm": "a session's JSON, which is ASCII",
    "terminal": "the voice",
    "controlling_terminal": "what the voice writes to",
    "each_output": "what commands print, which is theirs",
    "ledger": "a lock's file",
    "token_file": "a file for SDKs",
    "cli.run": "an export, to a pipe or escaped",
    "cli.app": "the version",
    "cli.context": "stdout, escaped",
    "demo.play": "text of its own, in a child",
}


def _writes(tree: ast.AST) -> bool:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        if called in {"print", "os.write", "typer.echo", "typer.secho", "os.writev"}:
            return True
        if called.startswith(("sys.stdout.", "sys.stderr.", "sys.__std")) and "write" in called:
            return True
    return False


def test_nothing_is_written_to_a_person_but_where_it_is_made_harmless() -> None:
    writers = {
        str(path.relative_to(PACKAGE).with_suffix("")).replace(os.sep, ".")
        for path in PACKAGE.rglob("*.py")
        if _writes(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert writers - {it for it in writers if it.startswith(("simulated.", "server."))} <= set(WAYS_OUT)
