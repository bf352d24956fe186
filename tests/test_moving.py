"""Access keys move in from other tools, and whatever fails on the way, none is lost."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, TypeVar

import pytest

from vaultpy import access_keys
from vaultpy.config import Config
from vaultpy.credentials import AccessKey
from vaultpy.enrolment import Enroller
from vaultpy.errors import (
    AccessKeyRefused,
    AlreadyEnrolled,
    AwsRefused,
    KeystoreFailed,
    StateUnusable,
    Unreachable,
    VaultpyError,
)
from vaultpy.found_access_keys import FoundKey, in_files, of_aws_mfa
from vaultpy.index import Index
from vaultpy.moving import Move, Mover, Skip
from vaultpy.records import ON_YUBIKEY, Enrolment
from vaultpy.sessions import SessionStore
from vaultpy.simulated.keystore import MemoryKeystore
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vaultpy.moving import Moved

    Found = Callable[["Computer"], list[FoundKey]]

NOW = 1_800_000_000
ALICE = "arn:aws:iam::123456789012:user/alice"
SERIAL = "arn:aws:iam::123456789012:mfa/alice"
OTHER_SERIAL = "arn:aws:iam::123456789012:mfa/phone"
KEY = AccessKey("AKIAIOSFODNN7EXAMPLE", Secret("wJalrXUtnFEMI"))
OTHER_KEY = AccessKey("AKIAI44QH8DHBEXAMPLE", Secret("je7MtGbClwBF"))
AROUND = "# mine\n[other]\nregion = x\n\n[dev]\nKEY; a comment\nregion = eu-west-1\n"
CONFIG = f"[profile dev-role]\nrole_arn = {ALICE.replace('user', 'role')}\nsource_profile = dev\n"

_Answer = TypeVar("_Answer")


def lines(access_key: AccessKey) -> str:
    return f"aws_access_key_id = {access_key.id}\naws_secret_access_key = {access_key.secret.reveal()}\n"


class Faults:
    """Lets call number `at` fail `before` or `after` its effect, answer `garbage`, or do nothing (`lost`)."""

    def __init__(self) -> None:
        self.at = 0
        self.mode = "before"
        self.calls = 0

    def break_next(self, at: int, mode: str) -> None:
        """Choose the call, counted from 1 from now on."""
        self.at, self.mode, self.calls = at, mode, 0

    @property
    def struck(self) -> bool:
        """Whether there was such a call."""
        return 0 < self.at <= self.calls

    def call(self, do: Callable[[], _Answer], error: VaultpyError, garbage: _Answer) -> _Answer:
        """Do it, or not."""
        self.calls += 1
        if self.calls != self.at:
            return do()
        if self.mode == "before":
            raise error
        if self.mode != "lost":
            do()
        if self.mode == "after":
            raise error
        return garbage


class Aws:
    """What AWS says of each key."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self.asked: list[AccessKey] = []
        self.users: dict[str, str | VaultpyError] = {KEY.id: ALICE, OTHER_KEY.id: ALICE}
        self.serials: tuple[str, ...] | VaultpyError = (SERIAL,)

    def caller_arn(self, signer: AccessKey) -> str:
        """Return the user."""
        return self._faults.call(lambda: self._arn(signer), Unreachable(host="sts", reason="reset"), "arn:x")

    def _arn(self, signer: AccessKey) -> str:
        self.asked.append(signer)
        answer = self.users[signer.id]
        if isinstance(answer, VaultpyError):
            raise answer
        return answer

    def mfa_serials(self, signer: AccessKey, user_name: str) -> tuple[str, ...]:
        """Return the MFA devices."""
        assert (signer.id, user_name) != ("", "")
        return self._faults.call(self._serials, Unreachable(host="iam", reason="reset"), ())

    def _serials(self) -> tuple[str, ...]:
        if isinstance(self.serials, VaultpyError):
            raise self.serials
        return self.serials


class Keystore(MemoryKeystore[Secret]):
    """A keystore whose calls may fail."""

    def __init__(self, name: str, faults: Faults) -> None:
        super().__init__(name)
        self._faults = faults

    def _failing(self, do: Callable[[], _Answer], garbage: _Answer) -> _Answer:
        return self._faults.call(do, KeystoreFailed(keystore=self.name, reason="it broke"), garbage)

    def get(self, item: str) -> Secret | None:
        """Return an item."""
        garbage: Secret | None = Secret("garbage")
        return self._failing(lambda: MemoryKeystore.get(self, item), garbage)

    def set(self, item: str, text: Secret) -> None:
        """Store it."""
        self._failing(lambda: MemoryKeystore.set(self, item, text), None)

    def delete(self, item: str) -> None:
        """Remove it."""
        self._failing(lambda: MemoryKeystore.delete(self, item), None)


