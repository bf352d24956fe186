"""An access key goes onto YubiKeys, as a user meets it: real pcscd, AWS that verifies, kill -9."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from support.hurry import HurriedWorld
from support.kill_points import NAMES_AND_KEYS, Victim
from support.on_yubikey import RecordingYubiKey, protect_and_remember
from support.pcscd import YUBIKEY_READER, missing
from support.secret_service import private_environment
from support.tracing import leaks, traced, written
from support.virtual_card import VirtualCard
from support.world import BIN
from vaultpy.access_key_on_yubikey import day_key
from vaultpy.index import Index
from vaultpy.signing_account import access_key_id_of, aws_date
from vaultpy.simulated.finger import SteadyFinger
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from vaultpy.simulated.aws import Call

pytestmark = [
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
    pytest.mark.slow,  # three answers of AWS, two seconds apart
    pytest.mark.timeout(240),
]
VAULTPY = str(BIN / "vaultpy")
PUT = 0x01


class Trigger(SteadyFinger):
    """A finger that touches at once, and first does something at the touch number `at`."""

    def __init__(self) -> None:
        super().__init__()
        self.at = 0
        self.delay = 0.0
        self.pull: Callable[[], None] = lambda: None

    def touched(self, timeout: float) -> bool:
        """Touch."""
        self.at -= 1
        if self.at == 0:
            self.pull()
        self._delay = self.delay
        return super().touched(timeout)


class Keyring(HurriedWorld):
    """A world with two YubiKeys that have OATH passwords and the MFA device; the first one is plugged in."""

    def __init__(self, directory: Path, heard: Callable[[Call], None] | None = None) -> None:
        self.trigger = Trigger()
        readers = (YUBIKEY_READER, f"Spare {YUBIKEY_READER}")
        super().__init__(directory, finger=self.trigger, readers=readers, heard=heard)
        self.main, self.spare = (
            RecordingYubiKey(serial, finger=self.trigger) for serial in (12345678, 87654321)
        )
        self.yubikey = self.main
        for yubikey in (self.main, self.spare):
            yubikey.add_account(self.device.serial, self.device.seed, touch=True)

    def prepare(self) -> None:
        """Set the passwords, which the keystore remembers; enrol the key there."""
        for yubikey in (self.main, self.spare):
            protect_and_remember(yubikey, self.environment)
        self.add()
        for yubikey in (self.main, self.spare):
            yubikey.apdus.clear()

    @property
    def index(self) -> Index:
        """What is enrolled."""
        return Index(str(self.home / "state" / "vaultpy" / "index"))

    def said(self, *words: str) -> str:
        """Run it to a good end; return all that it said."""
        done = self.vaultpy(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def assert_exec_works(self, *options: str) -> None:
        """Get a role's credentials."""
        done = self.vaultpy("exec", *options, "dev-role", "--", "printenv", "AWS_ACCESS_KEY_ID")
        assert done.returncode == 0, done.stderr
        assert self.aws.session(done.stdout.strip()).principal.arn.endswith(":assumed-role/dev/alice")

    def assert_one_key(self, *yubikeys: RecordingYubiKey) -> None:
        """AWS has one key, these YubiKeys have it, no other has one, and nothing tells of a rotation."""
        (key_id,) = self.alice.access_keys
        serials = " ".join(str(it.serial) for it in yubikeys)
        assert {(it.access_key_id, it.keystore_file) for it in self.index.enrolments()} == {(key_id, serials)}
        assert self.index.rotations() == []
        for yubikey in (self.main, self.spare):
            assert on(yubikey) == ({key_id} if yubikey in yubikeys else set())

    def files(self) -> bytes:
        """Return all that is in this home."""
        return b"".join(path.read_bytes() for path in self.home.rglob("*") if path.is_file())


def on(yubikey: RecordingYubiKey) -> set[str]:
    """Return the ids of the access keys on a YubiKey."""
    return {found for name in yubikey.accounts if (found := access_key_id_of(name.encode()))}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Keyring]:
    """Provide such a world, where keys are touched at once."""
    with Keyring(tmp_path) as world:
        world.prepare()
        yield world


