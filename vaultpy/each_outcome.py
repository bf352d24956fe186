"""What became of one profile's run, for people and for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaultpy.each_children import STDERR, STDOUT
from vaultpy.values import Value

if TYPE_CHECKING:
    from vaultpy.each_output import Collected
    from vaultpy.each_profiles import Target
    from vaultpy.errors import VaultpyError


class Outcome(Value):
    """The command's exit status, or the failure that kept it from being run, after so many seconds."""

    __slots__ = ("failure", "seconds", "status")
    status: int | None
    failure: VaultpyError | None
    seconds: float

    def __init__(
        self, status: int | None = None, failure: VaultpyError | None = None, seconds: float = 0
    ) -> None:
        """Without status and failure it is that of a command that was not run."""
        self._set(status=status, failure=failure, seconds=seconds)

    @property
    def is_well(self) -> bool:
        """Whether the command was run, and did what it should."""
        return self.status == 0

    def as_json(self, target: Target, output: Collected) -> dict[str, object]:
        """Return the object that `each --json` shows; its shape is a promise (docs/schemas/each.json)."""
        failed = self.status is not None or self.failure is not None
        return {
            "profile": target.name,
            "account": target.plan.account_id if target.plan else None,
            "outcome": "done" if self.is_well else "failed" if failed else "not run",
            "status": self.status,
            "output": output.text(STDOUT),
            "errors": output.text(STDERR),
            "truncated": output.truncated,
            "seconds": round(self.seconds, 3),
            "error": self.failure.message if self.failure else None,
            "hint": self.failure.hint if self.failure else None,
        }
