"""The broker against a simulated AWS: what is asked of whom, in which order, and what a failure costs."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

import pytest

from support.aws import ACCOUNT
from support.broking import Desk, role
from vaultpy import errors
from vaultpy.ledger import Ledger, Lock
from vaultpy.mfa import STEP_SECONDS
from vaultpy.plan import Options
from vaultpy.sessions import SessionStore
from vaultpy.simulated.aws_faults import Fault
from vaultpy.sts import Sts
from vaultpy.typed_codes import GivenCode, TypedCode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vaultpy.credentials import Credentials, Signs
    from vaultpy.mfa import TokenCode
    from vaultpy.simulated.aws import SimulatedAws
    from vaultpy.simulated.aws_accounts import AccessKey as AwsAccessKey
    from vaultpy.simulated.aws_accounts import Role
    from vaultpy.simulated.aws_mfa import MfaDevice
    from vaultpy.sts_requests import Request

pytest_plugins = ["support.aws_fixtures"]
SHARED = ["GetSessionToken", "AssumeRole"]


@pytest.fixture
def desk(tmp_path: Path, aws: SimulatedAws, key: AwsAccessKey, device: MfaDevice) -> Desk:
    """Return alice's computer, her key enrolled."""
    return Desk(tmp_path, aws, key, device)


@pytest.fixture
def dev_role(aws: SimulatedAws) -> Role:
    """Return a role that requires MFA."""
    return aws.account(ACCOUNT).role("dev", requires_mfa=True, max_duration=43200)


# ---- which calls are made ----------------------------------------------------------------------------


def test_a_shared_plan_costs_one_call_for_the_session_and_one_for_the_role(
    desk: Desk, dev_role: Role
) -> None:
    credentials = desk.credentials(desk.plan(role(dev_role.arn)))

    assert desk.signed() == SHARED
    assert desk.events == ["confirmation", "keystore", "touch"]
    assert desk.aws.session(credentials.access_key_id).principal.arn == (
        f"arn:aws:sts::{ACCOUNT}:assumed-role/dev/alice"
    )


def test_the_second_run_asks_nobody(desk: Desk, dev_role: Role) -> None:
    plan = desk.plan(role(dev_role.arn))
    first = desk.credentials(plan)
    desk.events.clear()

    assert desk.credentials(plan) == first
    assert desk.signed() == SHARED
    assert len(desk.aws.unsigned) == 1
    assert desk.events == []


def test_the_next_role_of_the_same_user_takes_no_second_touch(desk: Desk, dev_role: Role) -> None:
    other = dev_role.account.role("other", requires_mfa=True)
    text = role(dev_role.arn) + role(other.arn, "other")
    desk.credentials(desk.plan(text))
    desk.credentials(desk.plan(text, "other"))

    assert desk.signed() == [*SHARED, "AssumeRole"]
    assert desk.events.count("touch") == 1
    assert desk.events.count("keystore") == 1


def test_a_direct_plan_sends_the_code_with_the_role(desk: Desk, dev_role: Role) -> None:
    plan = desk.plan(role(dev_role.arn), options=Options(direct=True, duration=7200))
    credentials = desk.credentials(plan)

    assert desk.signed() == ["AssumeRole"]
    assert credentials.expiration == int(desk.aws_clock()) + 7200


def test_a_shared_session_of_a_role_serves_a_direct_plan_and_the_reverse(desk: Desk, dev_role: Role) -> None:
    shared = desk.plan(role(dev_role.arn))
    direct = desk.plan(role(dev_role.arn), options=Options(direct=True))

    assert desk.credentials(shared) == desk.credentials(direct)
    desk.sessions.forget()
    assert desk.credentials(direct) == desk.credentials(shared)
    assert desk.signed() == [*SHARED, "AssumeRole"]


def test_a_session_made_for_less_than_is_asked_does_not_serve(desk: Desk, dev_role: Role) -> None:
    desk.credentials(desk.plan(role(dev_role.arn)))
    longer = desk.plan(role(dev_role.arn), options=Options(duration=7200))

    assert desk.credentials(longer).expiration == int(desk.aws_clock()) + 7200
    assert desk.signed() == [*SHARED, "AssumeRole"]


def test_a_chain_of_three_profiles_is_walked_from_its_end(desk: Desk, dev_role: Role) -> None:
    inner = dev_role.account.role("inner", trusts=[dev_role.arn])
    text = role(dev_role.arn, "middle") + role(inner.arn, "target", "middle")
    credentials = desk.credentials(desk.plan(text, "target"))

    assert desk.signed() == ["GetSessionToken", "AssumeRole", "AssumeRole"]
    assert "assumed-role/inner/" in desk.aws.session(credentials.access_key_id).principal.arn
    desk.credentials(desk.plan(text, "middle"))
    assert len(desk.signed()) == 3


