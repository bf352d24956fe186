"""Record what a YubiKey answers, for the simulated one to be held to.

One file a scenario; the accounts are the tests' own, with the seed of RFC 4226 and RFC 6238, and are removed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from key_under_test import KeyUnderTest, KeyUnusableError
from transcript import Recorder, UnscrubbableError
from yubikit.core.smartcard import ApduError
from yubikit.oath import HASH_ALGORITHM, OATH_TYPE, CredentialData, OathSession

from vaultpy.errors import VaultpyError

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "vaultpy-hardware-test recording"
SEED = b"12345678901234567890"
CHALLENGE = (1).to_bytes(8, "big")
TIMES = (59, 1111111109)
TOTP, HOTP = OATH_TYPE.TOTP, OATH_TYPE.HOTP
SHA1, SHA256 = HASH_ALGORITHM.SHA1, HASH_ALGORITHM.SHA256


def select(_session: OathSession, _key: KeyUnderTest) -> None:
    """Do no more than every session begins with."""


def put_list_delete(session: OathSession, _key: KeyUnderTest) -> None:
    """Have an account come and go."""
    account = session.put_credential(CredentialData(NAME, TOTP, SHA1, SEED))
    session.list_credentials()
    session.delete_credential(account.id)
    session.list_credentials()


def put_name_too_long(session: OathSession, _key: KeyUnderTest) -> None:
    """Try a name of 65 bytes."""
    session.put_credential(CredentialData(NAME.ljust(65, "x"), TOTP, SHA1, SEED))


def calculate_totp(session: OathSession, _key: KeyUnderTest) -> None:
    """Take codes of RFC 6238's times."""
    account = session.put_credential(CredentialData(NAME, TOTP, SHA1, SEED))
    for time in TIMES:
        session.calculate_code(account, time)


def calculate_other_totp(session: OathSession, _key: KeyUnderTest) -> None:
    """Take codes with SHA-256, eight digits, steps of 60 s."""
    data = CredentialData(NAME, TOTP, SHA256, (SEED * 2)[:32], digits=8, period=60)
    account = session.put_credential(data)
    session.list_credentials()
    for time in TIMES:
        session.calculate_code(account, time)


def calculate_hotp(session: OathSession, _key: KeyUnderTest) -> None:
    """Move a counter by each code, and not by LIST."""
    account = session.put_credential(CredentialData(NAME, HOTP, SHA1, SEED))
    for _ in range(3):
        session.list_credentials()
        session.calculate_code(account)


def calculate_raw(session: OathSession, _key: KeyUnderTest) -> None:
    """Take the whole HMAC."""
    account = session.put_credential(CredentialData(NAME, TOTP, SHA256, SEED))
    session.calculate(account.id, CHALLENGE)


def calculate_missing(session: OathSession, _key: KeyUnderTest) -> None:
    """Ask for an account that is not there."""
    session.calculate(NAME.encode(), CHALLENGE)


def rename(session: OathSession, _key: KeyUnderTest) -> None:
    """Give an account a new name."""
    account = session.put_credential(CredentialData(NAME, TOTP, SHA1, SEED))
    session.rename_credential(account.id, NAME + " renamed")
    session.list_credentials()


def calculate_require_touch(session: OathSession, key: KeyUnderTest) -> None:
    """Wait for a touch that comes."""
    account = session.put_credential(CredentialData(NAME, TOTP, SHA1, SEED), touch_required=True)
    key.touch()
    session.calculate_code(account, TIMES[0])


def calculate_without_touch(session: OathSession, key: KeyUnderTest) -> None:
    """Wait for a touch that does not come, and go on."""
    account = session.put_credential(CredentialData(NAME, TOTP, SHA1, SEED), touch_required=True)
    key.leave_alone()
    try:
        session.calculate_code(account, TIMES[0])
    except ApduError:
        session.list_credentials()
    else:
        raise KeyUnusableError("the key was touched; record again, and leave it alone when told to")


class Scenario(NamedTuple):
    """What to do to the key, since which firmware that works, and whether the last command is refused."""

    name: str
    run: Callable[[OathSession, KeyUnderTest], None]
    since: tuple[int, int, int] = (0, 0, 0)
    refused: bool = False


SCENARIOS = (
    Scenario("Select", select),
    Scenario("PutListDelete", put_list_delete),
    Scenario("PutNameTooLong", put_name_too_long, refused=True),
    Scenario("CalculateTOTP", calculate_totp),
    Scenario("CalculateSHA256", calculate_other_totp),
    Scenario("CalculateHOTP", calculate_hotp),
    Scenario("CalculateRAW", calculate_raw),
    Scenario("CalculateMissing", calculate_missing, refused=True),
    Scenario("Rename", rename, since=(5, 3, 1)),
    Scenario("CalculateRequireTouch", calculate_require_touch, since=(4, 2, 6)),
    Scenario("CalculateWithoutTouch", calculate_without_touch, since=(4, 2, 6)),
)


def record(key: KeyUnderTest, scenario: Scenario) -> tuple[str, str] | None:
    """Run one; return the file's name and text, or None where the firmware cannot do it."""
    with key.connect() as connection:
        recorder = Recorder(connection)
        session = OathSession(recorder)
        version = str(session.version)
        if session.version < scenario.since:
            return None
        recorder.transcript(version)  # a key whose conversation cannot be scrubbed is asked no more
        try:
            scenario.run(session, key)
        except ApduError:
            if not scenario.refused:
                raise
        return f"yk-{version}-{scenario.name}.txt", recorder.transcript(version)


def record_all(key: KeyUnderTest, directory: Path) -> None:
    """Write all that the key can do into `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    key.remove_ours()
    for scenario in SCENARIOS:
        try:
            recorded = record(key, scenario)
        finally:
            key.remove_ours()
        if recorded is not None:
            name, text = recorded
            (directory / name).write_text(text)
    key.say(f"the recordings are in {directory}")


def main() -> None:
    """Take the key's serial number and where the files go."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--serial", required=True, help="of the YubiKey, as `ykman list` shows it")
    parser.add_argument("--out", required=True, type=Path, help="the directory for the files")
    options = parser.parse_args()
    try:
        record_all(KeyUnderTest(options.serial), options.out)
    except (ApduError, KeyUnusableError, UnscrubbableError, VaultpyError) as error:
        sys.exit(f"record: error: {error}")


if __name__ == "__main__":
    main()
