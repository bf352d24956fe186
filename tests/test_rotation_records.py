"""What the index says while an access key is rotated."""

from __future__ import annotations

from support.remembering import enrolment
from vaultpy.records import Enrolment, Records, Rotation
from vaultpy.rotation_records import begin, end, forget, is_in_use, stored, switch

NOW = 1_800_000_000
OLD, NEW = "AKIAIOSFODNN7EXAMPLE", "AKIAI44QH8DHBEXAMPLE"
ROTATION = Rotation(OLD, NEW, NOW, keeps=False)


def records(*enrolled: Enrolment) -> Records:
    found = Records()
    found.enrolments = {each.name: each for each in enrolled or (enrolment("dev"), enrolment("work"))}
    return found


def names(found: Records) -> dict[str, str]:
    return {each.name: each.access_key_id for each in found.enrolments.values()}


def test_a_stored_key_is_listed_once_and_is_not_in_use() -> None:
    found = records()
    stored(ROTATION, NOW)(found)
    assert names(found) == {"dev": OLD, "work": OLD, f"dev (new {NEW})": NEW}
    assert [is_in_use(each) for each in found.enrolments.values()] == [True, True, False]
    assert found.rotations == {OLD: ROTATION}


def test_every_name_has_the_new_key_at_once_and_the_old_one_stays_listed() -> None:
    found = records()
    stored(ROTATION, NOW)(found)
    switch(ROTATION, NOW + 9)(found)
    assert names(found) == {"dev": NEW, "work": NEW, f"dev (replaced {OLD})": OLD}
    assert found.enrolments["dev"] == enrolment("dev").holding(NEW, "dev", NOW + 9)
    assert not is_in_use(found.enrolments[f"dev (replaced {OLD})"])


def test_a_key_in_two_keystores_is_listed_in_both() -> None:
    there = enrolment("work")
    elsewhere = Enrolment(
        name="work",
        access_key_id=OLD,
        user_arn=there.user_arn,
        mfa_serials=(),
        keystore="file",
        keystore_file="/keys",
        added=1,
    )
    found = records(enrolment("dev"), elsewhere)
    switch(ROTATION, NOW)(found)
    places = {each.name: each.place for each in found.enrolments.values() if each.access_key_id == OLD}
    assert places == {
        f"dev (replaced {OLD})": ("system", ""),
        f"work (replaced {OLD})": ("file", "/keys"),
    }
    assert found.enrolments["work"].place == ("file", "/keys")


def test_a_copy_that_add_force_left_behind_is_not_given_the_new_key() -> None:
    left = enrolment(f"dev (replaced {OLD})")
    found = records(enrolment("dev"), left)
    switch(ROTATION, NOW)(found)
    assert names(found) == {"dev": NEW, left.name: OLD}


def test_forgetting_a_key_leaves_the_names_that_use_one() -> None:
    found = records()
    stored(ROTATION, NOW)(found)
    forget(OLD)(found)
    forget(NEW)(found)
    assert names(found) == {"dev": OLD, "work": OLD}


def test_a_rotation_that_ended_is_gone_and_one_of_keys_long_gone_goes_with_the_next() -> None:
    found = records()
    found.rotations["AKIAGONE"] = Rotation("AKIAGONE", "AKIAGONETOO", 1, keeps=True)
    before = Rotation("AKIABEFORE", OLD, 1, keeps=False)
    found.rotations["AKIABEFORE"] = before
    begin(ROTATION)(found)
    assert found.rotations == {"AKIABEFORE": before, OLD: ROTATION}
    end(ROTATION)(found)
    end(ROTATION)(found)
    assert found.rotations == {"AKIABEFORE": before}
