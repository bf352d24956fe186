"""Trouble to order from the simulated AWS."""

from __future__ import annotations

from collections import deque
from enum import Enum, auto


class Fault(Enum):
    """What goes wrong with a call.

    Those that lose or spoil the answer strike after the call was carried out. Whether AWS spends the MFA code
    of a call that ends in a 5xx is unknown; here it does, the harder case (unproven A8).
    """

    THROTTLING = auto()
    """Refused as one call too many, before anything was looked at."""
    SERVICE_UNAVAILABLE = auto()
    """The answer is a 503 ServiceUnavailable, before anything was looked at."""
    CLOSE_BEFORE = auto()
    """The connection is closed before anything was looked at."""
    CLOSE_AFTER = auto()
    """The connection is closed instead of an answer."""
    SERVER_ERROR = auto()
    """The answer is a 500 InternalFailure."""
    MALFORMED = auto()
    """The answer breaks off in the middle of its XML."""
    HANG = auto()
    """No answer comes until the simulation stops."""

    @property
    def strikes_first(self) -> bool:
        """Whether the call is not carried out at all."""
        return self in {Fault.THROTTLING, Fault.SERVICE_UNAVAILABLE, Fault.CLOSE_BEFORE}

    @property
    def silences(self) -> bool:
        """Whether no answer is sent."""
        return self in {Fault.CLOSE_BEFORE, Fault.CLOSE_AFTER, Fault.HANG}


class Faults:
    """The faults in store, for each action in the order in which they were asked for."""

    def __init__(self) -> None:
        self._ordered: dict[str, deque[Fault]] = {}
        self._numbered: dict[int, Fault] = {}
        self._of_role: dict[str | None, deque[Fault]] = {}
        self._taken = 0

    def order(self, action: str, fault: Fault, times: int) -> None:
        """Let the next `times` calls of `action` go wrong, after those already in store."""
        self._ordered.setdefault(action, deque()).extend([fault] * times)

    def order_nth(self, number: int, fault: Fault) -> None:
        """Let the call number `number` from now on go wrong, whatever its action; 1 is the next."""
        self._numbered[self._taken + number] = fault

    def order_for_role(self, role_arn: str, fault: Fault, times: int) -> None:
        """Let the next `times` calls that name this role go wrong."""
        self._of_role.setdefault(role_arn, deque()).extend([fault] * times)

    def take(self, action: str, role_arn: str | None = None) -> Fault | None:
        """Return what goes wrong with this call of `action`, None if nothing does."""
        self._taken += 1
        if self._taken in self._numbered:
            return self._numbered.pop(self._taken)
        ordered = self._of_role.get(role_arn) or self._ordered.get(action)
        return ordered.popleft() if ordered else None
