"""Long-term access keys in a keystore: the system's own, through keyring, or the encrypted file.

The backend of the system keystore is chosen by platform and its class imported directly. keyring's own
detection would import every backend that is installed and take whichever says the highest number.
"""

from __future__ import annotations

import os
import sys

from vaultpy.display import has_display
from vaultpy.errors import (
    KeystoreDismissed,
    KeystoreFailed,
    KeystoreInsecure,
    KeystoreLocked,
    KeystoreMissing,
    KeystoreTimeout,
    KeystoreUnknown,
    VaultpyError,
)
from vaultpy.values import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    from keyring.backend import KeyringBackend

    from vaultpy.access_keys import Keystore, Questions

    _Result = TypeVar("_Result")


SERVICE = "vaultpy"

_SYSTEM_BACKENDS = {
    "darwin": "keyring.backends.macOS.Keyring",
    "win32": "keyring.backends.Windows.WinVaultKeyring",
}
_SECRET_SERVICE = "keyring.backends.SecretService.Keyring"  # noqa: S105  # a class, no password
_CLEAR = "it keeps secrets in clear"
_WEAK = "its encryption is weak and notices no change"
_NOTHING = "it keeps nothing"
_REFUSED = {
    "keyring.backends.chainer.ChainerBackend": "it hands secrets to any other backend that it finds",
    "keyring.backends.fail.Keyring": _NOTHING,
    "keyring.backends.null.Keyring": _NOTHING,
    "keyrings.alt.file.EncryptedKeyring": _WEAK,
    "keyrings.alt.file.PlaintextKeyring": _CLEAR,
    "keyrings.alt.pyfs.PlaintextKeyring": _CLEAR,
    "keyrings.cryptfile.file.EncryptedKeyring": _WEAK,
    "keyrings.cryptfile.file.PlaintextKeyring": _CLEAR,
}
# It stands on a refused class but replaces its encryption, by Argon2id and an authenticated mode of AES.
_MENDED = "keyrings.cryptfile.cryptfile.CryptFileKeyring"


def open_keystore(name: str, environ: Mapping[str, str], questions: Questions, file: str = "") -> Keystore:
    """Return the keystore `name`: `system`, `file` or the dotted path of a keyring backend class.

    `file` is the encrypted file's path; without it VAULTPY_KEYSTORE_FILE and the default decide. Nothing is
    read or asked yet. Raises KeystoreUnknown and KeystoreInsecure.
    """
    if name == "file":
        from vaultpy.keystore_file import FileKeystore, keystore_file_path

        return FileKeystore(file or keystore_file_path(environ), environ, questions)
    return _on_keyring(name, environ, questions, SERVICE)


def open_foreign(service: str, environ: Mapping[str, str], questions: Questions) -> Keystore:
    """Return what another program keeps in the system keystore as `service`; raises as `open_keystore`."""
    return _on_keyring("system", environ, questions, service)


def _on_keyring(name: str, environ: Mapping[str, str], questions: Questions, service: str) -> KeyringKeystore:
    path = _system_path() if name == "system" else name
    display = _has_display(path, environ)
    return KeyringKeystore(name, _backend(path), questions, display=display, service=service)


def _system_path(platform: str = sys.platform) -> str:
    return _SYSTEM_BACKENDS.get(platform, _SECRET_SERVICE)


def system_backend() -> KeyringBackend:
    """Return keyring's backend for this platform; raises KeystoreUnknown."""
    return _backend(_system_path())


