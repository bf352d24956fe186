"""What `vaultpy` alone says: where the user stands, and what to type next."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.broking import role
from vaultpy import errors
from vaultpy.config import Config
from vaultpy.digests import digest
from vaultpy.index import Index
from vaultpy.overview import overview
from vaultpy.plan import Options, make_plan
from vaultpy.records import ON_YUBIKEY, Enrolment, SessionEntry
from vaultpy.session_places import KeystorePlace
from vaultpy.simulated.keystore import MemoryKeystore

if TYPE_CHECKING:
    from collections.abc import Callable

    from vaultpy.session_places import Place

NOW = 1_800_000_000
ROLE = "arn:aws:iam::123456789012:role/dev"
SERIAL = "arn:aws:iam::123456789012:mfa/alice"
READER = "Yubico YubiKey OTP+FIDO+CCID 00 00"


class Clock:
    """AWS's."""

    def time(self) -> float:
        """Return the epoch of every test."""
        return NOW


class Cards:
    """The readers that hold a card."""

    def __init__(self, *readers: str) -> None:
        self._readers = readers

    def readers(self) -> list[str]:
        """Return their names."""
        return list(self._readers)


class Run:
    """A computer: AWS's files, what is enrolled, and what is plugged in."""

    def __init__(self, directory: Path, reach: Callable[[], Cards] = Cards) -> None:
        self._directory = directory
        self._reach = reach
        self.environ = {"AWS_CONFIG_FILE": str(directory / "config"), "HOME": str(directory)}
        self.index = Index(str(directory / "index"))
        self.ledger = Clock()
        self.places: list[Place] = [KeystorePlace(MemoryKeystore)]
        self.write_config("")

    def write_config(self, text: str) -> None:
        """Write AWS's config file, and read it."""
        (self._directory / "config").write_text(text)
        self.config = Config.load(self.environ)

    def credentials_path(self) -> str:
        """Return where AWS's other file would be."""
        return str(self._directory / "credentials")

    def cards(self) -> Cards:
        """Reach them, or fail to."""
        return self._reach()

    def enrol(self, name: str, *serials: str) -> None:
        """Enrol alice's access key, whose MFA devices these are."""
        self.index.enrol(
            Enrolment(
                name=name,
                access_key_id="AKIAIOSFODNN7EXAMPLE",
                user_arn="arn:aws:iam::123456789012:user/alice",
                mfa_serials=serials,
                keystore="system",
                keystore_file="",
                added=NOW,
            )
        )


def said(run: Run) -> str:
    return "\n".join(overview(run))


def next_command(run: Run) -> str:
    return next(line.removeprefix("next: ") for line in overview(run) if line.startswith("next: "))


def ready(run: Run) -> Run:
    """Return the computer of somebody who has all that exec needs."""
    run.write_config(
        f"[profile dev]\n{role(ROLE, 'dev-role')}".replace("source_profile = alice", "source_profile = dev")
    )
    run.enrol("dev", SERIAL)
    return run


def test_it_is_ten_lines_whatever_there_is(tmp_path: Path) -> None:
    assert len(overview(Run(tmp_path))) <= 10
    assert len(overview(ready(Run(tmp_path)))) <= 10


def test_its_words_fit_in_sixty_columns(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    (tmp_path / "in clear").mkdir()
    nothing, in_clear = Run(tmp_path / "nothing"), Run(tmp_path / "in clear")
    Path(in_clear.credentials_path()).write_text(
        "[dev]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = " + "x" * 40
    )
    bare, all_there = Run(tmp_path), ready(Run(tmp_path))
    bare.enrol("dev")
    told = [line for run in (nothing, in_clear, bare, all_there) for line in overview(run)]
    assert [line for line in told if len(line) > 60 and str(tmp_path) not in line] == []


def test_whoever_has_nothing_enrols_a_key_or_sees_the_demo(tmp_path: Path) -> None:
    run = Run(tmp_path)
    assert next_command(run) == "vaultpy add NAME"
    assert "vaultpy demo" in said(run)
    assert "none is enrolled yet" in said(run)


def test_keys_that_lie_in_clear_are_to_be_moved_in(tmp_path: Path) -> None:
    run = Run(tmp_path)
    secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    (tmp_path / "credentials").write_text(
        f"[dev]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = {secret}\n"
    )
    assert next_command(run) == "vaultpy import credentials"
    assert "moves 1 access key out" in said(run)
    assert secret not in said(run)


def test_an_access_key_on_a_yubikey_takes_two_touches(tmp_path: Path) -> None:
    run = ready(Run(tmp_path))
    known = run.index.enrolment("dev")
    assert known
    run.index.enrol(known.holding(known.access_key_id, "dev", NOW, (ON_YUBIKEY, "1")))
    assert "none, the next command asks for two touches" in said(run)


def test_a_key_without_an_mfa_device_gets_one(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.write_config("[profile a b]\nregion = eu-central-1\n")
    run.enrol("a b")
    assert next_command(run) == "vaultpy mfa enroll 'a b'"


def test_a_key_that_no_profile_leads_to_is_doctors_business(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.enrol("dev", SERIAL)
    run.write_config("[profile dev]\nrole_arn = x\n")
    assert next_command(run) == "vaultpy doctor"


def test_with_all_there_it_is_an_exec_in_a_role(tmp_path: Path) -> None:
    run = ready(Run(tmp_path, lambda: Cards(READER)))
    assert next_command(run) == "vaultpy exec dev-role -- aws sts get-caller-identity"
    assert READER in said(run)
    assert "none, the next command asks for one touch" in said(run)


def test_what_is_left_of_the_mfa_session_is_told(tmp_path: Path) -> None:
    run = ready(Run(tmp_path))
    plan = make_plan(run.config, run.index, "dev-role", Options(), run.environ)
    run.index.record(
        SessionEntry(
            digest=digest(plan.mfa_session_question()),
            expiration=NOW + 3600,
            duration=43200,
            places=(run.places[0].name,),
            access_key_id=plan.signer.key,
            label="MFA",
            profile="dev-role",
        )
    )
    assert "MFA session  1h 00m left" in said(run)
    assert "plug the YubiKey in" not in said(run)  # which needs no code


def test_without_a_yubikey_it_says_to_plug_it_in(tmp_path: Path) -> None:
    run = ready(Run(tmp_path))
    assert "none is plugged in" in said(run)
    assert "plug the YubiKey in" in said(run)


def test_another_makers_card_is_not_called_a_yubikey(tmp_path: Path) -> None:
    run = ready(Run(tmp_path, lambda: Cards("Alcor Micro AU9540 00 00")))
    assert "YubiKey      perhaps the card in Alcor Micro AU9540 00 00" in said(run)
    both = ready(Run(tmp_path, lambda: Cards("Alcor Micro AU9540 00 00", READER)))
    assert "Alcor" not in said(both)


def test_a_missing_smart_card_service_is_told_and_hinders_nothing(tmp_path: Path) -> None:
    def reach() -> Cards:
        raise errors.PcscRefused

    assert errors.PcscRefused.message in said(Run(tmp_path, reach))


@pytest.mark.slow
def test_a_smart_card_service_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    never = threading.Event()

    def reach() -> Cards:
        never.wait()
        return Cards()

    try:
        assert "the smart card service does not answer" in said(Run(tmp_path, reach))
    finally:
        never.set()


def test_many_names_are_cut_short(tmp_path: Path) -> None:
    run = Run(tmp_path)
    for name in "abcde":
        run.enrol(name, SERIAL)
    assert "a, b, c and 2 more" in said(run)
