"""What each action of the simulated AWS is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vaultpy.simulated.aws_parameters import Parameters
    from vaultpy.simulated.aws_sessions import Caller, Cloud


@dataclass(frozen=True)
class Invocation:
    """A call whose signature is good: who asks for what, at the time `now` (epoch seconds)."""

    cloud: Cloud
    caller: Caller
    parameters: Parameters
    now: float