def secrets_of(world: Keyring, key_id: str) -> dict[str, bytes]:
    """Return what nobody may see, in each form in which it is anywhere."""
    secret = world.alice.access_keys[key_id].secret
    today = day_key(Secret(secret), aws_date(world.aws.clock())).reveal()
    return {"secret": secret.encode(), "day key": today.encode(), "its bytes": bytes.fromhex(today)}


def test_a_new_key_goes_onto_two_yubikeys_is_seen_nowhere_else_signs_from_each_and_is_revoked_in_aws(
    world: Keyring, tmp_path: Path
) -> None:
    said = tmp_path / "said"
    words = "rotate dev --on-yubikey --spare --yubikey 12345678"
    with VirtualCard(world.spare, world.pcscd.readers[1]):
        shell = f"exec {VAULTPY} --debug {words} >{said} 2>&1"  # into a file: then it is traced too
        traced(["sh", "-c", shell], world.environment, tmp_path / "log")
        (new,) = world.alice.access_keys
        world.assert_one_key(world.main, world.spare)
        assert (world.main.calculations, world.spare.calculations) == (2, 1)  # the code; each proves itself

        secrets = secrets_of(world, new)
        everywhere = written(tmp_path / "log")
        assert f"dev has access key {new}, on YubiKeys alone".encode() in everywhere
        assert leaks(everywhere, secrets) == leaks(world.files() + said.read_bytes(), secrets) == []
        for yubikey in (world.main, world.spare):
            assert [apdu[1] for apdu in yubikey.apdus if leaks(apdu, secrets)] == [PUT]

        world.card.remove()
        world.assert_exec_works("--no-cache")
        assert (world.main.calculations, world.spare.calculations) == (2, 3)
        assert leaks(world.files(), secrets) == []

        world.alice.access_keys[new].active = False
        refused = world.vaultpy("exec", "--no-cache", "dev-role", "--", "true")
        assert refused.returncode == 125
        assert new in refused.stderr.splitlines()[-2]
        world.card.insert()


def test_an_existing_secret_is_taken_once_and_then_lives_on_the_yubikey(tmp_path: Path) -> None:
    with Keyring(tmp_path) as world:
        protect_and_remember(world.main, world.environment)
        key = world.access_key
        words = ["add", "dev", "--on-yubikey", "--env", "--role", f"dev-role={world.role.arn}"]
        done = world.vaultpy(*words, env=world.with_key)
        assert done.returncode == 0, done.stderr
        better = "vaultpy add dev, without --on-yubikey, then vaultpy rotate dev --on-yubikey"
        past = "a secret that lay elsewhere is only as safe as that place; for one that never did:"
        assert f"{past} {better}" in done.stderr
        forced = world.vaultpy(*words[:3], "--force", "--stdin").stderr  # which is empty
        assert f"{past} vaultpy rotate dev --on-yubikey" in forced
        assert done.stdout.splitlines()[:2] == [
            f"enrolled access key {key.id} of {world.alice.arn} as dev",
            "its secret is on YubiKey 12345678",
        ]
        world.assert_one_key(world.main)
        secrets = secrets_of(world, key.id)
        assert leaks(world.files() + (done.stdout + done.stderr).encode(), secrets) == []
        world.assert_exec_works()
        asked = world.vaultpy("remove", "dev").stderr
        assert f"remove access key {key.id} of dev, and its account from YubiKey 12345678 for good?" in asked
        told = world.said("remove", "dev", "--yes")
        assert f"deleted account vaultpy:{key.id} on YubiKey 12345678" in told
        delete = f"aws iam delete-access-key --user-name alice --access-key-id {key.id}"
        assert f"except by a YubiKey named above; have it deleted in AWS: {delete}" in told
        assert on(world.main) == set()