def test_a_profile_without_a_role_gives_the_mfa_session(desk: Desk, dev_role: Role) -> None:
    session = desk.credentials(desk.plan("", "dev"))

    assert desk.signed() == ["GetSessionToken"]
    assert desk.aws.session(session.access_key_id).mfa_at is not None
    desk.credentials(desk.plan(role(dev_role.arn)))
    assert desk.signed() == SHARED


def test_a_session_that_only_signs_may_be_made_for_less(desk: Desk, dev_role: Role) -> None:
    desk.credentials(desk.plan("", "dev", options=Options(duration=3600)))
    desk.credentials(desk.plan(role(dev_role.arn)))
    assert desk.signed() == SHARED
    assert desk.events.count("touch") == 1

    desk.credentials(desk.plan("", "dev", options=Options(duration=7200)))
    assert desk.signed() == [*SHARED, "GetSessionToken"]


def test_a_session_is_looked_for_once_without_the_lock_and_once_under_it(desk: Desk, dev_role: Role) -> None:
    looks: list[str] = []

    class Counted(SessionStore):
        def get(
            self, question: str, margin: float, duration: int = 0, min_ttl: int = 0
        ) -> Credentials | None:
            looks.append(question)
            return super().get(question, margin, duration, min_ttl)

    desk.sessions = Counted(desk.index, [], desk.clock)
    plan = desk.plan(role(dev_role.arn))
    desk.credentials(plan)
    assert looks == [plan.question(2)] * 2 + [plan.question(1)] * 2


def test_without_a_known_device_a_role_is_assumed_without_mfa(desk: Desk, aws: SimulatedAws) -> None:
    desk.enrol(mfa_serials=())
    desk.credentials(desk.plan(role(aws.account(ACCOUNT).role("open").arn)))

    assert desk.signed() == ["AssumeRole"]
    assert "touch" not in desk.events


def test_without_a_known_device_a_role_rides_on_an_mfa_session_that_is_alive(
    desk: Desk, dev_role: Role
) -> None:
    desk.credentials(desk.plan(f"mfa_serial = {desk.device.serial}", "dev"))
    desk.enrol(mfa_serials=())
    plan = desk.plan(role(dev_role.arn))

    assert len(plan.requests) == 1
    desk.credentials(plan)
    assert desk.signed() == SHARED
    assert desk.events.count("keystore") == 1


def test_without_a_cache_nothing_is_read_or_kept(desk: Desk, dev_role: Role) -> None:
    plan = desk.plan(role(dev_role.arn))
    desk.credentials(plan)
    asked = desk.cache.asked
    desk.aws_clock.advance(STEP_SECONDS)
    desk.clock.advance(STEP_SECONDS)
    desk.credentials(plan, cache=False)

    assert desk.signed() == SHARED * 2
    assert desk.cache.asked == asked


def test_a_session_that_aws_no_longer_takes_is_made_anew(desk: Desk, dev_role: Role) -> None:
    desk.credentials(desk.plan("", "dev"))
    for session_key in [call.access_key_id for call in desk.aws.calls]:
        assert session_key == desk.key.id
    desk.aws._cloud.sessions.clear()
    desk.credentials(desk.plan(role(dev_role.arn)))

    assert desk.signed() == ["GetSessionToken", "AssumeRole", *SHARED]
    assert desk.person.notes == ["AWS no longer takes the session at hand: getting a new one"]


def test_a_middle_role_s_session_that_aws_no_longer_takes_costs_no_touch(desk: Desk, dev_role: Role) -> None:
    inner = dev_role.account.role("inner", trusts=[dev_role.arn])
    text = role(dev_role.arn, "middle") + role(inner.arn, "target", "middle")
    middle = desk.credentials(desk.plan(text, "middle"))
    del desk.aws._cloud.sessions[middle.access_key_id]
    desk.credentials(desk.plan(text, "target"))

    assert desk.signed() == [*SHARED, "AssumeRole", "AssumeRole", "AssumeRole"]
    assert desk.events.count("touch") == 1
    assert desk.credentials(desk.plan(text, "middle")) != middle
    assert len(desk.signed()) == 5


def test_if_the_mfa_session_behind_it_is_refused_too_all_are_made_anew(desk: Desk, dev_role: Role) -> None:
    inner = dev_role.account.role("inner", trusts=[dev_role.arn])
    text = role(dev_role.arn, "middle") + role(inner.arn, "target", "middle")
    desk.credentials(desk.plan(text, "middle"))
    desk.aws._cloud.sessions.clear()
    desk.credentials(desk.plan(text, "target"))

    assert desk.signed() == [*SHARED, "AssumeRole", "AssumeRole", *SHARED, "AssumeRole"]
    assert desk.events.count("touch") == 2


