"""Something goes wrong at each call of each port of `add` and `exec`, and at each system call of `write`.

After each: nothing is lost or half done, no code is sent twice, and the next run works. A rotation, an MFA
device's enrolment and an import have sweeps of their own, beside their tests.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import pytest

from support.aws import ACCOUNT, Clock
from support.broking import role
from support.faults import Faults, assert_no_lock_is_held, sweep, went
from support.faulty_desk import Somebody
from support.kill_points import CONTENTS, NAMES_AND_KEYS, THE_REST, KillPoint, Victim
from support.pcscd import missing
from support.world import BIN, World
from vaultpy import access_keys, errors
from vaultpy.access_key_owner import check
from vaultpy.credentials import AccessKey
from vaultpy.enrolment import Enroller, new_profiles
from vaultpy.index import Index
from vaultpy.sessions import SessionStore
from vaultpy.simulated.aws_faults import Fault
from vaultpy.simulated.finger import SteadyFinger
from vaultpy.simulated.keystore import MemoryKeystore
from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from vaultpy.simulated.aws import SimulatedAws
    from vaultpy.simulated.aws_accounts import AccessKey as AwsAccessKey
    from vaultpy.simulated.aws_mfa import MfaDevice

# ---- exec --------------------------------------------------------------------------------------------


@pytest.fixture
def somebody(aws: SimulatedAws, aws_clock: Clock, key: AwsAccessKey, device: MfaDevice) -> Somebody:
    return Somebody(aws, aws_clock, key, device)


def test_exec_survives_every_fault_of_every_port(
    tmp_path: Path, somebody: Somebody, tell: Callable[[str], None]
) -> None:
    aws = somebody.aws
    dev = aws.account(ACCOUNT).role("dev", requires_mfa=True)
    numbers = iter(range(10_000))
    kept = 0

    def run(faults: Faults) -> None:
        nonlocal kept
        directory = tmp_path / str(next(numbers))
        desk = somebody.sits_down(directory)
        plan = desk.plan(role(dev.arn))
        went(lambda: desk.run(plan, faults))
        assert_no_lock_is_held(directory)
        kept += len(desk.sessions.alive())
        found = desk.run(plan, Faults())
        assert aws.session(found.access_key_id).principal.arn.endswith(":assumed-role/dev/alice"), (
            faults.struck
        )
        desk.assert_no_code_was_sent_twice()
        assert len(desk.touched.steps) <= 2, faults.struck
        touches = len(desk.touched.steps)
        desk.run(plan, Faults())
        assert len(desk.touched.steps) == touches, "a finger is not asked for twice"

    tried = sweep(run)
    tell(f"{tried} faults of the ports of exec")
    assert tried >= 100
    assert kept


SLOW = {Fault.HANG}  # until the time limit


@pytest.mark.parametrize(
    "fault", [pytest.param(it, marks=pytest.mark.long if it in SLOW else (), id=it.name) for it in Fault]
)
def test_exec_survives_every_answer_of_aws_that_is_none(
    tmp_path: Path, somebody: Somebody, fault: Fault
) -> None:
    aws = somebody.aws
    dev = aws.account(ACCOUNT).role("dev", requires_mfa=True)
    for action in ("GetSessionToken", "AssumeRole"):
        desk = somebody.sits_down(tmp_path / action)
        plan = desk.plan(role(dev.arn))
        aws.fail_next(action, fault)
        went(partial(desk.credentials, plan))
        found = desk.credentials(plan)
        assert aws.session(found.access_key_id).expiration > aws.clock()
        assert len(desk.touched.steps) <= 2


# ---- add ---------------------------------------------------------------------------------------------

ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"
OLD = AccessKey("AKIAIOSFODNN7EXAMPLE", Secret("the-old-secret"))
NEW = AccessKey("AKIAI44QH8DHBEXAMPLE", Secret("the-new-secret"))


class _Aws:
    """What AWS says of a key."""

    def caller_arn(self, _signer: AccessKey) -> str:
        """Return the ARN."""
        return ALICE

    def mfa_serials(self, _signer: AccessKey, _user_name: str) -> tuple[str, ...]:
        """Return the serials."""
        return (f"arn:aws:iam::{ACCOUNT}:mfa/alice",)


class _Keystore(MemoryKeystore[Secret]):
    file = ""


class Computer:
    """A user's computer, on which keys are enrolled; the parts of each run can fail."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self.config = directory / "config"
        self.config.write_text("[profile other]\n")
        self.index = Index(str(directory / "state" / "index"))
        self.keystore = _Keystore("system")

    def add(self, key: AccessKey, faults: Faults, *, force: bool = False) -> None:
        """Do what `add` does."""

        @contextmanager
        def alone() -> Iterator[None]:
            yield

        index = faults.around(self.index, "index")
        keystore = faults.around(self.keystore, "keystore")
        enroller = Enroller(
            index,
            SessionStore(index, [], lambda: 0.0),
            lambda _name, _file: keystore,
            str(self.config),
            lambda: 0.0,
            alone,
        )
        replaces = enroller.judge("dev", [], replace=force)
        checked = check(faults.around(_Aws(), "sts"), key, "dev")
        enroller.enrol("dev", key, checked, "system", new_profiles("dev", checked, []), replaces=replaces)

    def add_again(self, key: AccessKey) -> None:
        """Do what a user does next, and what the error says."""
        try:
            self.add(key, Faults())
        except errors.AlreadyEnrolled:  # its hint says --force
            self.add(key, Faults(), force=True)

    def secret(self, name: str = "dev") -> AccessKey | None:
        """Return the key that is enrolled."""
        found = self.index.enrolment(name)
        return None if found is None else access_keys.load(self.keystore, found.access_key_id)

    def assert_nothing_is_orphaned(self) -> None:
        """Every secret in the keystore is listed."""
        listed = {each.access_key_id for each in self.index.enrolments()}
        for key in (OLD, NEW):
            assert access_keys.load(self.keystore, key.id) is None or key.id in listed


