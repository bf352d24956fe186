"""Where the scenarios take place: a world in which `dev-role` would work, and ways to watch it fail.

Nobody waits there for time to pass (see hurry.py): `now` is its time, and AWS's.
"""

from __future__ import annotations

import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from support.hurry import HurriedWorld
from support.pcscd import YUBIKEY_READER
from support.pseudo_terminal import PseudoTerminal
from support.virtual_card import USB_ATR, VirtualCard
from support.world import BIN
from vaultpy.access_key_owner import Checked
from vaultpy.credentials import AccessKey
from vaultpy.enrolment import new_profiles
from vaultpy.terminal import Terminal
from vaultpy.values import Secret
from vaultpy.wiring import Wiring
from zoo.templates import Lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from vaultpy.simulated.aws import Call
    from vaultpy.simulated.aws_accounts import User
    from vaultpy.simulated.aws_mfa import MfaDevice
    from vaultpy.simulated.yubikey import SimulatedYubiKey

VAULTPY = str(BIN / "vaultpy")
KEY_ID = "AKIAIOSFODNN7EXAMPLE"
AS_NOBODY = ("unshare", "--map-user=65534", "--map-group=65534")
"""The words before a command that is to do to its user's files what their modes allow, even root's."""

_SPARE_READER = "Spare reader of the zoo"
_ENDS_WITHIN = 200


class Told(NamedTuple):
    """What a failed run has told: its two lines, the talk before them, the exit status, the verb."""

    lines: Lines
    talk: list[str]
    status: int
    verb: str


