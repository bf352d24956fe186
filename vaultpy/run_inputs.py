"""What nearly every verb is handed, for the ports that add something to it; for annotations alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vaultpy.config import Config
    from vaultpy.index import Index


class RunInputs(Protocol):
    """What a plan is made from."""

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment of the run."""

    @property
    def config(self) -> Config:
        """AWS's files."""

    @property
    def index(self) -> Index:
        """What is enrolled."""
