"""A user whose access key is rotated by real parts, at a simulated AWS; each call of a port may go wrong."""

from __future__ import annotations

import time
from contextlib import contextmanager
from enum import Enum, auto
from typing import TYPE_CHECKING, TypeVar

from support.aws import ACCOUNT, Clock
from support.aws_clients import iam_at, sts_at
from vaultpy import access_keys
from vaultpy.credentials import AccessKey
from vaultpy.errors import KeystoreFailed, NoAnswer, StateUnusable, Unreachable, VaultpyError
from vaultpy.index import Index
from vaultpy.mfa import STEP_SECONDS, TokenCode
from vaultpy.records import Enrolment, Records
from vaultpy.rotation import Rotated, Rotator
from vaultpy.rotation_store import RotationStore
from vaultpy.session_places import KeystorePlace
from vaultpy.sessions import SessionStore
from vaultpy.simulated.keystore import MemoryKeystore
from vaultpy.sts_requests import GetSessionToken
from vaultpy.user_access_keys import UserKeys
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from vaultpy.credentials import DayKey, LongTerm, Signs
    from vaultpy.iam import Iam
    from vaultpy.iam_records import AccessKeyState, LastUse
    from vaultpy.simulated.aws import SimulatedAws
    from vaultpy.simulated.aws_accounts import AccessKey as AwsAccessKey
    from vaultpy.simulated.aws_accounts import User

Answer = TypeVar("Answer")


class Killed(BaseException):
    """kill -9: nobody catches it, and nothing is tidied up."""


class Trouble(Enum):
    """What goes wrong at a call of a port."""

    FAILS = auto()
    """An error, and no effect."""
    FAILS_AFTER = auto()
    """The effect, and an error."""
    KILLED = auto()
    """The process ends before the effect."""
    KILLED_AFTER = auto()
    """The process ends before it learns of the effect."""


