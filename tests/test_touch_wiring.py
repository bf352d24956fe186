"""What a run asks YubiKeys for: a day key once a day, of the key that is named, kept only if that is said."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, cast

import pytest

from support.aws import Clock
from support.keys import READER, ScriptedPerson, SimulatedCards
from support.on_yubikey import protect
from support.signing import put_on_key
from vaultpy import errors
from vaultpy.config import Config
from vaultpy.index import Index
from vaultpy.ledger import Ledger
from vaultpy.plan import Options, make_plan
from vaultpy.records import ON_YUBIKEY, Enrolment
from vaultpy.session_places import KeystorePlace
from vaultpy.signing_account import Signing, aws_date
from vaultpy.simulated.keystore import MemoryKeystore
from vaultpy.simulated.yubikey import SimulatedYubiKey
from vaultpy.touch_wiring import day_key
from vaultpy.values import Secret

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from vaultpy.credentials import DayKey
    from vaultpy.oath_passwords import OathPasswords
    from vaultpy.plan import Plan
    from vaultpy.session_places import Place
    from vaultpy.wiring import Wiring
    from vaultpy.yubikey import YubiKey

KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SERIAL = "arn:aws:iam::123456789012:mfa/alice"
NOON = 1795132800.0 + 12 * 60 * 60
DAY = 24 * 60 * 60
SECOND = "Yubico YubiKey OTP+FIDO+CCID 01 00"


class Quiet(KeystorePlace):
    """A place in memory that asks nobody, as the kernel's keyring."""

    quiet = True


class Terminal:
    """Where somebody sits who touches, and types nothing; `waits` counts who waits for another."""

    def __init__(self) -> None:
        self.waits = threading.Semaphore(0)

    def note(self, text: str) -> None:
        """Hear that somebody waits."""
        assert "waiting for process" in text
        self.waits.release()

    def can_ask(self) -> bool:
        """Be one."""
        return True

    def waiting(self, text: str, seconds: float, *, typing: bool) -> AbstractContextManager[ScriptedPerson]:
        """Wait for the finger; nobody is invited to type."""
        assert not typing
        return ScriptedPerson().waiting(text, seconds)


class _NoPasswords:
    def unlock_unasked(self, key: YubiKey) -> bool:
        return not key.locked


class Run:
    """The objects of one run, as far as a day key needs them; `again` is the next run."""

    def __init__(self, directory: Path, *, setting: str = "") -> None:
        path = directory / "config"
        path.write_text(f"[profile dev]\nregion = eu-central-1\n{setting}\n")
        self.environ = {"AWS_CONFIG_FILE": str(path), "AWS_SHARED_CREDENTIALS_FILE": str(directory / "none")}
        self.config = Config.load(self.environ)
        self.clock = Clock(NOON)
        self.ledger = Ledger(str(directory / "state"), self.clock)
        self.index = Index(str(directory / "state" / "index"))
        memory = MemoryKeystore[Secret]()
        self.places: list[Place] = [Quiet(lambda: memory)]
        self.day_keys: dict[str, object] = {}
        self.terminal = Terminal()
        self.key = SimulatedYubiKey(1)
        put_on_key(self.key, KEY_ID, "the secret")
        self._cards = SimulatedCards.with_key(self.key)
        self.index.enrol(
            Enrolment(
                name="dev",
                access_key_id=KEY_ID,
                user_arn="arn:aws:iam::123456789012:user/alice",
                mfa_serials=(SERIAL,),
                keystore=ON_YUBIKEY,
                keystore_file="1",
                added=0,
            )
        )

    def again(self) -> Run:
        """Forget what a run forgets."""
        self.day_keys.clear()
        return self

    def cards(self) -> SimulatedCards:
        """Return the readers."""
        return self._cards

    def oath_passwords(self) -> OathPasswords:
        """Return what remembers nothing, and asks nobody."""
        return cast("OathPasswords", _NoPasswords())

    def sts(self, plan: Plan) -> Run:
        """Return AWS, which has this computer's clock."""
        assert plan.signer.key == KEY_ID
        return self

    def clock_offset(self) -> float:
        """Return nothing worth telling."""
        return 0.0

    def ask(self, signing: Signing | None = None) -> str:
        """Return the date of the day key that the run gets."""
        return self.get(signing or Signing()).date

    def get(self, signing: Signing) -> DayKey:
        """Return the day key that the run gets."""
        plan = make_plan(self.config, self.index, "dev", Options(), self.environ)
        return day_key(cast("Wiring", self), plan, signing)