class Forgetful(Keystore):
    """A keystore that takes everything and keeps nothing."""

    def set(self, item: str, text: Secret) -> None:
        """Say nothing of it."""


class Garbling(Keystore):
    """A keystore that gives back what was never put in."""

    def get(self, item: str) -> Secret | None:
        """Return something else."""
        return Secret(f"not what is under {item}")


class FailingIndex(Index):
    """An index whose calls may fail."""

    def __init__(self, path: str, faults: Faults) -> None:
        super().__init__(path)
        self._faults = faults

    def _failing(self, do: Callable[[], _Answer], garbage: _Answer) -> _Answer:
        return self._faults.call(do, StateUnusable(path="index", reason="full", remedy="make room"), garbage)

    def enrolments(self) -> list[Enrolment]:
        """Return all."""
        return self._failing(lambda: Index.enrolments(self), [])

    def enrolment(self, name: str) -> Enrolment | None:
        """Return one."""
        return self._failing(lambda: Index.enrolment(self, name), None)

    def enrol(self, enrolment: Enrolment) -> None:
        """Add one."""
        self._failing(lambda: Index.enrol(self, enrolment), None)

    def withdraw(self, name: str) -> None:
        """Remove one."""
        self._failing(lambda: Index.withdraw(self, name), None)


class Computer:
    """A user's computer: AWS's files, an index and two keystores."""

    def __init__(self, directory: Path) -> None:
        self.config = directory / "config"
        self.config.write_text(CONFIG)
        self.credentials = directory / "credentials"
        self.faults = Faults()
        self.aws = Aws(self.faults)
        self.index = FailingIndex(str(directory / "state" / "index"), self.faults)
        self.keystores = {name: Keystore(name, self.faults) for name in ("system", "file")}

    def mover(self, keystore: str = "system") -> Mover:
        """Return a new one, as each run has."""
        files = {"AWS_CONFIG_FILE": self.config, "AWS_SHARED_CREDENTIALS_FILE": self.credentials}
        sessions = SessionStore(self.index, [], lambda: NOW)
        return Mover(
            Config.load({name: str(path) for name, path in files.items()}),
            self.index,
            Enroller(self.index, sessions, self.open_keystore, str(self.config), lambda: NOW, nullcontext),
            open_keystore=self.open_keystore,
            aws=lambda _name: self.aws,
            keystore=keystore,
        )

    def open_keystore(self, name: str, file: str) -> Keystore:
        """Return a keystore."""
        assert file == ""
        return self.keystores[name]

    def found(self) -> list[FoundKey]:
        """Return what lies in clear."""
        return in_files(str(self.credentials), str(self.config))

    def found_of_aws_mfa(self) -> list[FoundKey]:
        """Return what aws-mfa keeps."""
        return of_aws_mfa(str(self.credentials))

    def skipped(self) -> list[str]:
        """Return why keys are skipped."""
        return [one.why for one in self.mover().plan(self.found()) if isinstance(one, Skip)]

    def run(self, find: Found = found) -> list[Moved]:
        """Do it all, as the command does."""
        mover = self.mover()
        planned = mover.plan(find(self))
        return [mover.move(one) for one in planned if isinstance(one, Move)]

    def in_clear(self, access_key: AccessKey = KEY) -> bool:
        """Tell whether the key can be used out of a file."""
        return lines(access_key) in self.credentials.read_text() + self.config.read_text()

    def enrolled(self, name: str = "dev", access_key: AccessKey = KEY) -> bool:
        """Tell whether the key can be used out of a keystore."""
        enrolment = Index.enrolment(self.index, name)
        if enrolment is None or enrolment.access_key_id != access_key.id:
            return False
        keystore = self.keystores[enrolment.keystore]
        return MemoryKeystore.get(keystore, f"access-key/{access_key.id}") == access_key.secret


@pytest.fixture
def computer(tmp_path: Path) -> Computer:
    computer = Computer(tmp_path)
    computer.credentials.write_text(AROUND.replace("KEY", lines(KEY)))
    return computer


# ---- what is to be done ------------------------------------------------------------------------------


