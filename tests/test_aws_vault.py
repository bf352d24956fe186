"""aws-vault is asked by its own commands, and what it answers or refuses is understood.

The stand-in prints what aws-vault's own `list` and `export` print (its cli/list.go and cli/export.go).
"""

from __future__ import annotations

import os
import sys
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest

from vaultpy.aws_vault import AwsVault
from vaultpy.errors import AwsVaultFailed, AwsVaultMissing, BadKeyInput

if TYPE_CHECKING:
    from pathlib import Path

KEY_ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG"
EXPORTED = f'{{\n  "Version": 1,\n  "AccessKeyId": "{KEY_ID}",\n  "SecretAccessKey": "{SECRET}"\n}}\n'
SESSION = EXPORTED.replace("\n}", ',\n  "SessionToken": "IQoJb3JpZ2luX2Vj"\n}')


class Waiter:
    """Who waits for aws-vault, at a terminal or not."""

    def __init__(self, *, at_terminal: bool = False) -> None:
        self.notes: list[str] = []
        self.noted = Event()
        self._at_terminal = at_terminal

    def note(self, text: str) -> None:
        """Hear it."""
        self.notes.append(text)
        self.noted.set()

    def can_ask(self) -> bool:
        """Tell whether there is a terminal."""
        return self._at_terminal


def aws_vault(directory: Path, script: str, **variables: str) -> AwsVault:
    """Return an aws-vault that is this shell script."""
    return waited_for(directory, script, Waiter(), variables=variables)


def waited_for(  # noqa: PLR0913  # what a test varies
    directory: Path,
    script: str,
    waiter: Waiter,
    *,
    note_after: float = 60.0,
    limit: float = 60.0,
    variables: dict[str, str] | None = None,
) -> AwsVault:
    """Return one that `waiter` waits for, told and given up after so many seconds."""
    program = directory / "aws-vault"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)
    environ = {"PATH": f"{directory}:/usr/bin:/bin", **(variables or {})}
    return AwsVault(environ, waiter, note_after=note_after, limit=limit)


def test_it_lists_the_names_of_what_it_keeps(tmp_path: Path) -> None:
    script = '[ "$*" = "list --credentials" ] && printf "dev\\nops team\\n\\n"'
    assert aws_vault(tmp_path, script).names() == ["dev", "ops team"]


def test_it_hands_out_a_key_by_its_own_export(tmp_path: Path) -> None:
    script = f"[ \"$*\" = 'export --no-session --format=json dev' ] && cat <<'END'\n{EXPORTED}END"
    access_key = aws_vault(tmp_path, script).access_key("dev")
    assert (access_key.id, access_key.secret.reveal()) == (KEY_ID, SECRET)


def test_it_gets_neither_our_passphrase_nor_the_marker_that_it_would_refuse(tmp_path: Path) -> None:
    names = ("VAULTPY_KEYSTORE_PASSPHRASE", "VAULTPY_KEYSTORE_PASSPHRASE_FILE", "AWS_VAULT")
    script = "env | cut -d= -f1 | grep -e PASSPHRASE -e AWS_"
    asked = aws_vault(tmp_path, script, AWS_VAULT_BACKEND="file", **dict.fromkeys(names, "mine"))
    assert asked.names() == ["AWS_VAULT_BACKEND"]


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("exit 3", "it ended with status 3"),
        (f"cat <<'END'\n{SESSION}END", "temporary credentials"),
        ("echo '{}'", "id or secret is missing"),
        ("printf '\\377'", "not UTF-8"),
        ("exec head -c 1000000 /dev/zero", "longer than 64 KiB"),
        (f"cat <<'END'\n{EXPORTED}END\nexit 1", "it ended with status 1"),
    ],
)
def test_what_is_no_key_is_told_without_what_it_printed(tmp_path: Path, script: str, problem: str) -> None:
    with pytest.raises(BadKeyInput, match=problem) as refused:
        aws_vault(tmp_path, script).access_key("dev")
    assert "what aws-vault exports for dev" in refused.value.message
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("name", ["--help", "@file", "a\nb"])
def test_it_is_not_asked_for_a_name_that_it_would_take_for_something_else(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadKeyInput, match="would not take that for a name"):
        aws_vault(tmp_path, f"touch {tmp_path}/asked").access_key(name)
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize(
    ("script", "reason"), [("exit 1", "it ended with status 1"), ("exec head -c 1000000 /dev/zero", "64 KiB")]
)
def test_a_list_that_fails_is_an_error(tmp_path: Path, script: str, reason: str) -> None:
    with pytest.raises(AwsVaultFailed, match=reason):
        aws_vault(tmp_path, script).names()


def test_it_may_be_missing(tmp_path: Path) -> None:
    with pytest.raises(AwsVaultMissing):
        AwsVault({"PATH": str(tmp_path)}, Waiter()).names()


def test_one_that_takes_its_time_is_told_of_and_waited_for_at_a_terminal(tmp_path: Path) -> None:
    waiter, go = Waiter(at_terminal=True), tmp_path / "go"
    os.mkfifo(go)

    def let_go() -> None:
        waiter.noted.wait(30)
        go.write_text("dev\n")

    Thread(target=let_go, daemon=True).start()
    slow = waited_for(tmp_path, f"cat {go}", waiter, note_after=0.05, limit=0.1)
    assert slow.names() == ["dev"]
    assert waiter.notes == ["waiting for aws-vault"]


def test_one_that_never_answers_is_given_up_with_all_it_started_where_nobody_can_answer_it(
    tmp_path: Path,
) -> None:
    asked = waited_for(tmp_path, "sleep 1000; echo dev", Waiter(), limit=0.2)
    with pytest.raises(AwsVaultFailed, match="did not end within"):
        asked.names()
    with pytest.raises(BadKeyInput, match="did not end within"):
        asked.access_key("dev")


def test_it_may_be_no_program(tmp_path: Path) -> None:
    asked = aws_vault(tmp_path, "")
    (tmp_path / "aws-vault").write_bytes(b"\x7fELF of nothing")
    with pytest.raises(AwsVaultMissing):
        asked.names()


def test_its_key_is_in_no_argument_and_in_no_file(tmp_path: Path) -> None:
    script = f"{sys.executable} -c \"import os; print(os.readlink('/proc/self/fd/1'))\""
    (name,) = aws_vault(tmp_path, script).names()
    assert name.startswith("pipe:")