def test_a_session_that_aws_refuses_though_it_is_new_is_not_made_again(desk: Desk, dev_role: Role) -> None:
    plan = desk.plan(role(dev_role.arn))

    class Forgetful(Sts):
        def credentials(
            self,
            request: Request,
            signer: Signs,
            code: TokenCode | None,
            facts: dict[str, object],
        ) -> Credentials:
            desk.aws._cloud.sessions.clear()
            return super().credentials(request, signer, code, facts)

    broker = desk.broker(plan, sts=Forgetful(plan.region, plan.endpoint_url, {}, desk.clock))
    with pytest.raises(errors.SessionRefused):
        broker.credentials(plan)
    assert desk.events.count("touch") == 1


# ---- the order of things -----------------------------------------------------------------------------


def test_nothing_is_opened_before_the_endpoint_is_confirmed(desk: Desk, dev_role: Role) -> None:
    def refuse(endpoint_url: str | None) -> None:
        raise errors.EndpointUnconfirmed(host=endpoint_url)

    desk.confirm = refuse
    with pytest.raises(errors.EndpointUnconfirmed):
        desk.credentials(desk.plan(role(dev_role.arn)))
    assert desk.events == ["confirmation"]
    assert desk.aws.requests == []


def test_without_the_access_key_nobody_is_asked_for_a_touch(desk: Desk, dev_role: Role) -> None:
    desk.keystore_failure = errors.KeystoreLocked()
    for options in (Options(), Options(direct=True)):
        with pytest.raises(errors.KeystoreLocked):
            desk.credentials(desk.plan(role(dev_role.arn), options=options))
    assert "touch" not in desk.events
    assert desk.aws.requests == []


@pytest.mark.parametrize("cache", [True, False])
def test_a_key_that_is_rotated_during_the_touch_is_no_reason_to_enrol_another(
    desk: Desk, dev_role: Role, *, cache: bool
) -> None:
    def rotate() -> None:
        enrolment = desk.index.enrolment("dev")
        assert enrolment
        desk.index.enrol(enrolment.holding("AKIAROTATED", "dev", 0))
        desk.key.active = False

    desk.touched.meanwhile = rotate
    with pytest.raises(errors.KeyChanged, match=f"AKIAROTATED in the place of {desk.key.id}") as told:
        desk.credentials(desk.plan(role(dev_role.arn)), cache=cache)
    assert told.value.hint == "run this again"


@pytest.mark.parametrize(
    "failure",
    [
        errors.KeyLost(profile="dev", key_id="AKIA"),
        errors.AccessKeyElsewhere(key_id="AKIA", where="YubiKey 1", held="none"),
    ],
    ids=["keystore", "YubiKey"],
)
def test_a_key_that_is_rotated_before_its_keystore_is_opened_is_not_lost(
    desk: Desk, dev_role: Role, failure: errors.VaultpyError
) -> None:
    plan = desk.plan(role(dev_role.arn))
    enrolment = desk.index.enrolment("dev")
    assert enrolment
    desk.keystore_failure = failure
    with pytest.raises(type(failure)):
        desk.credentials(plan)
    desk.index.enrol(enrolment.holding("AKIAROTATED", "dev", 0))
    with pytest.raises(errors.KeyChanged):
        desk.credentials(plan)


def test_the_keystore_stays_closed_if_the_session_is_there_once_the_lock_is_held(
    desk: Desk, dev_role: Role
) -> None:
    plan = desk.plan(role(dev_role.arn))
    other = desk.broker(plan)

    class Beaten(Ledger):
        beaten = False

        def lock(
            self, kind: str, name: str, *, waiting: Callable[[int], None], patience: float = 90.0
        ) -> Lock:
            if not self.beaten:
                self.beaten = True
                other.credentials(plan)
            return super().lock(kind, name, waiting=waiting, patience=patience)

    desk.ledger = Beaten(str(desk.directory / "state"), desk.clock)
    desk.credentials(plan)
    assert desk.ledger.beaten
    assert desk.signed() == SHARED
    assert desk.events.count("keystore") == desk.events.count("touch") == 1


def test_the_code_is_in_the_ledger_before_it_is_sent(desk: Desk, dev_role: Role) -> None:
    class KilledError(BaseException):
        pass

    class Dying(Sts):
        def credentials(self, *_: object) -> Credentials:
            raise KilledError

    plan = desk.plan(role(dev_role.arn))
    with pytest.raises(KilledError):
        desk.broker(plan, sts=Dying(plan.region, plan.endpoint_url, {}, desk.clock)).credentials(plan)
    assert desk.ledger.spent(desk.device.serial) == desk.touched.steps[0]

    desk.credentials(plan)
    assert desk.touched.steps[1] == desk.touched.steps[0] + 1