def _has_display(path: str, environ: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Tell whether a backend's question can reach the user; backends of others ask in ways of their own."""
    if platform in _SYSTEM_BACKENDS or not path.startswith("keyring.backends."):
        return True
    return has_display(environ)


def _backend(path: str) -> KeyringBackend:
    _refuse_insecure(path, path)
    module, _, attribute = path.rpartition(".")
    if not module or not all(part.isidentifier() for part in path.split(".")):
        raise KeystoreUnknown(name=path, reason="it is neither system, file nor a dotted path")
    from importlib import import_module

    from keyring.backend import KeyringBackend

    try:
        found = getattr(import_module(module), attribute)
    except Exception as error:  # noqa: BLE001  # importing somebody else's module may raise anything
        raise KeystoreUnknown(name=path, reason=f"{type(error).__name__}: {error}") from None
    if not (isinstance(found, type) and issubclass(found, KeyringBackend)):
        raise KeystoreUnknown(name=path, reason="it is no subclass of keyring.backend.KeyringBackend")
    for kind in found.__mro__:
        ancestor = f"{kind.__module__}.{kind.__qualname__}"
        if ancestor == _MENDED:
            break
        _refuse_insecure(path, ancestor)
    try:
        return found()
    except Exception as error:  # noqa: BLE001  # as above
        raise KeystoreUnknown(name=path, reason=f"{type(error).__name__}: {error}") from None


def _refuse_insecure(path: str, ancestor: str) -> None:
    if ancestor in _REFUSED:
        raise KeystoreInsecure(backend=path, reason=_REFUSED[ancestor])


class KeyringKeystore:
    """A keyring backend, asked on a thread of its own because it may wait for the user without end.

    After `prompt_after` seconds without an answer it is taken to be asking the user: that is said once and
    waited for until `give_up_after` seconds; without a display it counts as locked at once.
    """

    def __init__(  # noqa: PLR0913  # the two times are for tests alone
        self,
        name: str,
        backend: KeyringBackend,
        questions: Questions,
        *,
        display: bool,
        service: str = SERVICE,
        prompt_after: float = 3.0,
        give_up_after: float = 120.0,
    ) -> None:
        self.name = name
        self.file = ""
        self._backend = backend
        self._service = service
        self._questions = questions
        self._display = display
        self._prompt_after = prompt_after
        self._give_up_after = give_up_after

    def get(self, item: str) -> Secret | None:
        """Return the text of `item`, or None if there is none."""
        text = self._ask(lambda: self._backend.get_password(self._service, item))
        return None if text is None else Secret(text)

    def set(self, item: str, text: Secret) -> None:
        """Store `text` under `item` and read it back."""
        self._ask(lambda: self._backend.set_password(self._service, item, text.reveal()), text)
        if self.get(item) != text:
            raise KeystoreFailed(keystore=self.name, reason="what was stored does not come back")

    def delete(self, item: str) -> None:
        """Remove `item`; a missing one is no error."""
        failure: VaultpyError | None = None
        try:
            self._ask(lambda: self._backend.delete_password(self._service, item))
        except KeystoreFailed as error:
            failure = error  # most backends refuse to delete what is missing
        if self.get(item) is not None:
            raise failure or KeystoreFailed(keystore=self.name, reason="what was deleted still comes back")

    def _ask(self, call: Callable[[], _Result], text: Secret | None = None) -> _Result:
        from threading import Thread

        results: list[_Result] = []
        errors: list[BaseException] = []

        def work() -> None:
            try:
                results.append(call())
            except BaseException as error:  # noqa: BLE001  # it is judged on the calling thread
                errors.append(error)

        thread = Thread(target=work, name="keystore", daemon=True)
        thread.start()
        self._wait(thread.join, thread.is_alive)
        if errors:
            raise self._translated(errors[0], text)
        return results[0]

    def _wait(self, join: Callable[[float], None], is_alive: Callable[[], bool]) -> None:
        join(self._prompt_after)
        if not is_alive():
            return
        if not self._display:
            raise KeystoreLocked
        self._questions.waiting("the system keystore is asking something: look for its window")
        join(self._give_up_after - self._prompt_after)
        if is_alive():
            raise KeystoreTimeout(seconds=round(self._give_up_after))

    def _translated(self, error: BaseException, text: Secret | None) -> VaultpyError:
        """Return what `error` means; classes of keyring's own dependencies are known by name."""
        if isinstance(error, VaultpyError):
            return error
        names = {kind.__name__ for kind in type(error).__mro__}
        dismissed = type(error.__cause__).__name__ == "PromptDismissedException"
        if "InitError" in names and dismissed and not self._display:
            return KeystoreMissing(reason="it holds no keyring yet, and no window can open here to make one")
        if dismissed or names & {"KeyringLocked", "LockedException", "PromptDismissedException"}:
            return KeystoreDismissed() if self._display else KeystoreLocked()
        reason = _reason(error, text)
        unreachable = isinstance(error, OSError) and self.name == "system"
        if unreachable or names & {"InitError", "NoKeyringError", "SecretServiceNotAvailableException"}:
            return KeystoreMissing(reason=reason)
        return KeystoreFailed(keystore=self.name, reason=reason)


def _reason(error: BaseException, text: Secret | None) -> str:
    """Return the text of `error` where it cannot quote a secret (keyring, the system), else its kind."""
    kind = type(error)
    if isinstance(error, OSError):
        return os.strerror(error.errno) if error.errno else kind.__name__
    quotable = kind.__module__.partition(".")[0] in {"keyring", "secretstorage", "jeepney"}
    if not quotable or (text is not None and text.reveal() in str(error)):
        return kind.__name__
    return f"{kind.__name__}: {error}"
