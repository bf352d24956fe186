"""Ask AWS what docs/unproven.md only assumes, with a throw-away IAM user and, if one is named, a YubiKey.

An IAM user, three roles and MFA devices named vaultpy-live-... come and go in the account of PROFILE.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from key_under_test import KeyUnderTest, KeyUnusableError
from live_account import Clients, Live
from live_questions import QUESTIONS, Answer, a33
from yubikit.core.smartcard import ApduError
from yubikit.oath import HASH_ALGORITHM, OATH_TYPE, CredentialData, OathSession

from vaultpy.errors import VaultpyError
from vaultpy.simulated.aws_mfa import STEP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from oath_contract import Bench

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
_PROBLEMS = (BotoCoreError, ClientError, KeyUnusableError, ApduError, VaultpyError, OSError)


def codes_off(key: Bench) -> Callable[[bytes, int], tuple[str, str]]:
    """Return what makes two codes on the YubiKey, on an account of ours that goes again."""

    def codes(seed: bytes, step: int) -> tuple[str, str]:
        with key.connect() as connection:
            session = OathSession(connection)
            key.unlock(session)
            data = CredentialData(key.name(), OATH_TYPE.TOTP, HASH_ALGORITHM.SHA1, seed)
            account = session.put_credential(data)
            try:
                first, second = (session.calculate_code(account, (step + n) * STEP).value for n in (0, 1))
            finally:
                session.delete_credential(account.id)
        return first, second

    return codes


def questions(key: Bench | None) -> dict[str, Callable[[Live], Answer]]:
    """Return all questions by their numbers; that about a YubiKey only where there is one."""
    about_the_key = {"A33": lambda live: a33(live, codes_off(key))} if key is not None else {}
    return {**QUESTIONS, **about_the_key}


def ask_all(live: Live, asked: Mapping[str, Callable[[Live], Answer]], say: Callable[[str], None]) -> bool:
    """Ask question after question; tell whether all were answered yes."""
    as_assumed = True
    for number, ask in asked.items():
        try:
            answer = ask(live)
        except _PROBLEMS as problem:
            answer = Answer("differs", f"{type(problem).__name__}: {problem}")
        as_assumed &= answer.verdict == "yes"
        say(f"{number:4}{answer.verdict:8}{answer.seen}".rstrip())
    return as_assumed


@contextmanager
def orderly() -> Iterator[None]:
    """Let signals end what is done inside as Ctrl-C does; those that come while it is ended, not at all."""
    numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]

    def once(_number: int, _frame: object) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = [signal.signal(number, once) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _words() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--profile", required=True, help="of an administrator, in an account to play with")
    parser.add_argument("--serial", help="of a YubiKey, as `ykman list` shows it")
    return parser.parse_args()


def main() -> int:
    """Ask whether to begin, and then AWS; return 0 where all is as assumed."""
    options = _words()
    if os.environ.get("CI"):
        sys.exit("live: error: this changes a real account, and never runs in CI")
    session = boto3.Session(profile_name=options.profile)
    if session.region_name is None:
        session = boto3.Session(profile_name=options.profile, region_name="us-east-1")
    identity = session.client("sts").get_caller_identity()
    print(f"live: a user, three roles and MFA devices come and go in account {identity['Account']}")
    print(f"live: as {identity['Arn']}, for about ten minutes")
    if input("live: begin? [y/N] ").strip().lower() not in {"y", "yes"}:
        return 1
    key = KeyUnderTest(options.serial) if options.serial else None
    if key is not None:
        key.remove_ours()
    live = Live(Clients(session, time.time), time.time, time.sleep)
    with orderly():
        try:
            with live:
                as_assumed = ask_all(live, questions(key), lambda line: print(line, flush=True))
        finally:
            for thing in live.left:
                print(f"live: error: still there: {thing}", file=sys.stderr)
    return int(not as_assumed or bool(live.left))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except _PROBLEMS as problem:
        sys.exit(f"live: error: {problem}")