def test_a_code_that_is_spent_makes_the_next_one_wait_for_its_step(desk: Desk, dev_role: Role) -> None:
    now = int(desk.clock()) // STEP_SECONDS
    desk.ledger.spend(desk.device.serial, now)
    desk.credentials(desk.plan(role(dev_role.arn)))

    assert desk.touched.steps == [now + 1]
    assert [text for text, _ in desk.person.waits] in (
        [],  # less than a second was left of the step
        ["AWS takes each code once: this one counts in a moment"],
    )
    assert desk.aws.calls[0].at >= (now + 1) * STEP_SECONDS - 1


def test_the_touch_says_the_role_first_and_the_profile_last(desk: Desk, dev_role: Role) -> None:
    desk.credentials(desk.plan(role(dev_role.arn)))

    (wanted,) = desk.touched.wanted
    assert wanted.purpose == f"{dev_role.arn} for role"
    assert wanted.mfa_serials == (desk.device.serial,)
    assert wanted.user_name == "alice"
    assert wanted.reason == ""


# ---- codes that fail ---------------------------------------------------------------------------------


def test_a_wrong_code_is_tried_once_more_with_the_next_step(desk: Desk, dev_role: Role) -> None:
    desk.touched.wrong = 1
    desk.credentials(desk.plan(role(dev_role.arn)))

    assert desk.signed() == ["GetSessionToken", *SHARED]
    assert desk.touched.steps[1] == desk.touched.steps[0] + 1
    assert [wanted.reason for wanted in desk.touched.wanted] == ["", "AWS refused the last code"]


def test_two_wrong_codes_are_explained(desk: Desk, dev_role: Role) -> None:
    desk.touched.wrong = 2
    with pytest.raises(errors.CodeRefused) as caught:
        desk.credentials(desk.plan(role(dev_role.arn)))

    assert str(caught.value) == f"AWS refused two codes in a row for {desk.device.serial}"
    assert "another MFA device, or is out of step" in caught.value.hint
    assert desk.signed() == ["GetSessionToken"] * 2


@pytest.mark.parametrize(
    "fault", [Fault.THROTTLING, Fault.CLOSE_BEFORE, Fault.CLOSE_AFTER, Fault.SERVER_ERROR]
)
def test_a_code_whose_fate_is_unknown_counts_as_spent(desk: Desk, dev_role: Role, fault: Fault) -> None:
    desk.aws.fail_next("GetSessionToken", fault)
    desk.credentials(desk.plan(role(dev_role.arn)))

    assert desk.signed() == ["GetSessionToken", *SHARED]
    assert desk.touched.steps[1] == desk.touched.steps[0] + 1
    assert desk.touched.wanted[1].reason.startswith("the last code got no answer (")


@pytest.mark.parametrize(
    ("fault", "error"), [(Fault.CLOSE_AFTER, errors.NoAnswer), (Fault.SERVER_ERROR, errors.AwsBusy)]
)
def test_after_two_of_them_the_failure_is_told(
    desk: Desk, dev_role: Role, fault: Fault, error: type[errors.VaultpyError]
) -> None:
    desk.aws.fail_next("GetSessionToken", fault, times=2)
    with pytest.raises(error):
        desk.credentials(desk.plan(role(dev_role.arn)))
    assert desk.signed() == ["GetSessionToken"] * 2


@pytest.mark.parametrize("fault", [Fault.THROTTLING, Fault.CLOSE_AFTER, Fault.SERVER_ERROR])
def test_a_call_without_a_code_is_repeated_without_a_touch(desk: Desk, dev_role: Role, fault: Fault) -> None:
    desk.aws.fail_next("AssumeRole", fault, times=2)
    desk.credentials(desk.plan(role(dev_role.arn)), cache=False)

    assert desk.signed() == ["GetSessionToken", "AssumeRole", "AssumeRole", "AssumeRole"]
    assert desk.events.count("touch") == 1


def test_a_call_without_a_code_is_repeated_twice_at_most(desk: Desk, dev_role: Role) -> None:
    desk.aws.fail_next("AssumeRole", Fault.THROTTLING, times=9)
    with pytest.raises(errors.AwsBusy):
        desk.credentials(desk.plan(role(dev_role.arn)))
    assert desk.signed().count("AssumeRole") == 3


