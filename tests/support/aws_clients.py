"""vaultpy's clients of simulated AWS services, built once for each address."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from vaultpy.iam import Iam
from vaultpy.sts import Sts

if TYPE_CHECKING:
    from collections.abc import Callable


@cache
def iam_at(url: str) -> Iam:
    """Return a client of IAM there: it keeps nothing of what it did."""
    return Iam("eu-central-1", url, {}, "dev")


@cache
def sts_at(url: str, clock: Callable[[], float]) -> Sts:
    """Return a client of STS there, which asks for the time once: by that clock, in epoch seconds."""
    return Sts("eu-central-1", url, {}, clock)