def test_planning_asks_aws_and_changes_nothing(computer: Computer) -> None:
    before = computer.credentials.read_bytes(), computer.config.read_bytes()
    (move,) = computer.mover().plan(computer.found())
    assert isinstance(move, Move)
    assert (move.access_key, move.checked.user_arn) == (KEY, ALICE)
    assert (move.sourced_by, move.to_rename, move.finishes) == (("dev-role",), (), False)
    assert computer.aws.asked == [KEY]
    assert (computer.credentials.read_bytes(), computer.config.read_bytes()) == before
    assert Index.enrolments(computer.index) == []
    assert not computer.enrolled()


def test_a_key_that_aws_refuses_is_skipped_and_the_others_go_on(computer: Computer) -> None:
    text = f"[dead]\n{lines(OTHER_KEY)}[dev]\n{lines(KEY)}"
    computer.credentials.write_text(text)
    computer.aws.users[OTHER_KEY.id] = AccessKeyRefused(key_id="", profile="")
    skip, move = computer.mover().plan(computer.found())
    assert isinstance(skip, Skip)
    assert OTHER_KEY.id in skip.why
    assert isinstance(move, Move)


def test_a_key_that_lives_on_a_yubikey_is_not_written_anywhere_again(computer: Computer) -> None:
    computer.index.enrol(
        Enrolment(
            name="dev",
            access_key_id=KEY.id,
            user_arn=ALICE,
            mfa_serials=(),
            keystore=ON_YUBIKEY,
            keystore_file="1",
            added=NOW,
        )
    )
    assert computer.skipped() == ["its secret is on a YubiKey; delete what is left of it here by hand"]


@pytest.mark.parametrize(
    ("arn", "why"),
    [("arn:aws:iam::123456789012:root", "root user"), ("arn:aws:sts::1:assumed-role/r/s", "no IAM user")],
)
def test_a_key_of_root_and_one_of_no_user_is_skipped(computer: Computer, arn: str, why: str) -> None:
    computer.aws.users[KEY.id] = arn
    assert why in computer.skipped()[0]


def test_what_is_no_key_is_skipped_without_asking_aws(computer: Computer) -> None:
    computer.credentials.write_text(f"[dev]\n{lines(KEY)}aws_session_token = x\n")
    assert "temporary" in computer.skipped()[0]
    assert computer.aws.asked == []


def test_a_name_that_no_profile_can_have_is_skipped(computer: Computer) -> None:
    computer.credentials.write_text(f"[a b]\n{lines(KEY)}")
    assert "cannot be the name of a profile" in computer.skipped()[0]


def test_a_name_with_another_key_is_skipped_with_the_way_to_replace_it(computer: Computer) -> None:
    computer.run()
    computer.credentials.write_text(f"[dev]\n{lines(OTHER_KEY)}")
    assert "vaultpy add --force dev" in computer.skipped()[0]


def test_of_two_keys_of_one_name_the_first_is_taken(computer: Computer) -> None:
    computer.config.write_text(f"[profile dev]\n{lines(OTHER_KEY)}")
    move, skip = computer.mover().plan(computer.found())
    assert isinstance(move, Move)
    assert move.access_key == KEY
    assert isinstance(skip, Skip)
    assert KEY.id in skip.why


def test_what_keeps_all_keys_from_being_moved_is_an_error(computer: Computer) -> None:
    computer.aws.users[KEY.id] = Unreachable(host="sts", reason="no route")
    with pytest.raises(Unreachable):
        computer.mover().plan(computer.found())


def test_a_profile_that_is_broken_stops_no_other(computer: Computer) -> None:
    computer.config.write_text(CONFIG + "[profile broken]\ninclude_profile = missing\nsource_profile = dev\n")
    (move,) = computer.mover().plan(computer.found())
    assert isinstance(move, Move)
    assert move.sourced_by == ("dev-role",)


# ---- doing it ----------------------------------------------------------------------------------------


def test_the_key_is_enrolled_asked_about_as_stored_and_then_taken_out(computer: Computer) -> None:
    (moved,) = computer.run()
    assert (moved.added, moved.taken_out) == (["dev"], True)
    assert computer.enrolled()
    assert computer.aws.asked == [KEY, KEY]
    assert computer.credentials.read_text() == AROUND.replace("KEY", "")
    assert computer.config.read_text() == f"{CONFIG}\n[profile dev]\nmfa_serial = {SERIAL}\n"


@pytest.mark.parametrize("answer", [Unreachable(host="sts", reason="reset"), ALICE + "2"])
def test_unless_aws_answers_the_stored_key_as_before_the_text_stays(
    computer: Computer, answer: str | VaultpyError
) -> None:
    mover = computer.mover()
    (move,) = mover.plan(computer.found())
    assert isinstance(move, Move)
    computer.aws.users[KEY.id] = answer
    with pytest.raises((Unreachable, KeystoreFailed)):
        mover.move(move)
    assert computer.in_clear()


