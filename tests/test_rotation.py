"""Rotating an access key: the right order, what an interrupted run leaves, and every call that can fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from support.rotating import Desk, Killed, Network, Trouble
from vaultpy import access_keys, errors
from vaultpy.credentials import AccessKey
from vaultpy.records import Rotation
from vaultpy.simulated.aws_faults import Fault
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vaultpy.simulated.aws import SimulatedAws
    from vaultpy.simulated.aws_accounts import User

pytest_plugins = ["support.lasting_aws"]
DAY = 24 * 3600
KEY_ACTIONS = {"iam:ListAccessKeys", *(f"iam:{verb}AccessKey" for verb in ("Create", "Update", "Delete"))}


@pytest.fixture
def network(lasting_aws: SimulatedAws) -> Network:
    """Provide the clients, which are built once: the address lasts."""
    return Network(lasting_aws)


@pytest.fixture
def desk(network: Network, tmp_path: Path) -> Desk:
    """Provide the computer of a user with an MFA device."""
    return Desk(tmp_path, network, network.user())


def asked(desk: Desk) -> list[str]:
    return [call.action for call in desk.aws.calls]


# ---- an ordinary rotation --------------------------------------------------------------------------------


def test_a_new_key_takes_the_place_of_the_old_one_under_every_name(desk: Desk) -> None:
    old = desk.key_id
    done = desk.rotate()
    assert (done.old_id, done.new_id, done.left) == (old, desk.key_id, "")
    assert old != desk.key_id
    desk.assert_all_is_done()
    assert desk.warnings == []


def test_it_costs_one_touch_and_asks_aws_in_this_order(desk: Desk) -> None:
    desk.aws.habits.sessions_outlive_keys = True
    desk.rotate()
    assert desk.touches == 1
    probes = ["GetCallerIdentity"] * 3
    rest = ["UpdateAccessKey", "DeleteAccessKey"]
    assert asked(desk) == ["GetSessionToken", "ListAccessKeys", "CreateAccessKey", *probes, *rest]


def test_the_new_key_deletes_the_old_one_where_the_session_died_with_it(desk: Desk) -> None:
    desk.rotate()
    assert [call.verdict for call in desk.aws.calls][-2:] == ["InvalidClientTokenId", "OK"]
    assert desk.aws.calls[-1].access_key_id == desk.key_id
    assert desk.touches == 1


def test_a_user_without_a_known_device_signs_with_the_key_itself(network: Network, tmp_path: Path) -> None:
    desk = Desk(tmp_path, network, network.user(mfa=False))
    desk.rotate()
    assert desk.touches == 0
    desk.assert_all_is_done()


def test_each_keystore_that_had_the_old_key_gets_the_new_one(network: Network, tmp_path: Path) -> None:
    desk = Desk(tmp_path, network, network.user(), other="file")
    desk.rotate()
    desk.assert_all_is_done()
    assert all(keystore.items == {f"access-key/{desk.key_id}"} for keystore in desk.keystores.values())


def test_the_sessions_of_the_old_key_are_forgotten(desk: Desk) -> None:
    from support.remembering import credentials

    ends = int(desk.clock()) + 3600
    for key_id in (desk.key_id, "AKIAOTHER"):
        desk.sessions.put(
            key_id, credentials(ends), access_key_id=key_id, label="mfa", profile="dev", duration=3600
        )
    desk.rotate()
    assert [entry.access_key_id for entry in desk.index.sessions()] == ["AKIAOTHER"]


def test_a_key_is_not_used_before_aws_has_known_it_three_times_in_a_row(desk: Desk) -> None:
    desk.aws.habits.key_propagation = 9
    made = rehearse(desk)
    first = made.index("probe")
    assert made[first - 1 : first + 9] == ["index", *["probe"] * 8, "index"]  # at 0, 2 ... 8 in vain
    desk.assert_all_is_done()


def test_an_answer_that_does_not_know_the_key_begins_the_count_anew(desk: Desk) -> None:
    desk.aws.fail_nth(6, Fault.SERVICE_UNAVAILABLE)  # the third probe
    desk.rotate()
    assert asked(desk).count("GetCallerIdentity") == 6
    desk.assert_all_is_done()


def test_a_key_that_stays_unknown_waits_for_the_next_run(desk: Desk) -> None:
    desk.aws.habits.key_propagation = 100
    old = desk.key_id
    with pytest.raises(errors.NewKeyUnknown):
        desk.rotate()
    assert desk.key_id == old
    assert desk.warnings == []
    desk.assert_access_works()
    (new,) = set(desk.user.access_keys) - {old}
    assert desk.rotate().new_id == new
    assert f"going on with {new}, which an interrupted rotation made" in desk.notes
    desk.assert_all_is_done()


def test_a_kept_key_stays_active_in_aws_and_is_forgotten_here(desk: Desk) -> None:
    old = desk.key_id
    assert desk.rotate(keep_old=True).left == "active"
    assert desk.user.access_keys[old].active
    assert desk.stored == {desk.key_id}
    assert desk.index.rotations() == []
    desk.assert_access_works()


def test_a_key_that_was_to_be_kept_is_kept_by_the_run_that_goes_on(desk: Desk) -> None:
    desk.aws.habits.key_propagation = 100
    old = desk.key_id
    with pytest.raises(errors.NewKeyUnknown):
        desk.rotate(keep_old=True)
    assert desk.rotate().left == "active"
    assert desk.user.access_keys[old].active


# ---- who may not ---------------------------------------------------------------------------------------


def test_a_user_who_may_not_list_keys_is_told_so_and_nothing_changes(desk: Desk) -> None:
    desk.user.denied.add("iam:ListAccessKeys")
    with pytest.raises(errors.KeysForbidden) as told:
        desk.rotate()
    assert "ask an administrator" in told.value.hint
    desk.assert_all_is_done()


def test_a_user_who_may_not_create_keys_is_told_so_and_nothing_changes(desk: Desk) -> None:
    desk.user.denied.add("iam:CreateAccessKey")
    with pytest.raises(errors.KeysForbidden):
        desk.rotate()
    desk.assert_all_is_done()
    assert desk.warnings == []


def test_without_a_known_device_a_refusal_says_that_it_may_want_mfa(network: Network, tmp_path: Path) -> None:
    desk = Desk(tmp_path, network, network.user(mfa=False))
    desk.user.denied_without_mfa.add("iam:ListAccessKeys")
    with pytest.raises(errors.KeysForbidden) as told:
        desk.rotate()
    assert "mfa_serial" in told.value.hint


def test_where_nobody_may_delete_any_more_the_old_key_stays_inactive_for_the_next_run(desk: Desk) -> None:
    desk.user.denied_without_mfa.add("iam:DeleteAccessKey")
    old = desk.key_id
    assert desk.rotate().left == "inactive"
    assert not desk.user.access_keys[old].active
    assert desk.stored == {desk.key_id}
    assert desk.touches == 1
    done = desk.rotate()
    assert (done.old_id, done.left) == (old, "")
    desk.assert_all_is_done()


def test_a_leftover_of_long_ago_is_deleted_and_then_the_key_rotated(desk: Desk) -> None:
    desk.user.denied_without_mfa.add("iam:DeleteAccessKey")
    old = desk.key_id
    second = desk.rotate().new_id
    (rotation,) = desk.index.rotations()
    long_ago = Rotation(old, second, rotation.began - 90 * DAY, keeps=False)
    desk.index.change(lambda records: records.rotations.update({old: long_ago}))
    done = desk.rotate()
    assert (done.old_id, done.left) == (second, "inactive")
    assert set(desk.user.access_keys) == {second, desk.key_id}


def test_a_user_who_may_only_create_keys_is_told_which_one_stays(desk: Desk) -> None:
    desk.user.denied |= {"iam:UpdateAccessKey", "iam:DeleteAccessKey"}
    old = desk.key_id
    with pytest.raises(errors.OldKeyStays) as told:
        desk.rotate()
    assert f"--access-key-id {old}" in told.value.hint
    assert desk.user.access_keys[old].active
    assert desk.key_id != old
    desk.assert_access_works()
    desk.user.denied.clear()
    desk.rotate()
    desk.assert_all_is_done()


def test_a_key_that_cannot_be_made_inactive_is_deleted_all_the_same(desk: Desk) -> None:
    desk.user.denied.add("iam:UpdateAccessKey")
    assert desk.rotate().left == ""
    desk.assert_all_is_done()


# ---- what is there already -----------------------------------------------------------------------------


def test_a_second_key_is_named_with_its_last_use_and_the_command_that_deletes_it(desk: Desk) -> None:
    other = desk.user.access_key()
    desk.network.sts.caller_arn(AccessKey(other.id, Secret(other.secret)))
    with pytest.raises(errors.TwoKeys) as told:
        desk.rotate()
    assert desk.key_id in told.value.message
    assert f"{other.id} (active, created 2" in told.value.message
    assert told.value.message.count("for sts") == 2
    who = f"--user-name {desk.user.name} --access-key-id {other.id}"
    assert told.value.hint.endswith(f"vaultpy exec dev -- aws iam delete-access-key {who}")
    assert desk.warnings == []
    assert set(desk.user.access_keys) == {desk.key_id, other.id}


def test_a_second_key_whose_use_is_a_secret_is_named_without_it(desk: Desk) -> None:
    other = desk.user.access_key()
    other.active = False
    desk.user.denied.add("iam:GetAccessKeyLastUsed")
    with pytest.raises(errors.TwoKeys) as told:
        desk.rotate()
    assert f"{other.id} (inactive, created" in told.value.message
    assert told.value.message.count("last use unknown") == 2


def test_an_inactive_key_is_not_rotated(desk: Desk) -> None:
    desk.aws.habits.sessions_outlive_keys = True
    (key,) = desk.user.access_keys.values()
    desk.after_touch = lambda: setattr(key, "active", False)
    with pytest.raises(errors.AccessKeyRefused):
        desk.rotate()
    assert len(desk.user.access_keys) == 1


def test_a_name_without_a_key_and_a_key_without_a_secret_are_errors(desk: Desk) -> None:
    with pytest.raises(errors.NotEnrolled):
        desk.rotate("nobody")
    access_keys.delete(desk.keystores["system"], desk.key_id)
    with pytest.raises(errors.KeyLost):
        desk.rotate()
    assert asked(desk) == []


# ---- what an interrupted run leaves --------------------------------------------------------------------


def interrupted_in(desk: Desk, port: str, number: int, trouble: Trouble = Trouble.KILLED_AFTER) -> None:
    """Kill a rotation at the `number`th call of a port."""
    places = [at for at, name in enumerate(rehearse(desk), 1) if name == port]
    desk.calls.made.clear()
    desk.calls.wrong, desk.calls.trouble = places[number - 1], trouble
    with pytest.raises(Killed):
        desk.rotate()
    desk.calls.wrong = 0


def rehearse(desk: Desk) -> list[str]:
    """Return the calls that a rotation makes."""
    desk.calls.made.clear()
    desk.rotate()
    return list(desk.calls.made)


IAM_CREATE = 2


def test_a_key_whose_secret_was_lost_is_deleted_by_the_next_run(desk: Desk) -> None:
    interrupted_in(desk, "iam", IAM_CREATE)
    (lost,) = set(desk.user.access_keys) - {desk.key_id}
    desk.assert_nothing_is_orphaned()
    desk.rotate()
    assert f"deleted {lost}, which an interrupted rotation made and nobody uses" in desk.notes
    desk.assert_all_is_done()


def test_a_key_that_somebody_made_later_is_not_taken_for_the_lost_one(desk: Desk) -> None:
    interrupted_in(desk, "iam", IAM_CREATE, Trouble.KILLED)
    desk.clock.advance(300)
    other = desk.user.access_key()
    with pytest.raises(errors.TwoKeys, match=other.id):
        desk.rotate()
    assert other.id in desk.user.access_keys


def test_a_key_that_somebody_uses_is_not_taken_for_the_lost_one(desk: Desk) -> None:
    interrupted_in(desk, "iam", IAM_CREATE, Trouble.KILLED)
    other = desk.user.access_key()
    desk.network.sts.caller_arn(AccessKey(other.id, Secret(other.secret)))
    with pytest.raises(errors.TwoKeys, match=other.id):
        desk.rotate()
    assert other.id in desk.user.access_keys


def test_a_key_whose_use_is_unknown_is_not_taken_for_the_lost_one(desk: Desk) -> None:
    interrupted_in(desk, "iam", IAM_CREATE)
    desk.user.denied.add("iam:GetAccessKeyLastUsed")
    with pytest.raises(errors.TwoKeys):
        desk.rotate()
    assert len(desk.user.access_keys) == 2


def test_a_key_that_was_stored_but_not_listed_is_gone_on_with(desk: Desk) -> None:
    interrupted_in(desk, "keystore set", 1)
    (new,) = desk.stored - {desk.key_id}
    assert desk.rotate().new_id == new
    desk.assert_all_is_done()


def test_a_stored_key_that_was_made_inactive_meanwhile_is_taken_back(desk: Desk) -> None:
    interrupted_in(desk, "probe", 1)
    (new,) = set(desk.user.access_keys) - {desk.key_id}
    desk.user.access_keys[new].active = False
    assert desk.rotate().new_id != new
    desk.assert_all_is_done()


def test_a_stored_key_that_was_deleted_meanwhile_is_forgotten(desk: Desk) -> None:
    interrupted_in(desk, "probe", 1)
    (new,) = set(desk.user.access_keys) - {desk.key_id}
    del desk.user.access_keys[new]
    desk.clock.advance(120)
    desk.rotate()
    desk.assert_all_is_done()


def test_a_stored_key_that_aws_does_not_list_yet_is_gone_on_with(desk: Desk) -> None:
    interrupted_in(desk, "probe", 1)
    (new,) = set(desk.user.access_keys) - {desk.key_id}
    late = desk.user.access_keys.pop(new)
    desk.after_pause = lambda: desk.user.access_keys.setdefault(new, late)
    assert desk.rotate().new_id == new
    desk.assert_all_is_done()


def test_the_old_key_stays_where_the_new_one_does_not_come_out_of_the_keystore(desk: Desk) -> None:
    before = {desk.key_id}
    desk.after_pause = lambda: access_keys.store(
        desk.keystores["system"],
        AccessKey(next(iter(set(desk.user.access_keys) - before)), Secret("another")),
    )
    with pytest.raises(errors.KeyLost):
        desk.rotate()
    assert [key.active for key in desk.user.access_keys.values()] == [True, True]


def test_a_listed_key_whose_secret_is_gone_is_deleted_whenever_it_was_made(desk: Desk) -> None:
    interrupted_in(desk, "probe", 1)
    (new,) = set(desk.user.access_keys) - {desk.key_id}
    access_keys.delete(desk.keystores["system"], new)
    desk.user.access_keys[new].created -= DAY
    desk.rotate()
    assert new not in desk.user.access_keys
    desk.assert_all_is_done()


def test_before_and_after_it_is_used_a_key_is_listed_under_a_name_of_its_own(desk: Desk) -> None:
    interrupted_in(desk, "probe", 1)
    (new,) = set(desk.user.access_keys) - {desk.key_id}
    old = desk.key_id
    names = {each.name: each.access_key_id for each in desk.index.enrolments()}
    assert names == {"dev": old, "work": old, f"dev (new {new})": new}
    desk.rotate()
    interrupted_in(desk, "keystore delete", 1, Trouble.KILLED)
    (old,) = desk.stored - {desk.key_id}
    names = {each.name: each.access_key_id for each in desk.index.enrolments()}
    assert names == {"dev": desk.key_id, "work": desk.key_id, f"dev (replaced {old})": old}
    with pytest.raises(errors.NotEnrolled):
        desk.rotate(f"dev (replaced {old})")


def test_a_rotation_that_has_begun_is_named_when_it_fails(desk: Desk) -> None:
    old = desk.key_id
    desk.aws.fail_next("UpdateAccessKey", Fault.CLOSE_BEFORE, 2)
    with pytest.raises(errors.NoAnswer):
        desk.rotate()
    begun = f"{desk.key_id} is in use and {old} is not gone yet"
    assert desk.warnings == [f"{begun}; to go on from there: vaultpy rotate dev"]
    assert desk.rotate().old_id == old
    desk.assert_all_is_done()


def test_what_ctrl_c_leaves_is_named_too(desk: Desk) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    old = desk.key_id
    desk.after_pause = interrupt
    with pytest.raises(KeyboardInterrupt):
        desk.rotate()
    (new,) = set(desk.user.access_keys) - {old}
    begun = f"{old} is still in use and {new} is stored beside it"
    assert desk.warnings == [f"{begun}; to go on from there: vaultpy rotate dev"]


def test_a_new_key_that_has_no_keystore_to_go_into_is_taken_back_in_aws(desk: Desk) -> None:
    old = desk.key_id

    def forget_all() -> None:
        desk.index.withdraw("dev")
        desk.index.withdraw("work")

    desk.after_touch = forget_all
    with pytest.raises(errors.NotEnrolled):
        desk.rotate()
    assert set(desk.user.access_keys) == {old}
    assert desk.index.rotations() == []
    assert not any("stored it" in note for note in desk.notes)


def test_a_key_whose_answer_was_lost_is_deleted_at_once(desk: Desk) -> None:
    old = desk.key_id
    desk.aws.fail_next("CreateAccessKey", Fault.CLOSE_AFTER)
    with pytest.raises(errors.NoAnswer):
        desk.rotate()
    assert desk.key_id == old
    desk.assert_all_is_done()
    assert desk.warnings == []


def test_what_a_keystore_does_not_take_is_taken_back_in_aws(desk: Desk) -> None:
    calls = rehearse(desk)
    desk.calls.made.clear()
    old = desk.key_id
    desk.calls.wrong = calls.index("keystore set") + 1
    with pytest.raises(errors.KeystoreFailed):
        desk.rotate()
    assert desk.key_id == old
    desk.assert_all_is_done()


# ---- everything that can go wrong ------------------------------------------------------------------------


class Case(NamedTuple):
    """A kind of user; `outlives` is AWS's habit."""

    mfa: bool
    outlives: bool
    strict: bool


