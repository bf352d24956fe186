"""Who touches the simulated key's sensor, and when."""

from __future__ import annotations

import math
import threading
import time


class Finger:
    """Answers the key's wait for a touch; each wait wants a touch of its own (unproven Y9)."""

    def touched(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds while the key blinks; tell whether it was touched."""
        raise NotImplementedError

    def abort(self) -> None:
        """End the wait under way, if any, without a touch: the key has lost its power."""


class SteadyFinger(Finger):
    """Touches the key each time it has blinked for `delay` seconds: at once, unless told otherwise."""

    def __init__(self, delay: float = 0.0) -> None:
        self._delay = delay
        self._aborted = threading.Event()

    def touched(self, timeout: float) -> bool:
        """Touch after `delay` seconds, unless that is too late."""
        self._aborted.clear()
        aborted = self._aborted.wait(min(self._delay, timeout))
        return not aborted and self._delay < timeout

    def abort(self) -> None:
        """Take the finger away."""
        self._aborted.set()


class NoFinger(SteadyFinger):
    """Never touches the key."""

    def __init__(self) -> None:
        super().__init__(math.inf)


class PressedFinger(Finger):
    """Touches the key when another thread says so; as on a real key, only while it blinks."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._blinking = False
        self._pressed = False

    def touched(self, timeout: float) -> bool:
        """Wait for `press`."""
        with self._changed:
            self._blinking, self._pressed = True, False
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._blinking, timeout)
            self._blinking = False
            return self._pressed

    def abort(self) -> None:
        """End the wait without a touch."""
        with self._changed:
            self._blinking = False
            self._changed.notify_all()

    def wait_until_blinking(self, within: float = 30.0) -> None:
        """Return as soon as the key waits for a touch; raises TimeoutError after `within` seconds."""
        with self._changed:
            self._await_blinking(within)

    def press(self, within: float = 30.0) -> float:
        """Touch the key as soon as it blinks and return when that was, by time.monotonic().

        Raises TimeoutError where it does not blink within `within` seconds.
        """
        with self._changed:
            self._await_blinking(within)
            self._blinking, self._pressed = False, True
            self._changed.notify_all()
            return time.monotonic()

    def _await_blinking(self, within: float) -> None:
        if not self._changed.wait_for(lambda: self._blinking, within):
            raise TimeoutError(f"the key did not blink within {within} s")