class Unplugged(Sts):
    """STS behind a network that does not let the next `times` calls leave."""

    failure: type[errors.VaultpyError] = errors.Unreachable
    times = 1
    tried: list[str]

    def credentials(
        self,
        request: Request,
        signer: Signs,
        code: TokenCode | None,
        facts: dict[str, object],
    ) -> Credentials:
        """Fail, or pass it on."""
        if code is not None:
            self.tried.append(code.digits.reveal())
        if self.times:
            self.times -= 1
            raise self.failure(host="sts.example", reason="unplugged")
        return super().credentials(request, signer, code, facts)


def unplugged(desk: Desk, times: int, failure: type[errors.VaultpyError]) -> Callable[[str], Unplugged]:
    """Return what makes such an STS."""

    def make(config: str) -> Unplugged:
        plan = desk.plan(config)
        sts = Unplugged(plan.region, plan.endpoint_url, {}, desk.clock)
        sts.times, sts.failure, sts.tried = times, failure, []
        return sts

    return make


def at_the_beginning_of_a_step(desk: Desk) -> None:
    for clock in (desk.clock, desk.aws_clock):
        clock.now = clock.now // STEP_SECONDS * STEP_SECONDS


@pytest.mark.parametrize("failure", [errors.Unreachable, errors.TlsFailed])
def test_a_code_that_never_left_is_sent_again_without_a_touch(
    desk: Desk, dev_role: Role, failure: type[errors.VaultpyError]
) -> None:
    at_the_beginning_of_a_step(desk)
    sts = unplugged(desk, 2, failure)(role(dev_role.arn))
    plan = desk.plan(role(dev_role.arn))
    desk.broker(plan, sts=sts).credentials(plan)

    assert len(sts.tried) == 3
    assert len(set(sts.tried)) == 1
    assert desk.events.count("touch") == 1
    assert [seconds for _, seconds in desk.person.waits] == [1, 3]


def test_it_is_sent_three_times_at_most(desk: Desk, dev_role: Role) -> None:
    at_the_beginning_of_a_step(desk)
    sts = unplugged(desk, 9, errors.Unreachable)(role(dev_role.arn))
    plan = desk.plan(role(dev_role.arn))
    with pytest.raises(errors.Unreachable):
        desk.broker(plan, sts=sts).credentials(plan)
    assert len(sts.tried) == 3
    assert desk.events.count("touch") == 1


def test_it_is_not_sent_again_after_its_step(desk: Desk, dev_role: Role) -> None:
    at_the_beginning_of_a_step(desk)
    for clock in (desk.clock, desk.aws_clock):
        clock.advance(STEP_SECONDS - 2)
    sts = unplugged(desk, 9, errors.Unreachable)(role(dev_role.arn))
    plan = desk.plan(role(dev_role.arn))
    with pytest.raises(errors.Unreachable):
        desk.broker(plan, sts=sts).credentials(plan)
    assert len(sts.tried) == 2


def test_a_network_that_comes_back_after_the_touch_costs_no_second_touch(desk: Desk, dev_role: Role) -> None:
    at_the_beginning_of_a_step(desk)

    class LateDate(Sts):
        failed = False

        def clock_offset(self) -> float:
            if not self.failed:
                self.failed = True
                raise errors.Unreachable(host="sts.example", reason="unplugged")
            return super().clock_offset()

    plan = desk.plan(role(dev_role.arn))
    sts = LateDate(plan.region, plan.endpoint_url, {}, desk.clock)
    desk.broker(plan, sts=sts).credentials(plan)
    assert desk.events.count("touch") == 1
    assert desk.signed() == SHARED


# ---- codes that were typed or given ------------------------------------------------------------------


class Typist:
    """Somebody who types one code after the other."""

    def __init__(self, *codes: str) -> None:
        self.codes = list(codes)
        self.questions: list[str] = []

    def ask(self, question: str, otherwise: errors.VaultpyError) -> str:
        """Type the next code."""
        self.questions.append(question)
        if not self.codes:
            raise otherwise
        return self.codes.pop(0)


def test_a_code_that_was_given_is_sent(desk: Desk, dev_role: Role) -> None:
    desk.mfa = GivenCode(desk.device.code(desk.aws_clock()))
    desk.credentials(desk.plan(role(dev_role.arn)))

    assert desk.signed() == SHARED


def test_a_given_or_typed_code_that_is_wrong_is_not_tried_again(desk: Desk, dev_role: Role) -> None:
    wrong = f"{(int(desk.device.code(desk.aws_clock())) + 1) % 10**6:06}"
    for mfa in (GivenCode(wrong), TypedCode(Typist(wrong))):
        desk.mfa = mfa
        later(desk, STEP_SECONDS)
        with pytest.raises(errors.TypedCodeRefused) as caught:
            desk.credentials(desk.plan(role(dev_role.arn)))
        assert "wait for the next code" in caught.value.hint
        assert caught.value.__context__ is None
    assert desk.signed() == ["GetSessionToken"] * 2