CASES = {
    "mfa": Case(mfa=True, outlives=False, strict=False),
    "session-outlives-key": Case(mfa=True, outlives=True, strict=False),
    "no-mfa": Case(mfa=False, outlives=False, strict=False),
    "everything-wants-mfa": Case(mfa=True, outlives=False, strict=True),
}
FAULTS = [fault for fault in Fault if fault is not Fault.HANG]
"""For a client a hanging AWS is one that closes the connection, ten seconds later."""


class Sweep:
    """One kind of user, rotated again and again, each time with one thing that goes wrong."""

    def __init__(self, network: Network, directory: Path, case: Case) -> None:
        self._network, self._directory, self._case = network, directory, case
        network.aws.habits.sessions_outlive_keys = case.outlives
        network.aws.habits.key_propagation = 3
        self.tried = self.calls = 0

    def new(self) -> Desk:
        """Return the computer of a new user."""
        user: User = self._network.user(mfa=self._case.mfa)
        if self._case.strict:
            user.denied_without_mfa |= KEY_ACTIONS
        return Desk(self._directory, self._network, user, other="file")

    def ports(self, trouble: Trouble) -> None:
        """Let each call of each port meet `trouble` once."""
        self.calls = len(rehearse(self.new()))
        for number in range(1, self.calls + 1):
            desk = self.new()
            desk.calls.wrong, desk.calls.trouble = number, trouble
            desk.survive()
            self.tried += 1

    def aws(self, fault: Fault, first: int = 1, every: int = 1) -> None:
        """Let each call that AWS gets meet `fault` once; or only some of them, of which `first` is one."""
        before = len(self._network.aws.calls)
        self.new().rotate()
        for number in range(first, len(self._network.aws.calls) - before + 1, every):
            desk = self.new()
            desk.aws.fail_nth(number, fault)
            desk.survive()
            self.tried += 1
            assert any(call.fault for call in desk.aws.calls[-50:])


def test_whatever_goes_wrong_access_works_and_the_next_run_puts_all_right(
    network: Network, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    sweep = Sweep(network, tmp_path, CASES["mfa"])
    for trouble in (
        Trouble.FAILS,
        Trouble.FAILS_AFTER,
        Trouble.KILLED,
    ):  # before a call is after the last one
        sweep.ports(trouble)
    for first, fault in enumerate(FAULTS):
        sweep.aws(fault, first % 3 + 1, every=3)
    tell(f"{sweep.tried} faults of a rotation")
    assert sweep.tried > 3 * sweep.calls > 50


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.long
def test_whatever_goes_wrong_at_any_call_of_any_user_all_comes_right(
    case: Case, network: Network, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    sweep = Sweep(network, tmp_path, case)
    for trouble in Trouble:
        sweep.ports(trouble)
    for fault in FAULTS:
        sweep.aws(fault)
    tell(f"{sweep.tried} faults of a rotation, of a user of the kind {case}")
    assert sweep.tried > 100