@pytest.mark.parametrize("keystore", [Forgetful, Garbling])
def test_a_key_that_does_not_come_back_out_of_the_keystore_stays_in_clear(
    computer: Computer, keystore: type[Keystore]
) -> None:
    computer.keystores["system"] = keystore("system", computer.faults)
    with pytest.raises(KeystoreFailed, match="does not come back"):
        computer.run()
    assert computer.in_clear()


def test_a_run_that_died_before_it_wrote_the_profile_is_finished(computer: Computer) -> None:
    computer.run()
    computer.config.write_text(CONFIG)
    computer.credentials.write_text(f"[dev]\n{lines(KEY)}")
    assert [moved.added for moved in computer.run()] == [["dev"]]


def test_a_key_that_lies_in_both_files_goes_out_of_both(computer: Computer) -> None:
    computer.config.write_text(f"[profile dev]\n{lines(KEY)}output = json\n")
    assert [moved.taken_out for moved in computer.run()] == [True, True]
    assert not computer.in_clear()
    assert computer.config.read_text() == f"[profile dev]\noutput = json\nmfa_serial = {SERIAL}\n"


def test_one_key_under_two_names_is_enrolled_under_both(computer: Computer) -> None:
    computer.credentials.write_text(f"[default]\n{lines(KEY)}[dev]\n{lines(KEY)}")
    computer.run()
    assert computer.enrolled("default")
    assert computer.enrolled("dev")
    assert computer.credentials.read_text() == "[default]\n[dev]\n"


def test_a_profile_keeps_the_mfa_device_that_it_has(computer: Computer) -> None:
    computer.config.write_text(f"[profile dev]\nmfa_serial = {OTHER_SERIAL}\n")
    computer.run()
    assert computer.config.read_text() == f"[profile dev]\nmfa_serial = {OTHER_SERIAL}\n"
    assert computer.enrolled()


def test_another_key_that_was_written_there_meanwhile_stays(computer: Computer) -> None:
    mover = computer.mover()
    (move,) = mover.plan(computer.found())
    assert isinstance(move, Move)
    computer.credentials.write_text(AROUND.replace("KEY", lines(OTHER_KEY)))
    assert not mover.move(move).taken_out
    assert computer.enrolled()
    assert computer.credentials.read_text() == AROUND.replace("KEY", lines(OTHER_KEY))


def test_what_else_was_written_meanwhile_stays(computer: Computer) -> None:
    mover = computer.mover()
    (move,) = mover.plan(computer.found())
    assert isinstance(move, Move)
    computer.credentials.write_text("[new]\n" + AROUND.replace("KEY", lines(KEY)))
    assert mover.move(move).taken_out
    assert computer.credentials.read_text() == "[new]\n" + AROUND.replace("KEY", "")


def test_a_key_that_another_run_enrolled_meanwhile_is_not_replaced(computer: Computer) -> None:
    mover = computer.mover()
    (move,) = mover.plan(computer.found())
    assert isinstance(move, Move)
    computer.credentials.write_text(f"[dev]\n{lines(OTHER_KEY)}")
    computer.run()
    with pytest.raises(AlreadyEnrolled):
        mover.move(move)
    assert computer.enrolled(access_key=OTHER_KEY)


def test_a_key_that_is_enrolled_already_stays_in_its_keystore(computer: Computer) -> None:
    mover = computer.mover("file")
    (move,) = mover.plan(computer.found())
    assert isinstance(move, Move)
    mover.move(move)
    computer.credentials.write_text(f"[dev]\n{lines(KEY)}")
    (again,) = computer.mover().plan(computer.found())
    assert isinstance(again, Move)
    assert again.finishes
    assert computer.run()[0].taken_out
    assert access_keys.load(computer.keystores["system"], KEY.id) is None
    assert computer.enrolled()


def test_a_key_that_the_keystore_has_lost_is_stored_again_before_it_is_taken_out(computer: Computer) -> None:
    computer.run()
    computer.keystores["system"].delete(f"access-key/{KEY.id}")
    computer.credentials.write_text(f"[dev]\n{lines(KEY)}")
    computer.run()
    assert computer.enrolled()
    assert not computer.in_clear()


# ---- aws-mfa and aws-vault ---------------------------------------------------------------------------


