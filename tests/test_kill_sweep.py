"""vaultpy, killed with -9 wherever it writes: the next run works, and costs no finger twice.

As a rule each verb is killed wherever another program would then see something else. With KILL_SWEEP=full it
is killed at the calls between these, too. The long form kills the installed command, in two worlds at once;
the short one kills forks of a process that has loaded it.
"""

from __future__ import annotations

import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Lock
from typing import TYPE_CHECKING

import pytest

from support.faults import assert_no_lock_is_held
from support.kill_points import CONTENTS, NAMES_AND_KEYS, THE_REST, Victim
from support.pcscd import missing
from support.preloaded import Preloaded
from support.world import BIN, World
from vaultpy import access_keys
from vaultpy.config import Config
from vaultpy.index import Index
from vaultpy.keystore_file import FileKeystore, keystore_file_path
from vaultpy.simulated.finger import SteadyFinger
from vaultpy.terminal import Terminal
from vaultpy.wiring import Wiring

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from subprocess import CompletedProcess

    from vaultpy.simulated.aws import Call
    from vaultpy.values import Secret

pytestmark = [
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed (Debian: strace)"),
    pytest.mark.slow,
    pytest.mark.timeout(400),
]
FULL = os.environ.get("KILL_SWEEP") == "full"
EVERYWHERE = (*NAMES_AND_KEYS, *CONTENTS, *THE_REST)
STEP = 30
ONE_AT_A_TIME = Lock()  # Argon2id runs threads of its own
EXEC = ("exec", "dev-role", "--", "printenv", "AWS_ACCESS_KEY_ID")


class Scene:
    """A world that is put back before each kill, AWS's memory of codes included."""

    def __init__(self, directory: Path, preloaded: Preloaded | None = None) -> None:
        self._ahead = 0.0
        self._directory = directory
        self._preloaded = preloaded
        self.world = World(directory, finger=SteadyFinger(0.1), clock=lambda: time.time() + self._ahead)
        self.world.access_key.effective_from = 0  # this AWS's clock is set back, too

    @property
    def state(self) -> Path:
        """The state directory."""
        return self.world.home / "state" / "vaultpy"

    def remember(self) -> None:
        """Take the home as it is now for the one to begin with."""
        shutil.copytree(self.world.home, self._directory / "as-it-was")

    def restore(self) -> None:
        """Put it back, without a session, and let a step end soon after the run that is to be killed.

        So the next run often meets its code. AWS's clock is a little ahead: it has to be written down.
        """
        environment = self.world.environment
        Wiring(environment, Terminal(environment, listens=False)).sessions.forget()
        shutil.rmtree(self.world.home)
        shutil.copytree(self._directory / "as-it-was", self.world.home)
        self.world.device.last_step = -1
        into = time.time() % STEP
        self._ahead = max(STEP - 2 - into, 4.0)

    def victim(self, words: tuple[str, ...], environment: dict[str, str]) -> Victim:
        """Return a command that can be killed."""
        return Victim([str(BIN / "vaultpy"), *words], environment, self._directory / "trace", self._preloaded)

    def run(self, words: tuple[str, ...], env: dict[str, str] | None = None) -> CompletedProcess[str]:
        """Run a command to its end."""
        if self._preloaded is None:
            return self.world.vaultpy(*words, env=env)
        return self._preloaded.run(words, self.world.environment if env is None else env)

    def vaultpy(self, *words: str, env: dict[str, str] | None = None) -> str:
        """Run a command that works; return what it prints."""
        done = self.run(words, env)
        assert done.returncode == 0, (words, done.stderr)
        assert "waiting for process" not in done.stderr
        return done.stdout

    def exec_works(self) -> None:
        """Run exec; its credentials must be the role's, and every code that was sent a fresh one."""
        session = self.world.aws.session(self.vaultpy(*EXEC).strip())
        assert session.principal.arn == f"arn:aws:sts::{self.world.alice.account.id}:assumed-role/dev/alice"
        assert session.expiration > time.time() + self._ahead
        assert [call for call in self.world.aws.calls if call.verdict != "OK"] == []
        assert_no_lock_is_held(self.state)

    def index(self) -> Index:
        """Return the index, which must be whole."""
        index = Index(str(self.state / "index"))
        index.sessions()
        return index

    def stored_secret(self) -> str | None:
        """Return alice's secret out of the keystore file, which must be whole, and hold nothing unlisted."""
        environ = self.world.environment
        keystore = FileKeystore(keystore_file_path(environ), environ, NobodyAsks())
        with ONE_AT_A_TIME:
            found = access_keys.load(keystore, self.world.access_key.id)
        listed = [enrolment.access_key_id for enrolment in self.index().enrolments()]
        assert found is None or listed == [self.world.access_key.id]
        return None if found is None else found.secret.reveal()


