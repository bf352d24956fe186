"""A code that leaves vaultpy is spent before; two in a row are for a resync, which AWS verifies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.aws import ACCOUNT, Clock
from support.broking import Person, Touched
from support.keys import SERIAL, Desk, ScriptedPerson, SimulatedCards
from vaultpy import errors
from vaultpy.config import Config
from vaultpy.credentials import AccessKey
from vaultpy.iam import Iam
from vaultpy.index import Index
from vaultpy.ledger import Ledger
from vaultpy.mfa import STEP_SECONDS, CodeWanted, TokenCode
from vaultpy.mfa_codes import Codes, code_wanted, learn_clock, makes_codes, resync
from vaultpy.plan import Options, make_plan
from vaultpy.records import Enrolment
from vaultpy.simulated.aws_faults import Fault
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vaultpy.mfa import Meanwhile
    from vaultpy.plan import Plan
    from vaultpy.simulated.aws import SimulatedAws
    from vaultpy.simulated.aws_accounts import AccessKey as AwsAccessKey
    from vaultpy.simulated.aws_accounts import User
    from vaultpy.simulated.aws_mfa import MfaDevice

pytest_plugins = ["support.aws_fixtures"]

FIDO = f"arn:aws:iam::{ACCOUNT}:u2f/user/alice/key-ABC"
TOKEN = "GAHT12345678"


def wish(*serials: str) -> CodeWanted:
    return CodeWanted(serials or (SERIAL,), "alice", account=None, purpose="a test")


class Table:
    """Alice with her key, and the codes that vaultpy makes of it; both clocks go on where she waits."""

    def __init__(self, directory: Path, clock: Clock, device: MfaDevice) -> None:
        self.clock = clock
        self.ledger = Ledger(str(directory), clock)
        self.touched = Touched(device, [])
        self.person = Person(clock)
        self.codes = Codes(self.ledger, self.touched, self.person)

    @property
    def step(self) -> int:
        """The present step."""
        return int(self.clock()) // STEP_SECONDS


@pytest.fixture
def table(tmp_path: Path, aws_clock: Clock, device: MfaDevice) -> Table:
    """Return a table with an empty ledger."""
    return Table(tmp_path, aws_clock, device)


def stepped(codes: tuple[TokenCode, TokenCode]) -> tuple[int | None, int | None]:
    return codes[0].step, codes[1].step


# ---- one code ----------------------------------------------------------------------------------------


def test_a_code_is_of_the_present_step_and_spent(table: Table, device: MfaDevice) -> None:
    step = table.step
    code = table.codes.one(wish())
    assert (code.step, code.digits.reveal()) == (step, device.code(step * STEP_SECONDS))
    assert table.ledger.spent(SERIAL) == step
    assert table.person.waits == []


def test_a_second_code_is_the_next_and_is_handed_out_when_its_step_has_begun(table: Table) -> None:
    first, second = table.codes.one(wish()), table.codes.one(wish())
    assert first.step is not None
    assert second.step == first.step + 1 == table.step
    [(text, seconds)] = table.person.waits
    assert text == "AWS takes each code once: this one counts in a moment"
    assert 0 < seconds <= STEP_SECONDS


def test_a_code_is_of_aws_time_as_far_as_that_is_known(table: Table) -> None:
    table.ledger.time.set_offset(300.0)
    assert table.codes.one(wish()).step == table.step + 10


def test_the_devices_are_locked_while_the_key_is_touched(table: Table) -> None:
    seen: list[str] = []

    def look() -> None:
        for serial in (SERIAL, f"{SERIAL}-spare"):
            lock = table.ledger.lock("mfa", serial, waiting=lambda _pid: None, patience=0)
            with pytest.raises(errors.StillBusy), lock:
                pass
            seen.append(serial)

    table.touched.meanwhile = look
    table.codes.one(wish(SERIAL, f"{SERIAL}-spare"))
    assert len(seen) == 2
    with table.ledger.lock("mfa", SERIAL, waiting=lambda _pid: None, patience=0):
        pass


def test_a_key_that_is_not_there_is_asked_for_without_naming_options_of_exec(
    tmp_path: Path, aws_clock: Clock
) -> None:
    desk = Desk(SimulatedCards(), ScriptedPerson())
    codes = Codes(Ledger(str(tmp_path), aws_clock), desk.yubikeys(), Person(aws_clock))
    with pytest.raises(errors.NoYubiKeyForCode) as raised:
        codes.one(wish())
    assert raised.value.hint == "plug in the one that has the account, then run this again"


# ---- two codes in a row ------------------------------------------------------------------------------


def test_a_pair_is_of_the_previous_and_the_present_step_and_waits_for_nothing(table: Table) -> None:
    step = table.step
    assert stepped(table.codes.pair(wish())) == (step - 1, step)
    assert table.ledger.spent(SERIAL) == step
    assert table.person.waits == []
    assert [wanted.reason for wanted in table.touched.wanted] == ["", "AWS wants two codes in a row"]


@pytest.mark.parametrize(("ahead", "first"), [(-1, 0), (0, 1), (1, 2)])
def test_no_pair_has_a_spent_step(table: Table, ahead: int, first: int) -> None:
    step = table.step
    table.ledger.spend(SERIAL, step + ahead)
    assert stepped(table.codes.pair(wish())) == (step + first, step + first + 1)
    assert table.step == step + first + 1


def test_the_second_code_is_of_the_device_that_gave_the_first(table: Table) -> None:
    table.codes.pair(wish(f"{SERIAL}-other", SERIAL))
    assert [wanted.mfa_serials for wanted in table.touched.wanted] == [
        (f"{SERIAL}-other", SERIAL),
        (SERIAL,),
    ]


def test_a_pair_that_comes_too_late_is_asked_for_once_more_with_the_reason(table: Table) -> None:
    delays = [0.0, 2.0 * STEP_SECONDS]
    table.touched.meanwhile = lambda: table.clock.advance(delays.pop(0) if delays else 0.0)
    step = table.step
    assert stepped(table.codes.pair(wish())) == (step + 1, step + 2)
    assert [wanted.reason for wanted in table.touched.wanted][2:] == [
        "the last two codes came too late",
        "AWS wants two codes in a row",
    ]


# ---- resync ------------------------------------------------------------------------------------------


class Resync:
    """A resync of alice's device at the simulated AWS."""

    def __init__(self, table: Table, aws: SimulatedAws, key: AwsAccessKey) -> None:
        self.table = table
        key.effective_from = 0
        self._iam = Iam("eu-central-1", aws.url, {}, "dev")
        self._key = AccessKey(key.id, Secret(key.secret))

    def __call__(self) -> str:
        """Do it."""
        return resync(self._iam, self._key, self.table.codes, wish(), profile="dev", user_name="alice")