@pytest.fixture
def user_of_aws_mfa(computer: Computer) -> Computer:
    text = f"[dev-long-term]\n{lines(KEY)}aws_mfa_device = {SERIAL}\n\n[dev]\n{lines(OTHER_KEY)}"
    computer.credentials.write_text(text + "aws_session_token = x\n")
    computer.config.write_text(
        "[profile a]\nsource_profile = dev\n[profile b]\nsource_profile = dev-long-term\n"
    )
    return computer


def test_a_key_of_aws_mfas_goes_with_its_section_and_its_session_stays(user_of_aws_mfa: Computer) -> None:
    user_of_aws_mfa.run(Computer.found_of_aws_mfa)
    assert user_of_aws_mfa.enrolled("dev")
    text = user_of_aws_mfa.credentials.read_text()
    assert text == f"\n[dev]\n{lines(OTHER_KEY)}aws_session_token = x\n"
    assert user_of_aws_mfa.config.read_text().endswith(f"\n[profile dev]\nmfa_serial = {SERIAL}\n")


def test_profiles_that_name_the_section_that_goes_are_told_from_those_that_stay(
    user_of_aws_mfa: Computer,
) -> None:
    (move,) = user_of_aws_mfa.mover().plan(user_of_aws_mfa.found_of_aws_mfa())
    assert isinstance(move, Move)
    assert (move.sourced_by, move.to_rename) == (("a",), ("b",))


@pytest.mark.parametrize(
    ("told", "written"),
    [
        ((SERIAL, OTHER_SERIAL), SERIAL),
        ((OTHER_SERIAL,), OTHER_SERIAL),
        ((OTHER_SERIAL, OTHER_SERIAL + "2"), None),
        ((), None),
        (AwsRefused(code="AccessDenied", reason="no"), SERIAL),
    ],
)
def test_aws_mfas_device_is_written_unless_aws_knows_better(
    user_of_aws_mfa: Computer, told: tuple[str, ...] | VaultpyError, written: str | None
) -> None:
    user_of_aws_mfa.aws.serials = told
    (move,) = user_of_aws_mfa.mover().plan(user_of_aws_mfa.found_of_aws_mfa())
    assert isinstance(move, Move)
    assert dict(move.profile.settings).get("mfa_serial") == written


FROM_AWS_VAULT = [FoundKey("dev", "aws-vault", KEY)]


def test_a_key_of_aws_vaults_is_enrolled_and_nothing_is_taken_out(computer: Computer) -> None:
    before = computer.credentials.read_bytes()
    (moved,) = computer.run(lambda _: FROM_AWS_VAULT)
    assert not moved.taken_out
    assert computer.enrolled()
    assert computer.credentials.read_bytes() == before


def test_one_that_is_enrolled_already_is_skipped_unless_it_was_left_half_done(computer: Computer) -> None:
    computer.run(lambda _: FROM_AWS_VAULT)
    assert computer.mover().plan(FROM_AWS_VAULT) == [Skip(FROM_AWS_VAULT[0], "it is enrolled already")]
    computer.keystores["system"].delete(f"access-key/{KEY.id}")
    computer.run(lambda _: FROM_AWS_VAULT)
    assert computer.enrolled()


# ---- faults ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("find", [Computer.found, lambda _: FROM_AWS_VAULT], ids=["in clear", "aws-vault"])
def test_whichever_call_goes_wrong_no_key_is_lost_and_the_next_run_finishes(
    tmp_path: Path,
    find: Found,
    record_property: Callable[[str, object], None],
    tell: Callable[[str], None],
) -> None:
    tried = 0
    for mode in ("before", "after", "garbage", "lost"):
        at = 1
        while True:
            home = tmp_path / f"{mode}-{at}"
            home.mkdir()
            computer = Computer(home)
            computer.credentials.write_text(AROUND.replace("KEY", lines(KEY)))
            computer.faults.break_next(at, mode)
            try:
                computer.run(find)
            except VaultpyError:
                assert computer.in_clear() or computer.enrolled(), (mode, at)
            if not computer.faults.struck:
                break
            assert computer.in_clear() or computer.enrolled(), (mode, at)
            computer.faults.break_next(0, mode)
            computer.run(find)
            assert computer.enrolled(), (mode, at)
            assert "[profile dev]\n" in computer.config.read_text(), (mode, at)
            rest = AROUND.replace("KEY", lines(KEY) if find is not Computer.found else "")
            assert computer.credentials.read_text() == rest, (mode, at)
            tried += 1
            at += 1
    record_property("faults", tried)
    tell(f"{tried} faults of a move")
    assert tried > 30
