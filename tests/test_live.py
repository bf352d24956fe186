"""`make live` on the stand-in: it answers as assumed, notices what is not so, and leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from live import ask_all, questions
from live_account import Clients, Live
from live_questions import QUESTIONS, Answer
from test_oath_contract import SimulatedBench
from yubikit.core import TRANSPORT

from support.aws import ACCOUNT
from support.pseudo_terminal import PseudoTerminal
from vaultpy.simulated.aws import SimulatedAws
from vaultpy.simulated.aws_faults import Fault
from vaultpy.simulated.yubikey import SimulatedYubiKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.aws import Clock
    from vaultpy.simulated.aws_accounts import AccessKey

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "hardware-tests" / "live.py"
PAGE = (ROOT / "docs" / "unproven.md").read_text()


@pytest.fixture
def admin(aws: SimulatedAws) -> AccessKey:
    """Return the access key of an administrator."""
    return aws.account(ACCOUNT).user("admin").access_key()


def live_user(aws: SimulatedAws, admin: AccessKey, wait: Callable[[float], None]) -> Live:
    session = boto3.Session(admin.id, admin.secret, region_name="eu-central-1")
    return Live(Clients(session, aws.clock, aws.url, f"{aws.url}/federation"), aws.clock, wait)


def left(aws: SimulatedAws) -> list[str]:
    """Return what is there beside the administrator."""
    account = aws.account(ACCOUNT)
    return [*(account.users.keys() - {"admin"}), *account.roles, *account.virtual_devices]


def test_all_is_as_assumed_and_nothing_is_left(aws: SimulatedAws, aws_clock: Clock, admin: AccessKey) -> None:
    key, lines = SimulatedYubiKey(), list[str]()
    with live_user(aws, admin, aws_clock.advance) as live:
        assert ask_all(live, questions(SimulatedBench(key, TRANSPORT.USB)), lines.append)
        assert left(aws)
    assert {line.split()[1] for line in lines} == {"yes"}
    assert (left(aws), live.left, key.accounts) == ([], [], {})


def test_every_question_of_the_page_is_asked_and_no_other() -> None:
    rows = [line.split(" | ") for line in PAGE.splitlines() if line.startswith("| A")]
    asked = {row[0].removeprefix("| ") for row in rows if row[-1].startswith("yes")}
    assert asked == {*QUESTIONS, "A33"}


def outlive_keys(aws: SimulatedAws) -> None:
    aws.habits.sessions_outlive_keys = True


def know_keys_late(aws: SimulatedAws) -> None:
    aws.habits.key_propagation = 90


def lengthen_tokens(aws: SimulatedAws) -> None:
    aws._cloud.token_size = 5000


CHANGED: list[tuple[str, str, Callable[[SimulatedAws], None]]] = [
    ("A7", "no      it was not refused", outlive_keys),
    ("A12", "no      60 s", know_keys_late),
    ("A22", "no      5000 characters", lengthen_tokens),
    ("A4", "differs ClientError: ", lambda aws: aws.fail_next("GetSessionToken", Fault.SERVER_ERROR)),
    ("A20", "differs 14 minutes", lambda aws: aws.fail_next("GetCallerIdentity", Fault.THROTTLING)),
]


@pytest.mark.parametrize(("number", "said", "change"), CHANGED, ids=[number for number, *_ in CHANGED])
def test_an_aws_that_does_otherwise_is_noticed_and_nothing_is_left(  # noqa: PLR0913, PLR0917  # a table's columns
    aws: SimulatedAws,
    aws_clock: Clock,
    admin: AccessKey,
    number: str,
    said: str,
    change: Callable[[SimulatedAws], None],
) -> None:
    lines: list[str] = []
    with live_user(aws, admin, aws_clock.advance) as live:
        change(aws)
        assert not ask_all(live, {number: QUESTIONS[number]}, lines.append)
    assert lines[0].startswith(f"{number:4}{said}")
    assert (left(aws), live.left) == ([], [])


def test_interrupted_while_it_waits_for_whatever_it_leaves_nothing(
    aws: SimulatedAws, aws_clock: Clock, admin: AccessKey
) -> None:
    waits = 0

    def count(seconds: float) -> None:
        nonlocal waits
        waits += 1
        aws_clock.advance(seconds)

    with live_user(aws, admin, count) as live:
        ask_all(live, QUESTIONS, lambda _line: None)
    for last in range(0, waits, 15):
        countdown = iter(range(last))

        def interrupt(seconds: float, countdown: Iterator[int] = countdown) -> None:
            aws_clock.advance(seconds)
            if next(countdown, None) is None:
                raise KeyboardInterrupt

        with suppress(KeyboardInterrupt), live_user(aws, admin, interrupt) as live:
            ask_all(live, QUESTIONS, lambda _line: None)
            pytest.fail("it was not interrupted")
        assert left(aws) == []


def test_what_cannot_be_removed_is_named(aws: SimulatedAws, aws_clock: Clock, admin: AccessKey) -> None:
    with live_user(aws, admin, aws_clock.advance) as live:
        aws.account(ACCOUNT).users["admin"].denied.add("iam:DeleteRole")
    assert len(live.left) == 3
    assert all("AccessDenied" in thing for thing in live.left)
    assert left(aws) == [thing.partition(": ")[0].removeprefix("role ") for thing in reversed(live.left)]


def test_a_question_that_breaks_does_not_keep_the_others_from_being_asked(
    aws: SimulatedAws, aws_clock: Clock, admin: AccessKey
) -> None:
    def break_off(_live: Live) -> Answer:
        raise ConnectionResetError("gone")

    lines: list[str] = []
    with live_user(aws, admin, aws_clock.advance) as live:
        assert not ask_all(live, {"A0": break_off, "A24": QUESTIONS["A24"]}, lines.append)
    assert lines == ["A0  differs ConnectionResetError: gone", "A24 yes"]


# ---- the command -------------------------------------------------------------------------------------


def environment(aws: SimulatedAws, admin: AccessKey, home: Path) -> dict[str, str]:
    (home / "config").write_text(
        f"[profile playground]\nregion = eu-central-1\naws_access_key_id = {admin.id}\n"
        f"aws_secret_access_key = {admin.secret}\n"
    )
    kept = {name: value for name, value in os.environ.items() if name not in {"CI", "HOME"}}
    return kept | {"HOME": str(home), "AWS_CONFIG_FILE": str(home / "config"), "AWS_ENDPOINT_URL": aws.url}


def test_it_begins_only_after_a_yes(admin: AccessKey, tmp_path: Path, aws: SimulatedAws) -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "--profile", "playground"],
        env=environment(aws, admin, tmp_path),
        input="maybe\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert f"come and go in account {ACCOUNT}" in done.stdout
    assert {call.action for call in aws.calls} == {"GetCallerIdentity"}


def test_in_ci_it_refuses(admin: AccessKey, tmp_path: Path, aws: SimulatedAws) -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "--profile", "playground"],
        env=environment(aws, admin, tmp_path) | {"CI": "true"},
        input="y\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "never runs in CI" in done.stderr
    assert aws.calls == []


def test_ctrl_c_ends_it_and_nothing_is_left(tmp_path: Path) -> None:
    with SimulatedAws() as aws:
        admin = aws.account(ACCOUNT).user("admin").access_key()
        command = [sys.executable, str(SCRIPT), "--profile", "playground"]
        with PseudoTerminal(command, environment(aws, admin, tmp_path)) as terminal:
            terminal.expect("begin? [y/N] ")
            terminal.type("y\n")
            aws.wait_for("CreateAccessKey")
            terminal.type("\x03")
            assert terminal.wait() == 130
        assert left(aws) == []