@pytest.fixture
def do_resync(table: Table, aws: SimulatedAws, key: AwsAccessKey) -> Resync:
    """Return what resyncs."""
    return Resync(table, aws, key)


def test_aws_takes_the_codes_and_is_in_step_again(do_resync: Resync, device: MfaDevice) -> None:
    device.out_of_sync = True
    assert do_resync() == SERIAL
    assert not device.out_of_sync
    device.out_of_sync = True
    assert do_resync() == SERIAL
    assert not device.out_of_sync


def refused_as(call: Callable[[], object], kind: type[errors.VaultpyError]) -> str:
    with pytest.raises(kind) as raised:
        call()
    return raised.value.hint


def test_a_user_who_may_not_resync_is_sent_to_an_administrator(do_resync: Resync, alice: User) -> None:
    alice.denied_without_mfa.add("iam:ResyncMFADevice")
    hint = refused_as(do_resync, errors.DeviceForbidden)
    assert hint == "have an administrator resync it in IAM, with the codes of: vaultpy mfa code dev"


def test_codes_of_another_secret_are_told_from_those_of_a_clock(do_resync: Resync) -> None:
    do_resync.table.touched.wrong = 2
    refused_as(do_resync, errors.ResyncRefused)


def test_a_device_that_is_not_the_users_is_named(do_resync: Resync, alice: User) -> None:
    del alice.mfa_devices[SERIAL]
    refused_as(do_resync, errors.NotTheirDevice)


def test_codes_whose_fate_is_unknown_are_not_given_again(do_resync: Resync, aws: SimulatedAws) -> None:
    aws.fail_next("ResyncMFADevice", Fault.CLOSE_AFTER)
    refused_as(do_resync, errors.NoAnswer)
    assert do_resync() == SERIAL
    steps = do_resync.table.touched.steps
    assert len(set(steps)) == 4


# ---- which devices -----------------------------------------------------------------------------------


@pytest.fixture
def plan_of(tmp_path: Path) -> Callable[[tuple[str, ...]], Plan]:
    """Return what makes the plan of a user whose devices the index knows."""

    def plan(serials: tuple[str, ...]) -> Plan:
        (tmp_path / "config").write_text("[profile dev]\nvaultpy_account = mine\n")
        environ = {"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"}
        index = Index(str(tmp_path / "index"))
        index.enrol(
            Enrolment(
                name="dev",
                access_key_id="AKIAIOSFODNN7EXAMPLE",
                user_arn=f"arn:aws:iam::{ACCOUNT}:user/alice",
                mfa_serials=serials,
                keystore="system",
                keystore_file="",
                added=0,
            )
        )
        return make_plan(Config.load(environ), index, "dev", Options(), environ)

    return plan


def test_the_wish_names_what_a_yubikey_can_stand_for(
    plan_of: Callable[[tuple[str, ...]], Plan],
) -> None:
    wanted = code_wanted(plan_of((FIDO, SERIAL, TOKEN)), "a code of")
    assert (wanted.mfa_serials, wanted.user_name, wanted.account) == ((SERIAL,), "alice", "mine")
    assert wanted.purpose == f"a code of arn:aws:iam::{ACCOUNT}:user/alice for dev"
    assert code_wanted(plan_of((SERIAL,)), "a code of", SERIAL + "2").mfa_serials == (SERIAL + "2",)


@pytest.mark.parametrize("serials", [(), (FIDO,), (TOKEN,)])
def test_without_such_a_device_there_is_no_wish(
    serials: tuple[str, ...], plan_of: Callable[[tuple[str, ...]], Plan]
) -> None:
    with pytest.raises(errors.NoMfaDevice):
        code_wanted(plan_of(serials), "a code of")


def test_hardware_tokens_and_fido_make_no_codes_here() -> None:
    assert [makes_codes(serial) for serial in (SERIAL, FIDO, TOKEN)] == [True, False, False]


@pytest.mark.parametrize(("measured", "known"), [(300.0, 300.0), (1.0, 0.0)])
def test_aws_clock_is_remembered_unless_the_difference_is_noise(
    table: Table, measured: float, known: float
) -> None:
    learn_clock(table.ledger, measured)
    assert table.ledger.time.offset() == known


def test_somebody_who_types_gives_no_code_here(table: Table) -> None:
    class Typed:
        def token_code(
            self, wanted: CodeWanted, step_for: Callable[[str], int], meanwhile: Meanwhile
        ) -> TokenCode:
            del step_for, meanwhile
            return TokenCode(wanted.mfa_serials[0], "123456", None)

    with pytest.raises(AssertionError):
        Codes(table.ledger, Typed(), table.person).one(wish())
    assert table.ledger.spent(SERIAL) is None
