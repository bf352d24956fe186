"""AWS with nothing worth stealing on the disk: keys in the system keystore, MFA codes off the YubiKey."""

from __future__ import annotations

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vaultpy import errors as errors
else:

    def __getattr__(name: str) -> object:
        """Import `vaultpy.errors` when the first error is made: a run that finds a session makes none."""
        if name != "errors":
            raise AttributeError(name)
        from importlib import import_module

        return import_module("vaultpy.errors")
