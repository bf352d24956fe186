"""Would `exec` ask for a touch: told beforehand, and held to what the broker then does."""

from __future__ import annotations

from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.aws import ACCOUNT
from support.broking import Desk, role
from support.fuzzing import examples
from support.schemas import assert_promised
from vaultpy.config import Config
from vaultpy.credentials import Credentials
from vaultpy.digests import digest
from vaultpy.errors import BadConfigValue, BadVariable, StateUnusable, VaultpyError
from vaultpy.index import Index
from vaultpy.kept_day_keys import question as kept_question
from vaultpy.plan import Options, Plan
from vaultpy.readiness import Held, Readiness, at_hand, plan_for, readiness, usable_plans
from vaultpy.records import ON_YUBIKEY, SessionEntry
from vaultpy.session_places import KeystorePlace
from vaultpy.sessions import SessionStore
from vaultpy.signing_account import aws_date
from vaultpy.simulated.keystore import MemoryKeystore
from vaultpy.sts import Sts
from vaultpy.values import Secret

if TYPE_CHECKING:
    from pathlib import Path

    from vaultpy.access_keys import Keystore
    from vaultpy.simulated.aws import SimulatedAws
    from vaultpy.simulated.aws_accounts import AccessKey as AwsAccessKey
    from vaultpy.simulated.aws_accounts import Account
    from vaultpy.simulated.aws_mfa import MfaDevice
    from vaultpy.sts_requests import Request

pytest_plugins = ["support.aws_fixtures"]
HOUR = 3600
NOW = 1_800_000_000


class MemoryPlace(KeystorePlace):
    """A place that may be looked into, as the kernel's keyring may."""

    name = "memory"
    quiet = True


def never_opened() -> Keystore:
    """Stand for a keystore that nobody may open."""
    raise AssertionError


@pytest.fixture
def desk(tmp_path: Path, aws: SimulatedAws, key: AwsAccessKey, device: MfaDevice) -> Desk:
    """Return alice's computer, her key enrolled."""
    return Desk(tmp_path, aws, key, device)


@pytest.fixture
def account(aws: SimulatedAws) -> Account:
    """Return an account with roles that require MFA."""
    account = aws.account(ACCOUNT)
    for name in ("one", "two"):
        account.role(name, requires_mfa=True, max_duration=12 * HOUR)
    account.role("last", trusts=[f"arn:aws:iam::{ACCOUNT}:role/one"], max_duration=12 * HOUR)
    return account