@pytest.mark.parametrize("replaces", [False, True])
def test_add_survives_every_fault_of_every_port(
    tmp_path: Path, *, replaces: bool, tell: Callable[[str], None]
) -> None:
    numbers = iter(range(10_000))

    def run(faults: Faults) -> None:
        computer = Computer(tmp_path / str(next(numbers)))
        if replaces:
            computer.add(OLD, Faults())
        done = went(lambda: computer.add(NEW, faults, force=replaces))
        computer.assert_nothing_is_orphaned()
        enrolled = computer.index.enrolment("dev")
        if done:
            assert computer.secret() == NEW
        elif replaces:
            held = {each.name: computer.secret(each.name) for each in computer.index.enrolments()}
            assert OLD in held.values() or NEW in held.values(), (faults.calls, held)
            assert enrolled is not None
        computer.add_again(NEW)
        assert computer.secret() == NEW
        computer.assert_nothing_is_orphaned()
        assert computer.config.read_text().count("[profile dev]") == 1

    tried = sweep(run)
    tell(f"{tried} faults of the ports of add{' --force' if replaces else ''}")
    assert tried >= 40


# ---- the system's calls, under the installed command -------------------------------------------------


class Scene:
    """A world that is put back before each fault."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.world = World(directory, finger=SteadyFinger())

    def remember(self) -> None:
        """Take the home as it is now for the one to begin with."""
        shutil.copytree(self.world.home, self.directory / "as-it-was")

    def restore(self) -> None:
        """Put it back."""
        shutil.rmtree(self.world.home)
        shutil.copytree(self.directory / "as-it-was", self.world.home)

    def run(self, words: tuple[str, ...], point: KillPoint, error: str) -> subprocess.CompletedProcess[str]:
        """Run with that call failing."""
        inject = f"inject={point.call}:error={error}:when={point.number}"
        options = ["-f", "-qq", "-o", os.devnull, "-e", f"trace={point.call}", "-e", inject]
        environment = self.world.with_key if words[0] == "add" else self.world.environment
        return subprocess.run(
            ["strace", *options, str(BIN / "vaultpy"), *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
            start_new_session=True,
            check=False,
        )

    def works(self, words: tuple[str, ...]) -> None:
        """Run without a fault."""
        environment = self.world.with_key if words[0] == "add" else self.world.environment
        done = self.world.vaultpy(*words, env=environment)
        if done.returncode and words[0] == "add":
            assert "vaultpy add --force dev" in done.stderr
            done = self.world.vaultpy(*words, "--force", env=environment)
        assert done.returncode == 0, done.stderr
        assert b"vaultpy index" in (self.world.home / "state" / "vaultpy" / "index").read_bytes()


WRITE = ("write", "dev-role", "--to", "written")
SYSTEM = {
    "write": WRITE,
    "add": ("add", "dev", "--env", "--no-verify"),
}


@pytest.mark.long
@pytest.mark.skipif(missing() is not None, reason=str(missing()))
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed (Debian: strace)")
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("verb", SYSTEM)
def test_every_system_call_that_writes_may_fail(
    verb: str, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    scene, words = Scene(tmp_path), SYSTEM[verb]
    with scene.world as world:
        if verb != "add":
            world.enrol()
            scene.works(("exec", "dev-role", "--", "true"))  # so that no fault waits for a code
        scene.remember()
        environment = world.with_key if verb == "add" else world.environment
        victim = Victim([str(BIN / "vaultpy"), *words], environment, tmp_path / "trace")
        points = victim.points((*NAMES_AND_KEYS, *CONTENTS, *THE_REST))
        for point in points:
            scene.restore()
            done = scene.run(words, point, "ENOSPC")
            assert "a bug in vaultpy" not in done.stderr, (point, done.stderr)
            assert "Traceback" not in done.stderr, (point, done.stderr)
            assert done.returncode == 0 or "vaultpy: hint:" in done.stderr or point.call == "write", point
            scene.works(words)
            if verb == "write":
                text = (world.home / ".aws" / "credentials").read_text()
                assert text.count("[written]") == 1
        tell(f"{len(points)} failing system calls of {verb}")
        assert len(points) >= 3