def test_a_plain_rotate_goes_to_the_yubikey_again_and_each_of_its_touches_has_a_purpose(
    tmp_path: Path,
) -> None:
    with Keyring(tmp_path) as world:
        protect_and_remember(world.main, world.environment)
        words = ["add", "dev", "--on-yubikey", "--env"]
        world.vaultpy(*words, env=world.with_key).check_returncode()
        world.trigger.delay = 0.4  # noticed, and so asked for
        told = world.said("rotate", "dev")
        world.assert_one_key(world.main)
        (new,) = world.alice.access_keys
        old = world.access_key.id
        assert [
            line.partition(": touch the YubiKey")[2] for line in told.splitlines() if "touch the" in line
        ] == [
            f" (1 of 2): sign with access key {old} for dev",
            f" (2 of 2): an MFA session of {world.alice.arn} for dev",
            f": the first day key of {new}, to see that it is right",
        ]
        assert world.main.calculations == 4  # the first was the one that enrolled it


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["rotate", "dev", "--spare"], "--spare goes with --on-yubikey"),
        (["add", "dev", "--env", "--spare"], "--spare and --yubikey go with --on-yubikey"),
        (["add", "dev", "--env", "--yubikey", "1"], "--spare and --yubikey go with --on-yubikey"),
    ],
)
def test_a_spare_without_on_yubikey_is_a_mistake_in_the_words(
    tmp_path: Path, words: list[str], problem: str
) -> None:
    done = subprocess.run(
        [VAULTPY, *words], env=private_environment(tmp_path), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == f"vaultpy: error: {problem}"


# ---- kill -9 ---------------------------------------------------------------------------------------------


def killed(world: Keyring, arm: Callable[[Callable[[], None]], None], *words: str) -> None:
    """Run a command that kills itself when what `arm` has armed goes off."""
    command = [VAULTPY, *(words or ("rotate", "dev", "--on-yubikey"))]
    with subprocess.Popen(command, env=world.environment, start_new_session=True) as process:
        arm(lambda: os.kill(process.pid, signal.SIGKILL))
        assert process.wait(60) == -signal.SIGKILL


def test_killed_at_the_proving_touch_it_is_taken_back_by_the_next_run(world: Keyring) -> None:
    old = world.access_key.id

    def arm(kill: Callable[[], None]) -> None:
        world.trigger.pull, world.trigger.at = kill, 2  # the first is for the code

    killed(world, arm)
    (lost,) = on(world.main)
    assert set(world.alice.access_keys) == {old, lost}
    world.assert_exec_works()
    told = world.said("rotate", "dev", "--on-yubikey")
    assert f"deleted {lost}, which an interrupted rotation made and nobody uses" in told
    assert f"deleted account vaultpy:{lost} on YubiKey 12345678" in told
    world.assert_one_key(world.main)
    world.assert_exec_works()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.long
def test_another_signal_at_the_proving_touch_leaves_nothing(world: Keyring, number: signal.Signals) -> None:
    command = [VAULTPY, "rotate", "dev", "--on-yubikey"]
    with subprocess.Popen(command, env=world.environment, start_new_session=True) as process:
        world.trigger.pull = lambda: os.kill(process.pid, number)
        world.trigger.at = 2
        assert process.wait(60) == -number
    assert on(world.main) == set()
    assert set(world.alice.access_keys) == {world.access_key.id}
    assert world.index.rotations() == []


@pytest.mark.parametrize(
    "action", ["CreateAccessKey", "GetCallerIdentity", "UpdateAccessKey", "DeleteAccessKey"]
)
@pytest.mark.long
def test_killed_between_aws_and_its_answer_it_is_finished_or_taken_back_by_the_next(
    tmp_path: Path, action: str
) -> None:
    strikes: list[Callable[[], None]] = []

    def hear(call: Call) -> None:
        if strikes and call.signed and call.action == action:
            strikes.pop()()

    with Keyring(tmp_path, heard=hear) as world:
        world.prepare()
        world.assert_exec_works()
        killed(world, strikes.append)
        world.assert_exec_works()
        told = world.said("rotate", "dev", "--on-yubikey")
        assert "interrupted rotation" in told or "finishing the rotation" in told
        world.assert_one_key(world.main)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_killed_at_any_call_that_changes_a_file_it_leaves_what_the_next_run_puts_right(
    world: Keyring, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    world.said("rotate", "dev", "--on-yubikey")
    victim = Victim([VAULTPY, "rotate", "dev"], world.environment, tmp_path / "log")
    points = victim.points(call for call in NAMES_AND_KEYS if call not in {"add_key", "keyctl"})
    for point in points:
        # Each round takes three codes: AWS and the ledger forget them, or they would run ahead of the time.
        world.said("clear")
        world.device.last_step = -1
        shutil.rmtree(world.home / "state" / "vaultpy" / "ledger")
        victim.killed_at(point)
        world.assert_exec_works()
        world.said("rotate", "dev")
        world.assert_one_key(world.main)
    tell(f"{len(points)} instants at which a rotation onto a YubiKey was killed")