def test_a_given_code_without_an_answer_is_not_sent_again(desk: Desk, dev_role: Role) -> None:
    desk.mfa = GivenCode(desk.device.code(desk.aws_clock()))
    desk.aws.fail_next("GetSessionToken", Fault.CLOSE_AFTER)
    with pytest.raises(errors.NoAnswer) as caught:
        desk.credentials(desk.plan(role(dev_role.arn)))

    assert "a code that was sent is not used again" in caught.value.hint
    assert desk.signed() == ["GetSessionToken"]


def test_a_typed_code_without_an_answer_is_asked_for_anew_with_the_reason(desk: Desk, dev_role: Role) -> None:
    now = desk.aws_clock()
    typist = Typist(desk.device.code(now), desk.device.code(now + STEP_SECONDS))
    desk.mfa = TypedCode(typist)
    desk.aws.fail_next("GetSessionToken", Fault.CLOSE_AFTER)
    desk.credentials(desk.plan(role(dev_role.arn)))

    assert desk.signed() == ["GetSessionToken", *SHARED]
    assert "the last code got no answer" in typist.questions[1]


def test_a_typed_code_whose_step_is_spent_is_never_sent(desk: Desk, dev_role: Role) -> None:
    desk.credentials(desk.plan(role(dev_role.arn)))
    now = desk.aws_clock()
    typist = Typist(desk.device.code(now), desk.device.code(now + STEP_SECONDS))
    desk.mfa = TypedCode(typist)
    desk.credentials(desk.plan(role(dev_role.arn)), cache=False)

    assert desk.signed() == SHARED * 2
    assert "the one before is spent" in typist.questions[1]
    assert desk.person.waits[-1][0].startswith("AWS takes each code once, and this one is spent")


def test_a_given_code_whose_step_is_spent_is_refused_unsent(desk: Desk, dev_role: Role) -> None:
    desk.credentials(desk.plan(role(dev_role.arn)))
    desk.mfa = GivenCode(desk.device.code(desk.aws_clock()))
    with pytest.raises(errors.CodeSpent, match="a code of this half minute has been sent"):
        desk.credentials(desk.plan(role(dev_role.arn)), cache=False)
    assert desk.signed() == SHARED


def test_a_clock_that_was_set_right_is_noticed_at_the_next_call(desk: Desk, dev_role: Role) -> None:
    text = role(dev_role.arn) + role(dev_role.account.role("other", requires_mfa=True).arn, "other")
    desk.aws_clock.advance(600)
    desk.credentials(desk.plan(text))
    assert abs(desk.ledger.time.offset() - 600) < 2
    desk.clock.advance(600)
    desk.credentials(desk.plan(text, "other"))
    assert abs(desk.ledger.time.offset()) < 2


def test_a_typed_code_is_in_the_ledger_as_the_present_step(desk: Desk, dev_role: Role) -> None:
    desk.mfa = GivenCode(desk.device.code(desk.aws_clock()))
    desk.credentials(desk.plan(role(dev_role.arn)))

    assert desk.ledger.spent(desk.device.serial) == int(desk.clock()) // STEP_SECONDS


# ---- the clock ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [600, -600, 45, -45, 10, -10])
def test_a_clock_that_is_off_costs_one_more_touch_at_worst_and_never_again(
    desk: Desk, dev_role: Role, seconds: int
) -> None:
    desk.aws_clock.advance(seconds)
    desk.credentials(desk.plan(role(dev_role.arn)))

    assert desk.signed() == SHARED
    assert desk.events.count("touch") <= 2
    assert sum(seconds for _, seconds in desk.person.waits) <= STEP_SECONDS + 1
    assert abs(desk.ledger.time.offset() - seconds) < 2

    desk.sessions.forget()
    desk.events.clear()
    for clock in (desk.aws_clock, desk.clock):
        clock.advance(2 * STEP_SECONDS)
    desk.credentials(desk.plan(role(dev_role.arn)))
    assert desk.signed() == SHARED * 2
    assert desk.events.count("touch") == 1


@pytest.mark.parametrize(
    ("seconds", "text"), [(3600, "1h 00m behind AWS's"), (-3600, "1h 00m ahead of AWS's")]
)
def test_with_an_hour_s_error_no_code_is_sent(desk: Desk, dev_role: Role, seconds: int, text: str) -> None:
    desk.aws_clock.advance(seconds)
    with pytest.raises(errors.ClockWrong, match=text) as caught:
        desk.credentials(desk.plan(role(dev_role.arn)))

    assert "timedatectl" in caught.value.hint
    assert desk.signed() == []
    assert desk.ledger.spent(desk.device.serial) is None