class NobodyAsks:
    """The passphrase is in a file."""

    def passphrase(self, path: str, new: bool) -> Secret:  # noqa: FBT001  # the port's shape
        """Fail."""
        raise AssertionError((path, new))

    def waiting(self, what: str) -> None:
        """Say nothing."""


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Provide a scene whose commands need no start."""
    with Preloaded() as preloaded:
        scene = Scene(tmp_path, preloaded)
        with scene.world:
            yield scene


@pytest.fixture
def scenes(tmp_path: Path) -> Iterator[list[Scene]]:
    """Provide two scenes of the installed command, to be used by a thread each."""
    with ExitStack() as stack:
        found = []
        for name in ("one", "other"):
            (tmp_path / name).mkdir()
            found.append(Scene(tmp_path / name))
            stack.enter_context(found[-1].world)
        yield found


class Sweep:
    """How one verb is killed: each has its own way to set the scene and to see what is left."""

    words: tuple[str, ...] = ()
    calls: tuple[str, ...] = EVERYWHERE if FULL else NAMES_AND_KEYS

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.environment = scene.world.environment

    def prepare(self) -> None:
        """Make, once, the home to begin with."""
        self.scene.world.enrol()

    def before(self) -> None:
        """Set the scene."""
        self.scene.restore()

    def after(self, killed: str) -> None:
        """See to it that the next runs work; `killed` is the call that was not made."""
        raise NotImplementedError

    def run(self, part: int, parts: int) -> int:
        """Do one of `parts`; return the number of kills."""
        self.prepare()
        self.scene.remember()
        self.before()
        victim = self.scene.victim(self.words, self.environment)
        kills = 0
        for point in victim.points(self.calls)[part::parts]:
            self.before()
            if killed := victim.killed_at(point):
                kills += 1
                self.after(killed)
        return kills


class ExecSweep(Sweep):
    """The code is spent and sessions are kept."""

    words = ("exec", "dev-role", "--", "true")
    calls = EVERYWHERE if FULL else (*NAMES_AND_KEYS, *CONTENTS)

    def before(self) -> None:
        """Remember what AWS and the finger have done so far."""
        super().before()
        self._calls = len(self.scene.world.aws.calls)
        self._touches = self.scene.world.yubikey.calculations

    def after(self, killed: str) -> None:
        """Count: one touch at most is lost, none once its session was kept; the third run needs none."""
        world = self.scene.world
        self.scene.index()
        first, touches = self._since()
        assert touches <= 1, killed
        self.scene.exec_works()
        both, touches_of_both = self._since()
        second = [call.action for call in both[len(first) :]]
        if "AssumeRole" in [call.action for call in first]:  # by then the MFA session has been kept
            assert "GetSessionToken" not in second, killed
            assert touches_of_both == touches, killed
        assert touches_of_both - touches == second.count("GetSessionToken") <= 1, killed
        assert second.count("AssumeRole") <= 1, killed
        touches_before = world.yubikey.calculations
        self.scene.exec_works()
        assert world.yubikey.calculations == touches_before, killed

    def _since(self) -> tuple[list[Call], int]:
        world = self.scene.world
        return world.aws.calls[self._calls :], world.yubikey.calculations - self._touches


class AddSweep(Sweep):
    """The index, the keystore and the config are written."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self.environment = scene.world.with_key
        self.words = ("add", "dev", "--env", "--role", f"dev-role={scene.world.role.arn}")

    def prepare(self) -> None:
        """Begin with nothing."""

    def after(self, killed: str) -> None:
        """Find the file whole; `add`, or what its error says, puts the rest right."""
        world = self.scene.world
        assert self.scene.stored_secret() in {None, world.access_key.secret}, killed
        again = self.scene.run(self.words, self.environment)
        if again.returncode:
            assert "vaultpy add --force dev" in again.stderr, killed
            self.scene.vaultpy(*self.words, "--force", env=self.environment)
        assert self.scene.stored_secret() == world.access_key.secret, killed
        assert Config.load(world.environment).names() == ["dev", "dev-role"], killed
        self.scene.exec_works()


class ClearSweep(Sweep):
    """Sessions go."""

    words: tuple[str, ...] = ("clear",)

    def before(self) -> None:
        """Let there be sessions."""
        super().before()
        self.scene.exec_works()

    def after(self, killed: str) -> None:
        """Expect another `clear` to take out what is left."""
        self.scene.index()
        self.scene.vaultpy("clear")
        assert self.scene.index().sessions() == [], killed
        touches = self.scene.world.yubikey.calculations
        self.scene.exec_works()
        assert self.scene.world.yubikey.calculations == touches + 1, killed


class RemoveSweep(ClearSweep):
    """Sessions, the secret and its listing go."""

    words = ("remove", "dev", "--yes")

    def after(self, killed: str) -> None:
        """Expect another `remove` to take out what is left, so that it can be enrolled again."""
        world = self.scene.world
        assert self.scene.stored_secret() in {None, world.access_key.secret}, killed
        again = self.scene.run(self.words)
        assert again.returncode == 0 or "no access key is enrolled for dev" in again.stderr, killed
        assert self.scene.stored_secret() is None, killed
        assert self.scene.index().enrolments() == [], killed
        world.enrol()
        self.scene.exec_works()


LEAST = {ExecSweep: 16, AddSweep: 6, ClearSweep: 3, RemoveSweep: 4}


def test_wherever_exec_is_killed_the_next_run_works(scene: Scene, tell: Callable[[str], None]) -> None:
    kills = ExecSweep(scene).run(0, 1)
    tell(f"{kills} kills of exec")
    assert kills >= LEAST[ExecSweep]


@pytest.mark.long
@pytest.mark.parametrize("verb", LEAST)
def test_wherever_the_installed_command_is_killed_the_next_run_works(
    scenes: list[Scene], verb: type[Sweep], tell: Callable[[str], None]
) -> None:
    with ThreadPoolExecutor(len(scenes)) as threads:
        runs = [threads.submit(verb(scene).run, part, len(scenes)) for part, scene in enumerate(scenes)]
        kills = sum(run.result() for run in runs)
    tell(f"{kills} kills of {verb.__name__.removesuffix('Sweep').lower()}")
    assert kills >= LEAST[verb]
