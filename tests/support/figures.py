"""What a sweep counted, told below the tests: how far it went depends on what it found.

A worker's own output goes nowhere, so figures travel with the test's report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

FIGURE = "figure"


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Provide what takes a figure, in words."""
    return lambda text: record_property(FIGURE, text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell the figures of all tests that ran."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    told = sorted(
        (report.nodeid, text) for report in reports for name, text in report.user_properties if name == FIGURE
    )
    if told:
        terminalreporter.section("figures")
    for test, text in told:
        terminalreporter.line(f"{text}  ({test})")
