"""The demo's stage: YubiKey and AWS, simulated in this process, and a temporary directory for the rest."""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
import threading
from contextlib import ExitStack, suppress
from multiprocessing import Pipe
from typing import TYPE_CHECKING

from vaultpy import errors
from vaultpy.simulated.aws import SimulatedAws
from vaultpy.simulated.finger import PressedFinger, SteadyFinger
from vaultpy.simulated.yubikey import SimulatedYubiKey

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from multiprocessing.connection import Connection
    from types import TracebackType

    from typing_extensions import Self

    from vaultpy.simulated.aws import Call

ACCOUNT_ID = "123456789012"
REGION = "us-east-1"
UNAIDED_SECONDS = 1.0
"""How long the key blinks before it is touched without anybody's help: long enough to see the prompt."""

_REPLACED = ("AWS_", "VAULTPY")
_BLINKS_WITHIN = 1.0
# -I keeps the environment and the current directory out; what is imported comes from where we come from.
_START = "import os, sys; sys.path[:] = sys.argv.pop(1).split(os.pathsep); "
_CHILD = "from vaultpy.demo.child import main; main(sys.argv[1:])"


def python(program: str, *words: str) -> list[str]:
    """Return the command that runs `program` in this Python and with this sys.path; it has `os` and `sys`."""
    path = os.pathsep.join(entry for entry in sys.path if entry)
    return [sys.executable, "-I", "-c", _START + program, path, *words]


class Stage:
    """All the simulated parts, between `__enter__` and `__exit__`; afterwards nothing is left of them."""

    def __init__(self, *, by_itself: bool, heard: Callable[[Call], None]) -> None:
        """`by_itself`: the key is touched without anybody's help; `heard` gets each request to AWS."""
        self.aws = SimulatedAws(heard=heard)
        user = self.aws.account(ACCOUNT_ID).user("alice")
        device = user.mfa_device()
        self._access_key = user.access_key()
        self.role = user.account.role("dev", requires_mfa=True)
        self._finger = PressedFinger()
        self.yubikey = SimulatedYubiKey(finger=SteadyFinger(UNAIDED_SECONDS) if by_itself else self._finger)
        self.yubikey.add_account(device.serial, device.seed, touch=True)
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        """Set it up; raises StateUnusable where no directory for temporary files is."""
        with ExitStack() as cleanup:
            self._directory = cleanup.enter_context(_temporary_directory())
            cleanup.enter_context(self.aws)
            ends = [*Pipe(), *Pipe()]
            for end in ends:
                cleanup.enter_context(end)
            key, self._key_in_child, touches, self._finger_in_child = ends
            threading.Thread(target=self._answer, args=(key,), daemon=True).start()
            threading.Thread(target=self._press, args=(touches,), daemon=True).start()
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cleanup.close()

    def _answer(self, pipe: Connection) -> None:
        with suppress(EOFError, OSError):
            while True:
                data, status = self.yubikey.transmit(pipe.recv_bytes())
                pipe.send_bytes(data + status.to_bytes(2, "big"))

    def _press(self, pipe: Connection) -> None:
        with suppress(EOFError, OSError):
            while pipe.recv_bytes():
                with suppress(TimeoutError):  # it does not blink, and takes no notice
                    self._finger.press(_BLINKS_WITHIN)

    @property
    def descriptors(self) -> tuple[int, int]:
        """The child's ends of the pipes to the key and to the finger, to be inherited."""
        return self._key_in_child.fileno(), self._finger_in_child.fileno()

    def vaultpy(self, *words: str) -> list[str]:
        """Return the command that runs vaultpy with `words` on this stage; it inherits `descriptors`."""
        return python(_CHILD, *map(str, self.descriptors), *words)

    def environment(self, caller: Mapping[str, str]) -> dict[str, str]:
        """Return the environment for that: the caller's but for what is AWS's or vaultpy's.

        The keystore is a file, whose passphrase nobody gets to know; sessions are kept nowhere.
        """
        kept = {name: value for name, value in caller.items() if not name.startswith(_REPLACED)}
        direct = ",".join(filter(None, [caller.get("no_proxy") or caller.get("NO_PROXY"), "127.0.0.1"]))
        return kept | {
            "AWS_CONFIG_FILE": f"{self._directory}/config",
            "AWS_SHARED_CREDENTIALS_FILE": f"{self._directory}/credentials",
            "AWS_ENDPOINT_URL": self.aws.url,
            "AWS_REGION": REGION,
            "NO_PROXY": direct,
            "no_proxy": direct,
            "VAULTPY_KEYSTORE": "file",
            "VAULTPY_KEYSTORE_FILE": f"{self._directory}/keystore",
            "VAULTPY_KEYSTORE_PASSPHRASE": secrets.token_urlsafe(),
            "VAULTPY_SESSIONS": "off",
            "XDG_STATE_HOME": f"{self._directory}/state",
        }

    def with_access_key(self, environment: dict[str, str]) -> dict[str, str]:
        """Return `environment` with alice's access key in it, for `add --env`."""
        return environment | {
            "AWS_ACCESS_KEY_ID": self._access_key.id,
            "AWS_SECRET_ACCESS_KEY": self._access_key.secret,
        }


def _temporary_directory() -> tempfile.TemporaryDirectory[str]:
    try:
        return tempfile.TemporaryDirectory(prefix="vaultpy-demo-", ignore_cleanup_errors=True)
    except OSError:
        raise errors.StateUnusable(
            path=os.environ.get("TMPDIR") or "/tmp",  # noqa: S108  # only named, and usually right
            reason="no directory can be made there",
            remedy="name a directory of your own: export TMPDIR=DIRECTORY",
        ) from None