def test_an_hour_s_error_is_told_while_the_finger_is_waited_for(desk: Desk, dev_role: Role) -> None:
    desk.aws_clock.advance(3600)
    plan = desk.plan(role(dev_role.arn))
    sts = Sts(plan.region, plan.endpoint_url, {}, desk.clock)
    sts.prepare()
    sts.close()

    desk.touched.meanwhile = sts.check
    with pytest.raises(errors.ClockWrong):
        desk.broker(plan, sts=sts).credentials(plan)
    assert desk.ledger.spent(desk.device.serial) is None


@pytest.mark.parametrize(
    ("seconds", "note", "warning"),
    [
        (10, None, None),
        (-120, "this computer's clock is 2m 00s ahead of AWS's, which is allowed for", None),
        (600, None, "this computer's clock is 10m 00s behind AWS's: other services than STS may refuse"),
    ],
)
def test_a_clock_that_is_off_is_told_and_a_danger_to_the_command_is_warned_of(
    desk: Desk, dev_role: Role, seconds: int, note: str | None, warning: str | None
) -> None:
    desk.aws_clock.advance(seconds)
    desk.credentials(desk.plan(role(dev_role.arn)))

    told = [text for text in desk.person.notes if "clock" in text]
    assert told == ([note] if note else [])
    assert [text[: len(warning or "")] for text in desk.person.warnings] == ([warning] if warning else [])

    desk.person.notes.clear()
    desk.person.warnings.clear()
    desk.credentials(desk.plan(role(dev_role.arn)), cache=False)
    assert desk.person.notes == []  # it is known by now
    assert len(desk.person.warnings) == (warning is not None)


def test_sessions_end_by_awss_clock(desk: Desk, dev_role: Role) -> None:
    desk.aws_clock.advance(600)
    plan = desk.plan(role(dev_role.arn))
    made = desk.credentials(plan)
    assert made.expiration - desk.clock() > 4100
    assert desk.sessions.get(plan.question(2), 0, min_ttl=3590) == made
    assert desk.sessions.get(plan.question(2), 0, min_ttl=3610) is None


# ---- a role that wants the MFA to be recent ---------------------------------------------------------


@pytest.fixture
def strict_role(aws: SimulatedAws) -> Role:
    """Return a role that takes no MFA older than ten minutes."""
    return aws.account(ACCOUNT).role("strict", requires_mfa=True, max_age=600)


def later(desk: Desk, seconds: float) -> None:
    for clock in (desk.aws_clock, desk.clock):
        clock.advance(seconds)


def test_a_role_that_refuses_an_old_mfa_session_is_tried_once_with_a_fresh_touch(
    desk: Desk, dev_role: Role, strict_role: Role
) -> None:
    text = role(dev_role.arn) + role(strict_role.arn, "strict")
    desk.credentials(desk.plan(text))
    later(desk, 700)
    credentials = desk.credentials(desk.plan(text, "strict"))

    assert desk.signed() == [*SHARED, "AssumeRole", "AssumeRole"]
    assert desk.touched.wanted[-1].reason == "this role may want a fresh touch"
    assert desk.person.notes[-1] == "that worked; to be asked at once: vaultpy_mfa = direct in strict"
    assert desk.credentials(desk.plan(text, "strict")) == credentials
    assert desk.events.count("touch") == 2


def test_a_young_session_or_nobody_at_the_terminal_is_no_reason_for_a_touch(
    desk: Desk, dev_role: Role
) -> None:
    closed = dev_role.account.role("closed", trusts=["arn:aws:iam::999999999999:root"])
    text = role(dev_role.arn) + role(closed.arn, "closed")
    with pytest.raises(errors.RoleDenied):
        desk.credentials(desk.plan(text, "closed"))
    later(desk, 290)
    with pytest.raises(errors.RoleDenied):
        desk.credentials(desk.plan(text, "closed"))
    assert desk.events.count("touch") == 1

    later(desk, 20)
    desk.somebody_there = False
    with pytest.raises(errors.RoleDenied):
        desk.credentials(desk.plan(text, "closed"))
    assert desk.events.count("touch") == 1

    desk.somebody_there = True
    with pytest.raises(errors.RoleDenied):
        desk.credentials(desk.plan(text, "closed"))
    assert desk.events.count("touch") == 2