def arn(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


CONFIG = (
    role(arn("one"), "one")
    + role(arn("two"), "two")
    + role(arn("two"), "long", more="duration_seconds = 28800")
    + role(arn("two"), "direct", more="vaultpy_mfa = direct")
    + role(arn("last"), "chained", source="one")
)
PROFILES = ("dev", "one", "two", "long", "direct", "chained")


def foreseen(desk: Desk, plan: Plan) -> Readiness:
    """Return what is told beforehand, by the clock and in the places of that computer."""
    look = at_hand(desk.index, desk.sessions._places, desk.ledger.time)
    return readiness(plan, look, desk.ledger.time())


def is_asked(desk: Desk, plan: Plan) -> bool:
    """Get the plan's credentials, or fail to; tell whether somebody was asked for a touch."""
    desk.events.clear()
    with suppress(VaultpyError):
        desk.credentials(plan)
    return "touch" in desk.events


def later(desk: Desk, seconds: float) -> None:
    desk.clock.advance(seconds)
    desk.aws_clock.advance(seconds)


# ---- held to the broker ------------------------------------------------------------------------------


class Generous(Sts):
    """An STS that grants what it is asked for, so that time can pass as a test wants it."""

    def prepare(self) -> None:
        """Need nothing."""

    def clock_offset(self) -> float:
        """Agree with the computer's clock."""
        return 0

    def credentials(
        self,
        request: Request,
        signer: object,  # noqa: ARG002  # whoever it is
        code: object,  # noqa: ARG002  # whichever
        facts: object,  # noqa: ARG002  # for errors
    ) -> Credentials:
        """Grant it."""
        return Credentials("ASIA", Secret("secret"), Secret("token"), int(self._clock()) + request.duration)


def is_asked_in_time(desk: Desk, plan: Plan) -> bool:
    """Get the plan's credentials from an AWS that grants them; tell whether a touch was asked for."""
    desk.events.clear()
    desk.broker(plan, sts=Generous("", None, {}, desk.clock)).credentials(plan)
    return "touch" in desk.events


PLACES = st.sampled_from([MemoryPlace, KeystorePlace])
DURATIONS = st.sampled_from([None, 900, HOUR, 2 * HOUR])
WAITS = [0, 400, 601, 3299, 3301, 3601, 12 * HOUR - 301, 12 * HOUR - 299]
RUNS = st.tuples(st.sampled_from(PROFILES), DURATIONS, st.sampled_from(WAITS))
FRESH: list[tuple[str, int | None, int]] = []


def agree(desk: Desk, runs: list[tuple[str, int | None, int]], profile: str, duration: int | None) -> str:
    """Play the runs, each with its duration and the wait after it; return what is foreseen, once it is so."""
    for name, seconds, wait in runs:
        is_asked_in_time(desk, desk.plan(CONFIG, name, Options(duration=seconds)))
        later(desk, wait)
    plan = desk.plan(CONFIG, profile, Options(duration=duration))
    told = foreseen(desk, plan)
    assert told.asks == ("touch" if is_asked_in_time(desk, plan) else "")
    return told.asks


@given(
    runs=st.lists(RUNS, max_size=3),
    serials=st.booleans(),
    place=PLACES,
    profile=st.sampled_from(PROFILES),
    duration=DURATIONS,
)
@examples(60)
def test_a_touch_is_foreseen_exactly_when_the_broker_then_asks_for_one(  # noqa: PLR0913  # what can differ
    tmp_path: Path,
    aws: SimulatedAws,
    key: AwsAccessKey,
    device: MfaDevice,
    *,
    runs: list[tuple[str, int | None, int]],
    serials: bool,
    place: type[KeystorePlace],
    profile: str,
    duration: int | None,
) -> None:
    directory = tmp_path / str(next(NUMBERS))
    directory.mkdir()
    desk = Desk(directory, aws, key, device)
    cache: MemoryKeystore[Secret] = MemoryKeystore()
    desk.sessions = SessionStore(desk.index, [place(lambda: cache, desk.clock)], desk.ledger.time)
    if not serials:
        desk.enrol(mfa_serials=())
    agree(desk, runs, profile, duration)


NUMBERS = count()


@pytest.mark.parametrize(
    ("runs", "profile", "asks"),
    [
        (FRESH, "dev", "touch"),
        (FRESH, "direct", "touch"),
        (FRESH, "chained", "touch"),
        ([("one", None, 0)], "one", ""),
        ([("one", None, 3301)], "one", ""),  # the MFA session signs for a new one
        ([("one", None, 3301)], "chained", ""),
        ([("one", None, 0)], "direct", "touch"),  # which takes its code on the role itself
        ([("direct", None, 3299)], "direct", ""),
        ([("direct", None, 3301)], "direct", "touch"),
        ([("two", None, 0)], "direct", ""),  # one role's sessions serve each other
        ([("two", None, 0)], "long", "touch"),  # unless they are too short
        ([("long", None, 8 * HOUR - 301)], "two", ""),
        ([("long", None, 8 * HOUR - 299)], "two", "touch"),
        ([("dev", 900, 400)], "one", ""),  # a short MFA session signs
        ([("dev", 900, 400)], "dev", "touch"),  # but is not handed out
        ([("dev", 900, 601)], "one", "touch"),
        ([("one", None, 12 * HOUR - 301)], "one", ""),
        ([("one", None, 12 * HOUR - 299)], "one", "touch"),
    ],
)
def test_what_is_at_hand_decides(
    desk: Desk, runs: list[tuple[str, int | None, int]], profile: str, asks: str
) -> None:
    assert agree(desk, runs, profile, None) == asks


@pytest.mark.parametrize("profile", PROFILES)
def test_without_an_mfa_device_no_touch_is_foreseen(desk: Desk, profile: str) -> None:
    desk.enrol(mfa_serials=())
    assert agree(desk, FRESH, profile, None) == ""


def test_a_clock_that_was_set_back_is_foreseen_to_cost_a_touch(desk: Desk, account: Account) -> None:
    assert account.id == ACCOUNT
    plan = desk.plan(CONFIG, "one")
    assert is_asked(desk, plan)
    assert not foreseen(desk, plan).asks
    desk.clock.advance(-13 * HOUR)
    assert foreseen(desk, plan).asks == "touch"
    assert is_asked(desk, plan)


def test_a_hardware_token_is_asked_for_a_code(desk: Desk) -> None:
    plan = desk.plan(CONFIG, "one", Options(mfa_serial="GAHT12345678"))
    assert foreseen(desk, plan).asks == "code"


# ---- what is left ------------------------------------------------------------------------------------


def test_what_is_left_of_both_sessions_is_told(desk: Desk, account: Account) -> None:
    assert account.id == ACCOUNT
    plan = desk.plan(CONFIG, "one")
    assert foreseen(desk, plan) == Readiness("one", "touch")
    desk.credentials(plan)
    now = int(desk.clock())
    told = foreseen(desk, plan)
    assert (told.expiration, told.mfa_expiration, told.too_short) == (now + HOUR, now + 12 * HOUR, False)
    assert foreseen(desk, desk.plan(CONFIG, "two")) == Readiness(
        "two", "", mfa_expiration=now + 12 * HOUR, seen=False
    )


def test_a_session_that_is_passed_over_is_told_as_too_short(desk: Desk, account: Account) -> None:
    assert account.id == ACCOUNT
    plan = desk.plan(CONFIG, "direct")
    desk.credentials(plan)
    later(desk, 3301)
    told = foreseen(desk, plan)
    assert (told.asks, told.too_short) == ("touch", True)
    later(desk, 300)
    assert foreseen(desk, plan) == Readiness("direct", "touch")


def entry(plan: Plan, *places: str) -> SessionEntry:
    return SessionEntry(
        digest=digest(plan.question(len(plan.requests))),
        access_key_id="AKIA",
        label="mfa",
        duration=HOUR,
        expiration=NOW + HOUR,
        profile="one",
        places=places,
    )


def test_no_keystore_is_opened_and_the_indexs_word_is_told_as_such(desk: Desk) -> None:
    plan = desk.plan(CONFIG, "one")
    desk.index.record(entry(plan, "keystore"))
    look = at_hand(desk.index, [KeystorePlace(never_opened)], lambda: NOW)
    told = readiness(plan, look, NOW)
    assert (told.asks, told.expiration, told.seen) == ("", NOW + HOUR, False)


def test_what_a_place_has_lost_is_not_at_hand(desk: Desk) -> None:
    plan = desk.plan(CONFIG, "one")
    desk.index.record(entry(plan, "memory"))
    empty = MemoryPlace(MemoryKeystore, lambda: NOW)
    look = at_hand(desk.index, [empty, KeystorePlace(never_opened)], lambda: NOW)
    assert readiness(plan, look, NOW) == Readiness("one", "touch")


def test_places_that_exec_would_not_look_into_do_not_count(desk: Desk) -> None:
    plan = desk.plan(CONFIG, "one")
    desk.index.record(entry(plan, "keystore"))
    assert readiness(plan, at_hand(desk.index, [], lambda: NOW), NOW) == Readiness("one", "touch")


def test_an_index_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "index").write_text("garbage")
    with pytest.raises(StateUnusable):
        at_hand(Index(str(tmp_path / "index")), [], lambda: NOW)


