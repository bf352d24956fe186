"""How many examples a fuzz test tries: some, the same each time, in `make test`; many in the long form.

`make test-long` loads the profile `long`, and says so to pytest: `--hypothesis-profile=long`.
"""

from __future__ import annotations

import tracemalloc
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG = "long"
TIMES_MORE = 20

settings.register_profile(LONG, settings.get_profile("default"), max_examples=100 * TIMES_MORE)


def examples(count: int) -> settings:
    """Return the settings of a test that tries `count` examples, or many times more in the long form."""
    is_long = settings.get_current_profile_name() == LONG
    return settings(
        max_examples=count * TIMES_MORE if is_long else count,
        derandomize=not is_long,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@contextmanager
def at_most(kilobytes: int) -> Iterator[None]:
    """Fail if what is done within needs more memory than this at any time."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before <= kilobytes * 1024, f"{(peak - before) // 1024} kB"