def test_a_role_refused_by_another_role_is_not_tried_directly(desk: Desk, dev_role: Role) -> None:
    closed = dev_role.account.role("closed", trusts=["arn:aws:iam::999999999999:root"])
    text = role(dev_role.arn) + role(closed.arn, "closed", source="role")
    desk.credentials(desk.plan(text))
    later(desk, 700)
    with pytest.raises(errors.RoleDenied):
        desk.credentials(desk.plan(text, "closed"))
    assert desk.events.count("touch") == 1


# ---- how much must be left --------------------------------------------------------------------------


def test_a_session_with_less_left_than_is_wanted_is_renewed(desk: Desk, dev_role: Role) -> None:
    text = role(dev_role.arn)
    desk.credentials(desk.plan(text))
    later(desk, 595)
    desk.credentials(desk.plan(text, options=Options(min_ttl=3000)))
    assert desk.signed() == SHARED
    later(desk, 10)
    renewed = desk.credentials(desk.plan(text, options=Options(min_ttl=3000)))
    assert desk.signed() == [*SHARED, "AssumeRole"]
    assert desk.events.count("touch") == 1
    assert renewed.expiration == int(desk.aws_clock()) + 3600


def test_a_limit_of_an_hour_is_told_when_it_cuts_a_session_and_not_when_that_serves_again(
    desk: Desk, dev_role: Role
) -> None:
    plan = desk.plan(role(dev_role.arn, more="duration_seconds = 7200\nvaultpy_mfa = shared"))
    desk.credentials(plan)
    assert any("to 1h" in text for text in desk.person.notes)
    desk.person.notes.clear()
    desk.credentials(plan)
    assert desk.person.notes == []


# ---- sources that are not enrolled ------------------------------------------------------------------


def test_a_foreign_sources_temporary_credentials_assume_the_role_without_a_code(
    desk: Desk, aws: SimulatedAws, dev_role: Role
) -> None:
    desk.enrol()
    lent = desk.credentials(desk.plan(role(dev_role.arn)))
    aws.account(ACCOUNT).role("next", trusts=(dev_role.arn,))
    text = role(f"arn:aws:iam::{ACCOUNT}:role/next", "next", source="other")
    plan = desk.plan(text + "[profile other]\ncredential_process = lend\n", "next")
    assert plan.signer.is_temporary
    desk.signer = lent
    desk.events.clear()
    first = desk.credentials(plan)
    assert first == desk.credentials(plan)
    assert desk.signed() == [*SHARED, "AssumeRole"]
    assert "touch" not in desk.events


def test_without_a_role_they_are_handed_out_as_they_are_and_a_long_term_key_is_not(
    desk: Desk, dev_role: Role
) -> None:
    lent = desk.credentials(desk.plan(role(dev_role.arn)))
    plan = desk.plan("[profile other]\ncredential_process = lend\n", "other")
    with pytest.raises(errors.SourceUnfit, match="source of profile other gives a long-term access key"):
        desk.credentials(plan)
    desk.signer = lent
    assert desk.credentials(plan) == lent
    text = "[profile other]\ncredential_process = lend\n"
    with pytest.raises(errors.SourceEndsSoon, match="end in 1h 00m, and 2h 00m must be left"):
        desk.credentials(desk.plan(text, "other", Options(min_ttl=7200)))


# ---- what an error shows -----------------------------------------------------------------------------


@pytest.mark.parametrize("failing", ["GetSessionToken", "AssumeRole"])
@pytest.mark.parametrize("fault", [Fault.CLOSE_AFTER, Fault.SERVER_ERROR, Fault.MALFORMED, Fault.THROTTLING])
def test_no_secret_is_in_an_error_or_in_what_lies_behind_it(
    desk: Desk, dev_role: Role, failing: str, fault: Fault
) -> None:
    desk.aws.fail_next(failing, fault, times=9)
    with pytest.raises(errors.VaultpyError) as caught:
        desk.credentials(desk.plan(role(dev_role.arn)))

    secrets = [desk.key.secret]
    secrets += [desk.device.code(step * STEP_SECONDS) for step in desk.touched.steps]
    secrets += [
        text for session in desk.aws._cloud.sessions.values() for text in (session.secret, session.token)
    ]
    shown = "".join(traceback.format_exception(caught.value))
    for error in everything_behind(caught.value):
        shown += f"{error!r} {error} {error.args} {vars(error)}"
    assert not [secret for secret in secrets if secret in shown]


def everything_behind(error: BaseException) -> list[BaseException]:
    """Return the error with all its causes and contexts."""
    found: list[BaseException] = []
    todo: list[BaseException | None] = [error]
    while todo:
        it = todo.pop()
        if it is not None and it not in found:
            found.append(it)
            todo += [it.__cause__, it.__context__]
    return found