class Zoo:
    """A world, and a directory for what a scenario needs besides; commands run without cache and terminal."""

    def __init__(self, directory: Path) -> None:
        """Build nothing yet."""
        self.world = HurriedWorld(directory, readers=(YUBIKEY_READER, _SPARE_READER), heard=self._hear)
        self._directory = directory
        self._devices = 0
        self._deactivate_after = ""

    @contextmanager
    def open(self) -> Iterator[Zoo]:
        """Let the world go round, with alice's access key enrolled as `dev`."""
        with self.world:
            self.world.enrol()
            yield self

    def _hear(self, call: Call) -> None:
        if call.action == self._deactivate_after:
            self.world.access_key.active = False

    def now(self) -> float:
        """Return the time there, as an epoch in seconds."""
        return self.world.aws.clock()

    @property
    def files(self) -> dict[str, bytes]:
        """What an error must leave as it is: the config file, the index, the keystore file."""
        names = (".aws/config", "state/vaultpy/index", "data/vaultpy/keystore")
        return {name: (self.world.home / name).read_bytes() for name in names}

    @property
    def sent(self) -> int:
        """How many requests for credentials AWS got."""
        return sum(call.action in {"GetSessionToken", "AssumeRole"} for call in self.world.aws.calls)

    # ---- what a scenario needs -----------------------------------------------------------------------

    def directory(self) -> Path:
        """Return a new directory."""
        return Path(tempfile.mkdtemp(dir=self._directory))

    def file(self, content: str | bytes, name: str = "file") -> Path:
        """Return a new file."""
        path = self.directory() / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(0o600)
        return path

    def keystore_file(self) -> Path:
        """Return a keystore file of one's own; it is as cheap to open as the world's."""
        return self.file((self.world.home / "data" / "vaultpy" / "keystore").read_bytes(), "keystore")

    def env(self, **changed: object) -> dict[str, str]:
        """Return the world's environment with these variables; None takes one out."""
        environment = self.world.environment | {name: str(value) for name, value in changed.items()}
        return {name: value for name, value in environment.items() if changed.get(name, "") is not None}

    def with_config(self, text: str) -> dict[str, str]:
        """Return the environment with another config file: what stands in the world's, and `text`."""
        usual = (self.world.home / ".aws" / "config").read_text()
        return self.env(AWS_CONFIG_FILE=self.file(f"{usual}\n{text}", "config"))

    def with_key(self, **changed: object) -> dict[str, str]:
        """Return the environment with an access key in it that AWS does not know, for `add --env`."""
        key = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG"}
        return self.env(**{**key, **changed})

    def device(self) -> MfaDevice:
        """Return a new MFA device of alice's: its codes, its lock and its ledger are the scenario's own."""
        self._devices += 1
        return self.world.alice.mfa_device(f"device-{self._devices}")

    def given_code(self) -> tuple[str, ...]:
        """Return the options that hand `exec` a good code of a new device."""
        device = self.device()
        return ("--mfa-serial", device.serial, "--mfa-token", device.code(self.now()))

    @contextmanager
    def plugged_in(self, yubikey: SimulatedYubiKey, atr: bytes = USB_ATR) -> Iterator[dict[str, str]]:
        """Put a key into the spare reader; give the environment in which only that reader is looked at."""
        with VirtualCard(yubikey, self.world.pcscd.readers[1], atr):
            yield self.env(VAULTPY_READER=_SPARE_READER)

    @contextmanager
    def key_inactive_after(self, action: str) -> Iterator[None]:
        """Make alice's access key inactive when AWS has carried out `action`, until the context ends."""
        self._deactivate_after = action
        try:
            yield
        finally:
            self._deactivate_after = ""
            self.world.access_key.active = True

    # ---- watching it fail ----------------------------------------------------------------------------

    def fails(
        self,
        *words: str,
        env: dict[str, str] | None = None,
        stdin: str = "",
        stdout: IO[bytes] | None = None,
        within: tuple[str, ...] = (),
    ) -> Told:
        """Run the command, which must fail; `within` is a command line that its own is appended to."""
        done = subprocess.run(
            [*within, VAULTPY, *words],
            env=self.world.environment if env is None else env,
            input=stdin.encode(),
            stdout=stdout or subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=_ENDS_WITHIN,
            start_new_session=True,
            check=False,
        )
        assert not done.stdout
        return told_by(done.stderr.decode(), done.returncode, words)

    def exec_fails(
        self,
        *options: str,
        profile: str = "dev-role",
        env: dict[str, str] | None = None,
        within: tuple[str, ...] = (),
    ) -> Told:
        """Run `exec` without a session at hand."""
        return self.fails("exec", "--no-cache", *options, profile, "--", "true", env=env, within=within)

    def fails_at_terminal(
        self, *words: str, dialogue: dict[str, str], env: dict[str, str] | None = None
    ) -> Told:
        """Run the command at a terminal and answer its questions."""
        environment = (self.world.environment if env is None else env) | {"TERM": "dumb"}
        with PseudoTerminal([VAULTPY, *words], environment, size=(30, 500)) as terminal:
            for question, answer in dialogue.items():
                terminal.expect(question)
                terminal.type(f"{answer}\n")
            status = terminal.wait()
        return told_by(terminal.screen, status, words)


def told_by(text: str, status: int, words: tuple[str, ...]) -> Told:
    """Return what a failed run of `words` has told; fails unless it ends with an error's two lines."""
    *talk, error, hint = text.splitlines()
    assert not any("error: " in line for line in talk), text
    verb = next(word for word in words if not word.startswith("-"))
    return Told(Lines.of(error, hint), talk, status, verb)


def newcomer(zoo: Zoo) -> tuple[User, dict[str, str]]:
    """Return a new user without an MFA device, and the variables with which its key is enrolled as `new`."""
    directory = zoo.directory()
    user = zoo.world.alice.account.user(directory.name)
    places = {
        "AWS_CONFIG_FILE": str(directory / "config"),
        "XDG_STATE_HOME": str(directory / "state"),
        "VAULTPY_KEYSTORE_FILE": str(zoo.keystore_file()),
    }
    environment, made = zoo.env(**places), user.access_key()
    key, whose = AccessKey(made.id, Secret(made.secret)), Checked(user.arn, (), told=True)
    wiring = Wiring(environment, Terminal(environment, listens=False))
    wiring.enroller().enrol("new", key, whose, wiring.keystore_name(), new_profiles("new", whose, []))
    return user, places