@pytest.mark.parametrize(
    ("left", "made_for", "wanted", "serves"),
    [
        (301, HOUR, HOUR, True),
        (300, HOUR, HOUR, False),
        (301, 900, 900, True),
        (250, 600, 0, True),
        (200, 600, 0, False),
        (HOUR, HOUR, HOUR + 1, False),
        (HOUR + 900, HOUR, HOUR, True),
        (HOUR + 901, HOUR, HOUR, False),
    ],
)
def test_a_session_serves_as_long_as_exec_would_take_it(
    left: int, made_for: int, wanted: int, *, serves: bool
) -> None:
    assert Held(NOW + left, made_for, seen=True).serves(wanted, NOW) is serves


# ---- in words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (Readiness("dev", ""), "dev: no touch needed"),
        (Readiness("dev", "touch"), "dev: exec will ask for a touch"),
        (Readiness("dev", "code"), "dev: exec will ask for a code"),
        (Readiness("dev", "two touches"), "dev: exec will ask for two touches"),
        (Readiness("dev", "touch and a code"), "dev: exec will ask for a touch and a code"),
        (
            Readiness("dev", "", expiration=NOW + 3120, mfa_expiration=NOW + 33120),
            "dev: no touch needed, 52m 00s left; MFA session 9h 12m left",
        ),
        (
            Readiness("dev", "", expiration=NOW + 33120, mfa_expiration=NOW + 33120),
            "dev: no touch needed, 9h 12m left",
        ),
        (
            Readiness("dev", "touch", expiration=NOW + 190, too_short=True),
            "dev: exec will ask for a touch; its session is too short, 3m 10s left",
        ),
        (
            Readiness("dev", "", mfa_expiration=NOW + 33120, seen=False),
            "dev: no touch needed; MFA session 9h 12m left (as listed, no keystore was opened)",
        ),
    ],
)
def test_a_line_says_what_a_person_wants_to_know(told: Readiness, line: str) -> None:
    assert told.line(NOW) == line


