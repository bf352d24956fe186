"""Enrolling and removing an access key: what is refused, what is written, and what a failure leaves."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from vaultpy import access_keys
from vaultpy.access_key_owner import Checked, check
from vaultpy.credentials import AccessKey, Credentials
from vaultpy.enrolment import Enroller, new_profiles, parse_role
from vaultpy.errors import (
    AccessKeyRefused,
    AlreadyEnrolled,
    AwsRefused,
    BadProfileName,
    BadRoleOption,
    ConfigUnwritable,
    KeyChanged,
    KeystoreFailed,
    KeystoreLocked,
    NotAnIamUser,
    NotEnrolled,
    ProfileExists,
    RootKey,
    SecretWrong,
    SessionsLeft,
    StateUnusable,
    Unreachable,
    VaultpyError,
)
from vaultpy.index import Index
from vaultpy.records import Enrolment
from vaultpy.sessions import SessionStore
from vaultpy.simulated.keystore import MemoryKeystore
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NOW = 1_800_000_000
ALICE = "arn:aws:iam::123456789012:user/alice"
SERIAL = "arn:aws:iam::123456789012:mfa/alice"
ROLE = "arn:aws:iam::123456789012:role/admin"
OLD = AccessKey("AKIAIOSFODNN7EXAMPLE", Secret("the old secret"))
NEW = AccessKey("AKIAI44QH8DHBEXAMPLE", Secret("the new secret"))
CHECKED = Checked(ALICE, (SERIAL,), told=True)
HEARD = "[profile other]\nregion = eu-west-1\n"


class Aws:
    """What AWS says of a key; an exception for an answer is raised."""

    def __init__(self, arn: str | VaultpyError, serials: tuple[str, ...] | VaultpyError = ()) -> None:
        self.arn = arn
        self.serials = serials
        self.asked_for = ""

    def caller_arn(self, signer: AccessKey) -> str:
        """Return the ARN."""
        assert signer is NEW
        if isinstance(self.arn, VaultpyError):
            raise self.arn
        return self.arn

    def mfa_serials(self, signer: AccessKey, user_name: str) -> tuple[str, ...]:
        """Return the serials."""
        assert signer is NEW
        self.asked_for = user_name
        if isinstance(self.serials, VaultpyError):
            raise self.serials
        return self.serials


class Keystore(MemoryKeystore[Secret]):
    """A keystore in memory, that may refuse single things."""

    file = ""

    def __init__(self, name: str = "system") -> None:
        super().__init__(name)
        self.refuses: set[str] = set()
        self.keeps_what_it_refuses = False

    def set(self, item: str, text: Secret) -> None:
        """Store `text`."""
        if "set" in self.refuses:
            if self.keeps_what_it_refuses:
                super().set(item, text)
            raise KeystoreFailed(keystore=self.name, reason="what was stored does not come back")
        super().set(item, text)

    def delete(self, item: str) -> None:
        """Remove `item`."""
        if "delete" in self.refuses:
            raise KeystoreLocked
        super().delete(item)


class FullDisk(Index):
    """An index that takes no enrolment of certain names."""

    refuses: tuple[str, ...] = ()

    def enrol(self, enrolment: Enrolment) -> None:
        """Add it, or not."""
        if enrolment.name.startswith(self.refuses) and self.refuses:
            raise StateUnusable(path="index", reason="No space left on device", remedy="make room")
        super().enrol(enrolment)


class Shelf:
    """A place for sessions."""

    name = "shelf"
    quiet = True

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def read(self, digest: str) -> str | None:
        """Return the text."""
        return self.texts.get(digest)

    def write(self, digest: str, text: str, ttl: int) -> None:
        """Keep the text."""
        assert ttl > 0
        self.texts[digest] = text

    def delete(self, digest: str) -> None:
        """Remove the text."""
        self.texts.pop(digest, None)

    def names(self) -> list[str]:
        """Return what is there."""
        return list(self.texts)


class Computer:
    """A user's computer: two keystores, an index, sessions, and a config file that holds something."""

    def __init__(self, directory: Path) -> None:
        self.config = directory / "config"
        self.config.write_text(HEARD)
        self.config_path = str(self.config)
        self.index = FullDisk(str(directory / "state" / "index"))
        self.keystores = {"system": Keystore("system"), "file": Keystore("file")}
        self.sessions = SessionStore(self.index, [Shelf()], lambda: NOW)
        self.is_alone = False
        self.before_alone: Callable[[], object] = lambda: None
        """What another run does meanwhile."""

    @property
    def enroller(self) -> Enroller:
        """A new one, as each run has."""
        return Enroller(
            self.index,
            self.sessions,
            lambda name, _: self.keystores[name],
            self.config_path,
            lambda: NOW,
            self.alone,
        )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until nobody else changes keys, and then let nobody."""
        self.before_alone()
        assert not self.is_alone, "a run waits for itself"
        self.is_alone = True
        try:
            yield
        finally:
            self.is_alone = False

    def enrol(self, name: str, access_key: AccessKey, keystore: str = "system") -> VaultpyError | None:
        """Enrol a key, and return what stays in the way of deleting the one it replaces."""
        profiles = new_profiles(name, CHECKED, [])
        old_id = self.key_id(name)
        return self.enroller.enrol(name, access_key, CHECKED, keystore, profiles, replaces=old_id).why

    def remove(self, name: str) -> None:
        """Remove the key that is enrolled."""
        self.enroller.remove(name, self.key_id(name))

    def key_id(self, name: str) -> str:
        """Return the id of the key that is enrolled; empty for none."""
        enrolment = self.index.enrolment(name)
        return enrolment.access_key_id if enrolment else ""

    def secret(self, access_key: AccessKey, keystore: str = "system") -> Secret | None:
        """Return what a keystore has for a key."""
        found = access_keys.load(self.keystores[keystore], access_key.id)
        return None if found is None else found.secret

    def keep_session(self, access_key: AccessKey) -> None:
        """Cache a session of that key."""
        made = Credentials("ASIAEXAMPLE", Secret("s"), Secret("t"), NOW + 3600)
        self.sessions.put(
            access_key.id, made, access_key_id=access_key.id, label="mfa", profile="dev", duration=3600
        )

    def has_session(self, access_key: AccessKey) -> bool:
        """Tell whether one is cached."""
        return self.sessions.get(access_key.id, 300) is not None

    def everything(self) -> tuple[object, ...]:
        """Return all that enrolling may change."""
        items = [dict(keystore._items) for keystore in self.keystores.values()]
        config = self.config.read_text() if self.config.is_file() else None
        return items, self.index.enrolments(), config


@pytest.fixture
def computer(tmp_path: Path) -> Computer:
    """Return a computer on which nothing is enrolled."""
    return Computer(tmp_path)


# ---- whose key it is ------------------------------------------------------------------------------------


def test_a_users_key_is_checked_and_its_mfa_devices_are_listed() -> None:
    assert check(Aws(ALICE, (SERIAL,)), NEW, "dev") == CHECKED


def test_a_user_with_a_path_is_asked_about_by_its_name_alone() -> None:
    aws = Aws("arn:aws:iam::123456789012:user/division/team/alice", (SERIAL,))
    assert check(aws, NEW, "dev").mfa_serials == (SERIAL,)
    assert aws.asked_for == "alice"


def test_a_root_key_is_refused() -> None:
    with pytest.raises(RootKey, match="root user of account 123456789012"):
        check(Aws("arn:aws:iam::123456789012:root"), NEW, "dev")


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:sts::123456789012:assumed-role/admin/alice",
        "arn:aws:sts::123456789012:federated-user/alice",
        "arn:aws:iam::123456789012:role/user/alice",
        "nonsense",
    ],
)
def test_whoever_is_no_iam_user_is_refused(arn: str) -> None:
    with pytest.raises(NotAnIamUser, match=arn):
        check(Aws(arn), NEW, "dev")


@pytest.mark.parametrize("refusal", [AwsRefused(code="AccessDenied", reason="not authorized")])
def test_a_user_who_may_not_list_mfa_devices_is_enrolled_without_them(refusal: VaultpyError) -> None:
    assert check(Aws(ALICE, refusal), NEW, "dev") == Checked(ALICE, (), told=False)


def test_no_network_is_no_reason_to_enrol_without_mfa_devices() -> None:
    with pytest.raises(Unreachable):
        check(Aws(ALICE, Unreachable(host="iam.amazonaws.com", reason="no route to host")), NEW, "dev")


@pytest.mark.parametrize("kind", [AccessKeyRefused, SecretWrong])
def test_a_key_that_aws_refuses_is_named_with_the_profile_it_was_meant_for(kind: type[VaultpyError]) -> None:
    with pytest.raises(kind) as caught:
        check(Aws(kind(key_id="", profile="")), NEW, "dev")
    assert NEW.id in caught.value.message
    assert caught.value.hint.endswith("vaultpy add --force dev")


def _rotated_meanwhile(computer: Computer) -> None:
    """Give `dev` its new key, once."""
    computer.before_alone = lambda: None
    computer.enrol("dev", NEW)


# ---- what is written ------------------------------------------------------------------------------------


def test_the_one_mfa_device_goes_into_the_profile(computer: Computer) -> None:
    computer.enrol("dev", NEW)
    assert computer.config.read_text() == f"{HEARD}\n[profile dev]\nmfa_serial = {SERIAL}\n"


@pytest.mark.parametrize("serials", [(), (SERIAL, SERIAL + "-2")])
def test_none_or_several_mfa_devices_are_only_listed(computer: Computer, serials: tuple[str, ...]) -> None:
    checked = Checked(ALICE, serials, told=True)
    computer.enroller.enrol("dev", NEW, checked, "system", new_profiles("dev", checked, []))
    assert computer.config.read_text() == f"{HEARD}\n[profile dev]\n"
    assert computer.index.enrolments()[0].mfa_serials == serials


def test_roles_get_profiles_whose_source_is_the_key(computer: Computer) -> None:
    profiles = new_profiles("dev", CHECKED, [("dev-admin", ROLE)])
    done = computer.enroller.enrol("dev", NEW, CHECKED, "system", profiles)
    assert done.added == ["dev", "dev-admin"]
    assert f"[profile dev-admin]\nrole_arn = {ROLE}\nsource_profile = dev\n" in computer.config.read_text()


def test_the_key_is_stored_and_listed(computer: Computer) -> None:
    computer.enrol("dev", NEW, "file")
    assert computer.secret(NEW, "file") == NEW.secret
    assert computer.secret(NEW, "system") is None
    assert computer.index.enrolments() == [
        Enrolment(
            name="dev",
            access_key_id=NEW.id,
            user_arn=ALICE,
            mfa_serials=(SERIAL,),
            keystore="file",
            keystore_file="",
            added=NOW,
        )
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dev",
        "dev=",
        f"={ROLE}",
        "dev=admin",
        "dev=arn:aws:iam::123456789012:user/alice",
        "dev=arn:aws:iam::123456789012:role/",
        "dev=arn:aws:iam::123456789012:role/path/",
        "dev=arn:aws:iam:eu-west-1:123456789012:role/admin",
        "dev=arn:aws:iam:::role/admin",
        "dev=arn:aws:sts::123456789012:role/admin",
        "dev=urn:aws:iam::123456789012:role/admin",
    ],
)
def test_what_is_not_name_and_role_arn_is_refused(text: str) -> None:
    with pytest.raises(BadRoleOption):
        parse_role(text)


@pytest.mark.parametrize(
    "arn", [ROLE, "arn:aws-cn:iam::123456789012:role/path/admin", "arn:aws:iam::123456789012:role/a=b"]
)
def test_a_role_is_a_name_and_an_arn(arn: str) -> None:
    assert parse_role(f"dev={arn}") == ("dev", arn)


# ---- what stands in the way -----------------------------------------------------------------------------


def test_a_name_that_is_taken_is_refused_unless_the_key_is_to_be_replaced(computer: Computer) -> None:
    computer.enrol("dev", OLD)
    with pytest.raises(AlreadyEnrolled, match=OLD.id):
        computer.enroller.judge("dev", [], replace=False)
    computer.enroller.judge("dev", [], replace=True)


def test_a_key_that_another_run_enrolled_meanwhile_is_not_replaced(computer: Computer) -> None:
    replaces = computer.enroller.judge("dev", [], replace=False)
    enroller = computer.enroller
    computer.enrol("dev", OLD)
    before = computer.everything()
    with pytest.raises(AlreadyEnrolled, match=OLD.id):
        enroller.enrol("dev", NEW, CHECKED, "system", new_profiles("dev", CHECKED, []), replaces=replaces)
    assert computer.everything() == before


def test_a_key_that_came_while_this_run_waited_is_neither_replaced_nor_removed(computer: Computer) -> None:
    third = AccessKey("AKIATHIRDEXAMPLE", Secret("the third secret"))
    computer.enrol("dev", OLD)
    waits: list[Callable[[], object]] = [lambda: computer.enrol("dev", third), lambda: computer.remove("dev")]
    for wait in waits:
        computer.before_alone = lambda: _rotated_meanwhile(computer)
        with pytest.raises(KeyChanged, match=f"{NEW.id} in the place of {OLD.id}"):
            wait()
        assert (computer.key_id("dev"), computer.secret(NEW)) == (NEW.id, NEW.secret)
        computer.enrol("dev", OLD)


def test_a_role_for_a_profile_with_another_role_is_refused_before_anything_is_asked(
    computer: Computer,
) -> None:
    computer.config.write_text(f"[profile dev-admin]\nrole_arn = {ROLE}-2\n")
    with pytest.raises(ProfileExists, match="dev-admin"):
        computer.enroller.judge("dev", [("dev-admin", ROLE)], replace=False)


@pytest.mark.parametrize("name", ["", "a b", "a]b", "\x1b[31m", "dev (replaced AKIA)"])
def test_a_name_that_no_profile_can_have_is_refused_before_anything_is_asked(
    computer: Computer, name: str
) -> None:
    with pytest.raises(BadProfileName):
        computer.enroller.judge(name, [], replace=False)


# ---- what a failure leaves ------------------------------------------------------------------------------


def _unwritable_config(computer: Computer) -> None:
    computer.config_path = str(computer.config / "config")  # a directory that is a file


def _profile_with_another_serial(computer: Computer) -> None:
    computer.config.write_text(f"[profile dev]\nmfa_serial = {SERIAL}-2\n")


def _keystore_that_refuses(computer: Computer) -> None:
    computer.keystores["system"].refuses = {"set"}


def _keystore_that_keeps_what_it_refuses(computer: Computer) -> None:
    computer.keystores["system"].refuses = {"set"}
    computer.keystores["system"].keeps_what_it_refuses = True


def _locked_keystore(computer: Computer) -> None:
    computer.keystores["system"].failure = KeystoreLocked()


def _index_that_refuses(computer: Computer) -> None:
    computer.index.refuses = ("dev",)


def _index_that_refuses_the_replaced(computer: Computer) -> None:
    computer.index.refuses = ("dev (",)


FAILURES = [
    (_unwritable_config, ConfigUnwritable),
    (_profile_with_another_serial, ProfileExists),
    (_keystore_that_refuses, KeystoreFailed),
    (_keystore_that_keeps_what_it_refuses, KeystoreFailed),
    (_locked_keystore, KeystoreLocked),
    (_index_that_refuses, StateUnusable),
]


def _repair(computer: Computer) -> None:
    computer.config_path = str(computer.config)
    computer.config.write_text(HEARD)
    computer.index.refuses = ()
    for keystore in computer.keystores.values():
        keystore.refuses = set()
        keystore.failure = None


@pytest.mark.parametrize(("breaks", "error"), FAILURES)
def test_whatever_fails_nothing_is_half_done_and_a_second_add_works(
    computer: Computer, breaks: object, error: type[VaultpyError]
) -> None:
    assert callable(breaks)
    breaks(computer)
    before = computer.everything()
    with pytest.raises(error):
        computer.enrol("dev", NEW)
    assert computer.everything() == before
    _repair(computer)
    computer.enroller.judge("dev", [], replace=False)
    assert computer.enrol("dev", NEW) is None
    assert computer.secret(NEW) == NEW.secret


@pytest.mark.parametrize(
    ("breaks", "error", "replacement"),
    [
        *(
            (*failure, key)
            for failure in FAILURES
            for key in (NEW, AccessKey(OLD.id, Secret("the right one")))
        ),
        (_index_that_refuses_the_replaced, StateUnusable, NEW),  # the same key is listed as it was
    ],
)
def test_whatever_fails_the_key_that_was_to_be_replaced_stays(
    computer: Computer, breaks: object, error: type[VaultpyError], replacement: AccessKey
) -> None:
    assert callable(breaks)
    computer.enrol("dev", OLD)
    computer.keep_session(OLD)
    breaks(computer)
    before = computer.everything()
    with pytest.raises(error):
        computer.enrol("dev", replacement)
    assert computer.everything() == before or breaks is _keystore_that_keeps_what_it_refuses
    _repair(computer)
    assert computer.index.enrolments()[0].access_key_id == OLD.id
    assert computer.has_session(OLD)
    assert computer.enrol("dev", replacement) is None
    assert computer.secret(replacement) == replacement.secret


def test_a_session_that_cannot_be_removed_is_told_after_the_key_is_deleted(computer: Computer) -> None:
    class Stuck(Shelf):
        def delete(self, digest: str) -> None:
            raise OSError(errno.EIO, f"{digest} is stuck")

    computer.sessions = SessionStore(computer.index, [Stuck()], lambda: NOW)
    computer.enrol("dev", NEW)
    computer.keep_session(NEW)
    with pytest.raises(SessionsLeft, match="from the shelf"):
        computer.remove("dev")
    assert computer.secret(NEW) is None
    assert computer.index.enrolment("dev")


def test_ctrl_c_in_the_middle_undoes_like_any_failure(computer: Computer) -> None:
    class Interrupted(FullDisk):
        def enrol(self, enrolment: Enrolment) -> None:
            super().enrol(enrolment)
            raise KeyboardInterrupt

    before = computer.everything()
    computer.index = Interrupted(computer.index._path)
    with pytest.raises(KeyboardInterrupt):
        computer.enrol("dev", NEW)
    assert computer.everything() == before


@pytest.mark.parametrize("old", [None, OLD])
def test_the_index_names_a_key_before_the_keystore_has_it(computer: Computer, old: AccessKey | None) -> None:
    listed: list[list[str]] = []

    class Watched(Keystore):
        def set(self, item: str, text: Secret) -> None:
            listed.append([enrolment.access_key_id for enrolment in computer.index.enrolments()])
            super().set(item, text)

    if old:
        computer.enrol("dev", old)
    watched = Watched("system")
    watched._items = computer.keystores["system"]._items
    computer.keystores["system"] = watched
    computer.enrol("dev", NEW)
    assert [sorted(ids) for ids in listed] == [sorted([NEW.id] if old is None else [NEW.id, OLD.id])]


def test_what_a_kill_before_the_keystore_leaves_is_mended_by_add_and_by_remove(computer: Computer) -> None:
    mends: list[Callable[[], object]] = [lambda: computer.enrol("dev", OLD), lambda: computer.remove("dev")]
    for mend in mends:
        computer.enrol("dev", NEW)
        access_keys.delete(computer.keystores["system"], NEW.id)
        computer.enroller.judge("dev", [], replace=True)
        mend()
        assert NEW.id not in [enrolment.access_key_id for enrolment in computer.index.enrolments()]
    assert computer.secret(NEW) is None


# ---- replacing and removing -----------------------------------------------------------------------------


def test_a_replaced_key_is_gone_with_its_sessions(computer: Computer) -> None:
    computer.enrol("dev", OLD)
    computer.keep_session(OLD)
    assert computer.enrol("dev", NEW) is None
    assert computer.secret(OLD) is None
    assert not computer.has_session(OLD)
    assert computer.secret(NEW) == NEW.secret
    assert [enrolment.access_key_id for enrolment in computer.index.enrolments()] == [NEW.id]


def test_a_replaced_key_that_another_name_uses_stays(computer: Computer) -> None:
    computer.enrol("dev", OLD)
    computer.enrol("prod", OLD)
    computer.keep_session(OLD)
    assert computer.enrol("dev", NEW) is None
    assert computer.secret(OLD) == OLD.secret
    assert computer.has_session(OLD)


def test_the_same_key_again_gets_its_new_secret_and_keeps_its_sessions(computer: Computer) -> None:
    computer.enrol("dev", OLD)
    computer.keep_session(OLD)
    assert computer.enrol("dev", AccessKey(OLD.id, Secret("its right secret"))) is None
    assert computer.secret(OLD) == Secret("its right secret")
    assert computer.has_session(OLD)


def test_a_key_that_moves_to_another_keystore_leaves_the_first(computer: Computer) -> None:
    computer.enrol("dev", OLD, "system")
    assert computer.enrol("dev", OLD, "file") is None
    assert computer.secret(OLD, "system") is None
    assert computer.secret(OLD, "file") == OLD.secret


def test_a_replaced_key_whose_keystore_is_gone_is_named_and_can_be_removed_later(computer: Computer) -> None:
    computer.enrol("dev", OLD, "system")
    computer.keystores["system"].failure = KeystoreLocked()
    profiles = new_profiles("dev", CHECKED, [])
    done = computer.enroller.enrol("dev", NEW, CHECKED, "file", profiles, replaces=OLD.id)
    assert isinstance(done.why, KeystoreLocked)
    assert done.left_behind
    assert done.left_behind.name == f"dev (replaced {OLD.id})"
    assert computer.secret(NEW, "file") == NEW.secret
    computer.keystores["system"].failure = None
    computer.remove(done.left_behind.name)
    assert computer.secret(OLD, "system") is None
    assert [enrolment.name for enrolment in computer.index.enrolments()] == ["dev"]


def test_a_removed_key_is_gone_with_its_sessions_and_its_profile_stays(computer: Computer) -> None:
    computer.enrol("dev", OLD)
    computer.keep_session(OLD)
    computer.remove("dev")
    assert computer.secret(OLD) is None
    assert not computer.has_session(OLD)
    assert computer.index.enrolments() == []
    assert "[profile dev]" in computer.config.read_text()


def test_a_removed_key_that_another_name_uses_stays(computer: Computer) -> None:
    computer.enrol("dev", OLD)
    computer.enrol("prod", OLD)
    computer.remove("dev")
    assert computer.secret(OLD) == OLD.secret
    computer.remove("prod")
    assert computer.secret(OLD) is None


def test_a_name_that_is_not_enrolled_cannot_be_removed(computer: Computer) -> None:
    with pytest.raises(NotEnrolled, match="dev"):
        computer.remove("dev")


def test_a_removal_that_was_interrupted_can_be_repeated(computer: Computer) -> None:
    computer.enrol("dev", OLD)
    computer.keystores["system"].refuses = {"delete"}
    with pytest.raises(KeystoreLocked):
        computer.remove("dev")
    assert [enrolment.name for enrolment in computer.index.enrolments()] == ["dev"]
    computer.keystores["system"].refuses = set()
    computer.remove("dev")
    assert computer.everything()[:2] == ([{}, {}], [])


def test_a_key_that_the_keystore_has_lost_can_be_removed(computer: Computer) -> None:
    computer.enrol("dev", OLD)
    access_keys.delete(computer.keystores["system"], OLD.id)
    computer.remove("dev")
    assert computer.index.enrolments() == []


class LateAws(Aws):
    """AWS, which hears of a new key only after so many questions."""

    def __init__(self, questions: int) -> None:
        super().__init__(ALICE)
        self.left = questions

    def caller_arn(self, signer: AccessKey) -> str:
        """Return the ARN, in the end."""
        self.left -= 1
        if self.left >= 0:
            raise AccessKeyRefused(key_id=signer.id, profile="dev")
        return super().caller_arn(signer)


def test_a_key_that_is_too_new_is_asked_for_again() -> None:
    assert check(LateAws(2), NEW, "dev", [1, 2, 3]).user_arn == ALICE


def test_a_key_that_stays_unknown_is_refused_in_the_end() -> None:
    with pytest.raises(AccessKeyRefused):
        check(LateAws(4), NEW, "dev", [1, 2, 3])


def test_a_key_that_is_known_waits_for_nothing() -> None:
    pauses = iter([1.0, 2.0])
    assert check(Aws(ALICE), NEW, "dev", pauses).user_arn == ALICE
    assert list(pauses) == [1.0, 2.0]
