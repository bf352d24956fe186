"""All the real parts around the installed command: a home, pcscd with a virtual YubiKey, a keystore and AWS.

To try things by hand: `python -m support.world bash`, in the folder `tests`; FINGER=SECONDS is the touch.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from support.pcscd import YUBIKEY_READER, Pcscd
from support.secret_service import SecretService, private_environment
from support.virtual_card import VirtualCard
from vaultpy.access_key_owner import Checked
from vaultpy.credentials import AccessKey
from vaultpy.enrolment import new_profiles
from vaultpy.keystore_file import FileKeystore, keystore_file_path
from vaultpy.keystore_format import Argon2
from vaultpy.questions import KeystoreQuestions
from vaultpy.simulated.aws import SimulatedAws
from vaultpy.simulated.finger import Finger, PressedFinger, SteadyFinger
from vaultpy.simulated.yubikey import SimulatedYubiKey
from vaultpy.state import state_directory
from vaultpy.terminal import Terminal
from vaultpy.values import Secret
from vaultpy.wiring import Wiring

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from typing_extensions import Self

    from vaultpy.simulated.aws import Call

ACCOUNT = "123456789012"
PASSPHRASE = "the passphrase of the keystore file"
BIN = Path(sys.executable).parent


class World:
    """One user's computer, and AWS beside it, while the context lasts.

    `environment` is for the commands; it holds no access key. The user `alice` has one, and an MFA device
    whose account is on the YubiKey, touch required; role `dev` wants MFA.
    """

    def __init__(  # noqa: PLR0913  # each is what a world can differ in
        self,
        directory: Path,
        *,
        finger: Finger | None = None,
        secret_service: bool = False,
        dear_keystore: bool = False,
        clock: Callable[[], float] = time.time,
        readers: Sequence[str] = (YUBIKEY_READER,),
        heard: Callable[[Call], None] | None = None,
    ) -> None:
        """Build nothing yet; the key goes into the first of `readers`, `heard` is SimulatedAws's.

        The keystore file is there already, empty, and costs next to nothing to open, which each command does
        anew; with `dear_keystore` the first `add` makes it, as on a user's computer.
        """
        self.home = directory / "home"
        self.home.mkdir(mode=0o700)
        self.finger = finger or PressedFinger()
        self.aws = SimulatedAws(clock, heard=heard)
        self.alice = self.aws.account(ACCOUNT).user("alice")
        self.access_key = self.alice.access_key()
        self.device = self.alice.mfa_device()
        self.role = self.alice.account.role("dev", requires_mfa=True)
        self.yubikey = SimulatedYubiKey(finger=self.finger)
        self.yubikey.add_account(self.device.serial, self.device.seed, touch=True)
        self._has_secret_service = secret_service
        self._dear_keystore = dear_keystore
        self._cleanup = ExitStack()
        pcscd_directory = directory / "pcscd"
        pcscd_directory.mkdir()
        self.pcscd = Pcscd(pcscd_directory, readers)

    def __enter__(self) -> Self:
        with ExitStack() as cleanup:
            if self._has_secret_service:
                self.secret_service = cleanup.enter_context(SecretService.unlocked(self.home))
                self.environment = dict(self.secret_service.environment)
            else:
                self.environment = private_environment(self.home)
                passphrase = self.home / "passphrase"
                passphrase.write_text(PASSPHRASE + "\n")
                passphrase.chmod(0o600)
                self.environment["VAULTPY_KEYSTORE"] = "file"
                self.environment["VAULTPY_KEYSTORE_PASSPHRASE_FILE"] = str(passphrase)
                if not self._dear_keystore:
                    self._make_cheap_keystore()
            cleanup.enter_context(self.aws)
            cleanup.enter_context(self.pcscd)
            self.card = VirtualCard(self.yubikey, self.pcscd.readers[0])
            self.card.insert()
            # The card may be another by then. Nobody has to wait until pcscd has noticed: it ends next.
            cleanup.push(lambda *_: self.card.__exit__(None, None, None))
            self.environment |= self.pcscd.environment
            self.environment |= {
                "PATH": f"{BIN}:{os.environ['PATH']}",
                "AWS_ENDPOINT_URL": self.aws.url,
                "VAULTPY_SIGNIN_ENDPOINT": self.aws.url,
                "AWS_REGION": "eu-central-1",
                "TERM": "xterm-256color",
                "LANG": "C.UTF-8",
            }
            # The kernel keyring is the user's, not this home's, and holds only so many sessions.
            cleanup.callback(self._clear)
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cleanup.close()

    @property
    def with_key(self) -> dict[str, str]:
        """The environment with alice's access key in it, for `add --env`."""
        return self.environment | {
            "AWS_ACCESS_KEY_ID": self.access_key.id,
            "AWS_SECRET_ACCESS_KEY": self.access_key.secret,
        }

    def vaultpy(
        self, *words: str, env: dict[str, str] | None = None, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run the installed command to its end, without a terminal."""
        return subprocess.run(
            [BIN / "vaultpy", *words],
            env=self.environment if env is None else env,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            start_new_session=True,
            check=False,
        )

    def _clear(self) -> None:
        index = Path(state_directory(self.environment), "index")
        if not (index.is_file() and b"\nsession\t" in index.read_bytes()):
            return
        if self._has_secret_service:
            self.vaultpy("clear")
        else:  # as `enrol`: in a fraction of the time
            Wiring(self.environment, Terminal(self.environment, listens=False)).sessions.forget()

    def _make_cheap_keystore(self) -> None:
        path = keystore_file_path(self.environment)
        questions = KeystoreQuestions(Terminal(self.environment, listens=False))
        keystore = FileKeystore(path, self.environment, questions, Argon2(memory=64, passes=1, lanes=1))
        keystore.set("item", Secret("text"))
        keystore.delete("item")

    def plug_in(self, yubikey: SimulatedYubiKey) -> None:
        """Put another key where the first one was."""
        self.card.remove()
        self.yubikey = yubikey
        self.card = VirtualCard(yubikey, self.pcscd.readers[0])
        self.card.insert()

    def enrol(self) -> None:
        """Leave behind what `add` leaves, in a fraction of its time where the keystore is a file."""
        if self._has_secret_service:
            self.add()
            return
        key = AccessKey(self.access_key.id, Secret(self.access_key.secret))
        whose = Checked(self.alice.arn, (self.device.serial,), told=True)
        profiles = new_profiles("dev", whose, [("dev-role", self.role.arn)])
        wiring = Wiring(self.environment, Terminal(self.environment, listens=False))
        wiring.enroller().enrol("dev", key, whose, wiring.keystore_name(), profiles)

    def add(self) -> None:
        """Enrol alice's key as `dev`, with the role's profile `dev-role`."""
        done = self.vaultpy("add", "dev", "--env", "--role", f"dev-role={self.role.arn}", env=self.with_key)
        assert done.returncode == 0, done.stderr


def _main() -> int:
    with tempfile.TemporaryDirectory() as directory:
        finger = SteadyFinger(float(os.environ.get("FINGER", "2")))
        with World(Path(directory), finger=finger, secret_service=False) as world:
            return subprocess.run(sys.argv[1:] or ["sh"], env=world.with_key, check=False).returncode


if __name__ == "__main__":
    sys.exit(_main())