class Calls:
    """The calls of all ports, counted; the one with the number `wrong` meets `trouble`."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.wrong = 0
        self.trouble = Trouble.FAILS
        self.dead = False

    def make(
        self,
        name: str,
        call: Callable[[], Answer],
        failure: VaultpyError,
        failure_after: VaultpyError | None = None,
    ) -> Answer:
        """Make a call of the port `name`; `failure_after` is the error if it had its effect."""
        if self.dead and self.wrong:  # nothing happens any more in a process that is dead
            raise Killed
        self.made.append(name)
        if len(self.made) != self.wrong:
            return call()
        if self.trouble in {Trouble.FAILS_AFTER, Trouble.KILLED_AFTER}:
            call()
            failure = failure_after or failure
        self.dead = self.trouble in {Trouble.KILLED, Trouble.KILLED_AFTER}
        raise Killed if self.dead else failure


class _Keystore(MemoryKeystore[Secret]):
    """A keystore in memory."""

    def __init__(self, name: str, calls: Calls) -> None:
        super().__init__(name)
        self._calls = calls
        self._failure = KeystoreFailed(keystore=name, reason="as ordered")

    def get(self, item: str) -> Secret | None:
        """Return an item."""
        return self._calls.make("keystore get", lambda: MemoryKeystore.get(self, item), self._failure)

    def set(self, item: str, text: Secret) -> None:
        """Store an item."""
        self._calls.make("keystore set", lambda: MemoryKeystore.set(self, item, text), self._failure)

    def delete(self, item: str) -> None:
        """Remove an item."""
        self._calls.make("keystore delete", lambda: MemoryKeystore.delete(self, item), self._failure)

    @property
    def items(self) -> frozenset[str]:
        """The names of what it holds."""
        return frozenset(self._items)


class _Index(Index):
    """An index in a file."""

    def __init__(self, path: str, calls: Calls) -> None:
        super().__init__(path)
        self._calls = calls
        self._full = StateUnusable(path=path, reason="No space left on device", remedy="make room")

    def change(self, change: Callable[[Records], object]) -> None:
        """Write the index."""
        self._calls.make("index", lambda: Index.change(self, change), self._full)


class _Iam:
    """IAM at a distance."""

    def __init__(self, iam: Iam, calls: Calls) -> None:
        self._iam = iam
        self._calls = calls

    def access_keys(self, signer: Signs, user_name: str) -> tuple[AccessKeyState, ...]:
        """List."""
        return self._make(lambda: self._iam.access_keys(signer, user_name))

    def last_use(self, signer: Signs, key_id: str) -> LastUse | None:
        """Look."""
        return self._make(lambda: self._iam.last_use(signer, key_id))

    def create_access_key(self, signer: Signs, user_name: str) -> AccessKey:
        """Create."""
        return self._make(lambda: self._iam.create_access_key(signer, user_name))

    def set_access_key(self, signer: Signs, user_name: str, key_id: str, *, active: bool) -> None:
        """Change."""
        self._make(lambda: self._iam.set_access_key(signer, user_name, key_id, active=active))

    def delete_access_key(self, signer: Signs, user_name: str, key_id: str) -> None:
        """Delete."""
        self._make(lambda: self._iam.delete_access_key(signer, user_name, key_id))

    def _make(self, call: Callable[[], Answer]) -> Answer:
        return self._calls.make("iam", call, _OFFLINE, _SILENT)


_OFFLINE = Unreachable(host="aws", reason="as ordered")
_SILENT = NoAnswer(host="aws", reason="as ordered")


class Network:
    """The clients of one simulated AWS: built once, because that takes longer than all their calls."""

    def __init__(self, aws: SimulatedAws) -> None:
        self.aws = aws
        self.iam = iam_at(aws.url)
        self.sts = sts_at(aws.url, aws.clock)
        self._users = 0

    def user(self, *, mfa: bool = True) -> User:
        """Return a new user with an access key; the clock is set to the time of this computer."""
        assert isinstance(self.aws.clock, Clock)
        self.aws.clock.now = time.time()
        self._users += 1
        user = self.aws.account(ACCOUNT).user(f"user-{self._users}")
        user.access_key().effective_from = 0
        if mfa:
            user.mfa_device()
        return user


class Desk:
    """A user's computer: two names share an access key, in keystores of which `other` may be another."""

    def __init__(self, directory: Path, network: Network, user: User, *, other: str = "system") -> None:
        assert isinstance(network.aws.clock, Clock)
        self.directory = directory
        self.network, self.aws, self.user, self.clock = network, network.aws, user, network.aws.clock
        self.calls = Calls()
        self.index = _Index(str(directory / user.name / "index"), self.calls)
        self.keystores = {name: _Keystore(name, self.calls) for name in {"system", other}}
        self.cache: MemoryKeystore[Secret] = MemoryKeystore()
        self.sessions = SessionStore(self.index, [KeystorePlace(lambda: self.cache)], self.clock)
        self.notes: list[str] = []
        self.warnings: list[str] = []
        self.touches = 0
        self.after_touch: Callable[[], None] = lambda: None
        self.after_pause: Callable[[], object] = lambda: None
        (key,) = user.access_keys.values()
        self.enrol("dev", key, "system")
        self.enrol("work", key, other)
        self.calls.made.clear()

    def enrol(self, name: str, key: AwsAccessKey, keystore: str) -> None:
        """Enrol a key."""
        serials = tuple(self.user.mfa_devices)
        self.index.enrol(
            Enrolment(
                name=name,
                access_key_id=key.id,
                user_arn=self.user.arn,
                mfa_serials=serials,
                keystore=keystore,
                keystore_file="",
                added=0,
            )
        )
        access_keys.store(self.keystores[keystore], AccessKey(key.id, Secret(key.secret)))

    def rotate(self, name: str = "dev", *, keep_old: bool = False) -> Rotated:
        """Rotate in a new run, some minutes after the last."""
        self.clock.advance(2 * STEP_SECONDS)
        self.calls.dead = False
        rotator = Rotator(self.store(), self._probe, self, self.clock, self.clock)
        return rotator.rotate(name, self._keys_of, keep_old=keep_old)

    def store(self) -> RotationStore:
        """Return what holds the keys."""
        return RotationStore(
            self.index,
            self.sessions,
            lambda keystore, _: self.keystores[keystore],
            self.clock,
            day_key=self.day_key,
        )

    def day_key(self, enrolment: Enrolment) -> DayKey:
        """Have none."""
        raise AssertionError(f"{enrolment.name} is on no YubiKey")

    def _probe(self, key: LongTerm) -> str:
        return self.calls.make("probe", lambda: self.network.sts.caller_arn(key), _OFFLINE, _SILENT)

    def _keys_of(self, key: AccessKey | None) -> UserKeys:
        signer: Signs = key or self.day_key(self.enrolment)
        for device in self.user.mfa_devices.values():
            code = TokenCode(device.serial, device.code(self.clock()), int(self.clock() // STEP_SECONDS))  # type: ignore[union-attr]  # no FIDO here
            signer = self.network.sts.credentials(GetSessionToken((device.serial,), 3600), signer, code, {})
            self.touches += 1
        self.after_touch()
        return UserKeys(_Iam(self.network.iam, self.calls), self.user.name, signer)

    # ---- who is told ---------------------------------------------------------------------------------

    def note(self, text: str) -> None:
        """Hear what goes on."""
        self.notes.append(text)

    def warn(self, text: str) -> None:
        """Hear of what is left."""
        self.warnings.append(text)

    @contextmanager
    def waiting(self, text: str, seconds: float, *, typing: bool) -> Iterator[Desk]:
        """Wait as long as AWS's clock has it."""
        assert not typing
        assert seconds
        self.notes.append(text)
        yield self

    def pause(self, seconds: float, wake: None) -> None:
        """Let time pass."""
        assert wake is None
        self.clock.advance(seconds)
        self.after_pause()

    # ---- what there is -------------------------------------------------------------------------------

    @property
    def key_id(self) -> str:
        """The key that `dev` has."""
        return self.enrolment.access_key_id

    @property
    def enrolment(self) -> Enrolment:
        """What is enrolled as `dev`."""
        enrolment = self.index.enrolment("dev")
        assert enrolment
        return enrolment

    @property
    def stored(self) -> set[str]:
        """The ids of the keys in all keystores."""
        return {item.rpartition("/")[2] for keystore in self.keystores.values() for item in keystore.items}

    def assert_access_works(self) -> None:
        """Every name has a key that is in its keystore, and AWS knows it."""
        for name in ("dev", "work"):
            enrolment = self.index.enrolment(name)
            assert enrolment
            for key in self.signers(enrolment):
                assert self.network.sts.caller_arn(key) == self.user.arn

    def signers(self, enrolment: Enrolment) -> list[LongTerm]:
        """Return what signs with an enrolled key, from each place where it is."""
        key = access_keys.load(self.keystores[enrolment.keystore], enrolment.access_key_id)
        assert key
        return [key]

    def assert_nothing_is_orphaned(self) -> None:
        """Check that all keys in AWS and keystores are listed, or may be an unfinished rotation's."""
        listed = {each.access_key_id for each in self.index.enrolments()}
        rotations = self.index.rotations()
        named = listed | {key_id for each in rotations for key_id in (each.old_id, each.new_id)}
        unnamed = (set(self.user.access_keys) | self.stored) - named
        assert not unnamed or (len(unnamed) == 1 and any(not each.new_id for each in rotations)), unnamed

    def assert_all_is_done(self) -> None:
        """One key is left, everywhere, and nothing tells of a rotation any more."""
        assert set(self.user.access_keys) == self.stored == {self.key_id}
        assert all(key.active for key in self.user.access_keys.values())
        assert [each.name for each in self.index.enrolments()] == ["dev", "work"]
        assert self.index.rotations() == []
        self.assert_access_works()

    def survive(self) -> None:
        """Rotate while something goes wrong: access works, no orphan is left, and the next runs finish it."""
        said = ""
        try:
            self.rotate()
        except VaultpyError as error:
            said = error.message + error.hint + "".join(self.warnings)
        except Killed:
            said = "vaultpy rotate dev"  # it can say no more, but the next run does
        made = self.calls.made[: self.calls.wrong or None]
        self.calls.wrong = 0
        print(self.calls.trouble, made, said, self.warnings)  # noqa: T201  # pytest shows it where it fails
        assert not self.index.rotations() or "vaultpy rotate dev" in said or not said
        self.assert_access_works()
        self.assert_nothing_is_orphaned()
        while self.rotate().left:
            self.assert_access_works()
        self.assert_all_is_done()