def test_the_json_is_as_its_schema_promises() -> None:
    told = [
        Readiness("dev", "touch"),
        Readiness("dev", "code", expiration=NOW, mfa_expiration=NOW, seen=False, too_short=True),
        Readiness("\x1b[31m", ""),
    ]
    shown = [one.as_json() for one in told]
    assert_promised("status", shown)
    assert [one["touch"] for one in shown] == [True, True, False]


# ---- which profiles ----------------------------------------------------------------------------------


def test_profiles_that_exec_cannot_use_are_left_out(desk: Desk) -> None:
    unusable = (
        "[default]\nregion = eu-west-1\n"
        + role(arn("one"), "bad", more="duration_seconds = soon")
        + role(arn("one"), "unspeakable", more="ca_bundle = a\x00b")
        + role(arn("one"), "dangling", source="nobody")
    )
    desk.plan(CONFIG + unusable, "dev")
    config = Config.load(desk.environ)
    assert [plan.profile.name for plan in usable_plans(config, desk.index, desk.environ)] == list(PROFILES)


@pytest.mark.parametrize("more", ["duration_seconds = soon", "ca_bundle = a\x00b"])
def test_a_profile_that_was_named_is_an_error_as_with_exec(desk: Desk, more: str) -> None:
    desk.plan(role(arn("one"), more=more), "dev")
    with pytest.raises(BadConfigValue):
        plan_for(Config.load(desk.environ), desk.index, "role", desk.environ)


def test_what_is_wrong_with_every_profile_is_an_error(desk: Desk) -> None:
    desk.plan(CONFIG, "dev")
    environ = desk.environ | {"AWS_MFA_SERIAL": "no serial at all"}
    with pytest.raises(BadVariable):
        usable_plans(Config.load(environ), desk.index, environ)


def test_what_another_source_gives_takes_no_touch(desk: Desk) -> None:
    web = "[profile web]\nrole_arn = {}\nweb_identity_token_file = /token\n"
    plan = desk.plan(web.format(arn("one")), "web")
    assert plan.requests == ()
    assert foreseen(desk, plan) == Readiness("web", "")


# ---- an access key that lives on a YubiKey ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "alive", "asks"),
    [
        ("dev", (), "touch"),
        ("one", (), "touch"),
        ("one", ("dev",), ""),
        ("long", (), "touch"),
        ("long", ("dev",), "touch"),
    ],
)
def test_a_key_on_a_yubikey_is_touched_to_sign_also_without_mfa_unless_a_session_signs(
    desk: Desk, profile: str, alive: tuple[str, ...], asks: str
) -> None:
    known = desk.index.enrolment("dev")
    assert known is not None
    desk.index.enrol(known.holding(known.access_key_id, "dev", 0, (ON_YUBIKEY, "1")).with_mfa_serials(()))
    sessions = {desk.plan(CONFIG, name).mfa_session_question() for name in alive}

    def look(question: str) -> Held | None:
        return Held(NOW + 8 * HOUR, 12 * HOUR, seen=True) if question in sessions else None

    assert readiness(desk.plan(CONFIG, profile), look, NOW).asks == asks


@pytest.mark.parametrize(
    ("serial", "kept_for", "asks"),
    [
        (None, 0, "two touches"),
        (None, 60, "two touches"),
        (None, 61, "touch"),
        ("GAHT12345678", 0, "touch and a code"),
        ("GAHT12345678", 61, "code"),
    ],
)
def test_the_touch_that_signs_comes_before_that_of_the_code_unless_a_day_key_is_kept(
    desk: Desk, serial: str | None, kept_for: int, asks: str
) -> None:
    known = desk.index.enrolment("dev")
    assert known is not None
    desk.index.enrol(known.holding(known.access_key_id, "dev", 0, (ON_YUBIKEY, "1")))
    kept = kept_question(known.access_key_id, aws_date(NOW))

    def look(question: str) -> Held | None:
        return Held(NOW + kept_for, 24 * HOUR, seen=True) if question == kept and kept_for else None

    for profile in ("dev", "one", "direct", "chained"):
        plan = desk.plan(CONFIG, profile, Options(mfa_serial=serial))
        assert readiness(plan, look, NOW).asks == asks