def test_a_run_asks_for_one_touch_a_day_however_often_it_signs(tmp_path: Path) -> None:
    run = Run(tmp_path)
    assert [run.ask(), run.ask()] == ["20261120", "20261120"]
    assert run.key.calculations == 1
    run.clock.advance(DAY)
    assert run.ask() == "20261121"
    assert run.key.calculations == 2


def test_two_threads_of_one_run_cost_one_touch(tmp_path: Path) -> None:
    run = Run(tmp_path)
    with ThreadPoolExecutor(2) as threads, run.ledger.lock("signing", KEY_ID, waiting=lambda _: None):
        asked = [threads.submit(run.ask) for _ in range(2)]
        assert run.terminal.waits.acquire(timeout=30)
        assert run.terminal.waits.acquire(timeout=30)
    assert [it.result() for it in asked] == ["20261120", "20261120"]
    assert run.key.calculations == 1


def test_only_who_has_just_touched_is_told_of_the_second_touch(tmp_path: Path) -> None:
    run = Run(tmp_path, setting="vaultpy_day_key = keep")
    before_code = Signing(before_code=True)
    assert [run.get(before_code).before_code, run.get(before_code).before_code] == [True, False]
    assert not run.again().get(before_code).before_code
    assert not Run(tmp_path).get(Signing()).before_code


def test_the_next_run_asks_again(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.ask()
    run.again().ask()
    assert run.key.calculations == 2
    assert run.index.sessions() == []


def test_where_it_is_to_be_kept_the_next_run_of_the_day_does_not(tmp_path: Path) -> None:
    run = Run(tmp_path, setting="vaultpy_day_key = keep")
    run.ask()
    run.again().ask()
    assert run.key.calculations == 1
    run.clock.advance(DAY)
    assert run.again().ask() == aws_date(NOON + DAY)
    assert run.key.calculations == 2


def test_without_a_cache_nothing_is_kept_and_nothing_kept_is_used(tmp_path: Path) -> None:
    run = Run(tmp_path, setting="vaultpy_day_key = keep")
    run.ask(Signing(cache=False))
    assert run.index.sessions() == []
    run.again().ask()
    run.again().ask(Signing(cache=False))
    assert run.key.calculations == 3


def test_it_is_kept_in_no_place_that_could_ask(tmp_path: Path) -> None:
    run = Run(tmp_path, setting="vaultpy_day_key = keep")
    run.places = [KeystorePlace(MemoryKeystore[Secret])]
    run.ask()
    assert run.index.sessions() == []


def test_the_yubikey_that_is_named_signs_and_no_other(tmp_path: Path) -> None:
    run = Run(tmp_path)
    spare = SimulatedYubiKey(2)
    put_on_key(spare, KEY_ID, "the secret")
    run.cards().keys = {READER: run.key, SECOND: spare}
    run.ask(Signing("2"))
    assert (run.key.calculations, spare.calculations) == (0, 1)


def test_the_password_of_a_yubikey_that_the_index_does_not_name_is_asked_of_nobody(tmp_path: Path) -> None:
    run = Run(tmp_path)
    other = SimulatedYubiKey(7)
    protect(other)
    run.cards().keys = {READER: other, SECOND: run.key}
    assert run.ask() == "20261120"


def test_the_keys_profile_decides_and_what_it_says_is_checked(tmp_path: Path) -> None:
    with pytest.raises(errors.BadConfigValue, match="vaultpy_day_key"):
        Run(tmp_path, setting="vaultpy_day_key = always").ask()
