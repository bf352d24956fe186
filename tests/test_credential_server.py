"""An SDK that asks a server for a day and a half: real endpoint, broker and store; AWS and time simulated."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.time_travel import clock, missing

HOUR = 3600
TESTS = Path(__file__).parent


@pytest.mark.skipif(missing() is not None, reason=str(missing()))
@pytest.mark.parametrize(
    ("hours", "touches", "renewals"),
    [(12, 2, 17), pytest.param(36, 4, 50, marks=pytest.mark.long)],
)
def test_for_days_no_request_fails_and_each_mfa_session_costs_one_touch(
    tmp_path: Path, hours: int, touches: int, renewals: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "support.long_run", tmp_path, str(hours * HOUR)],
        env=os.environ | clock(),
        cwd=TESTS,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    happened = json.loads(done.stdout)
    assert happened["polls"] == hours * 6 + 1
    assert happened["touches"] == happened["sessions"] == touches
    assert happened["roles"] == 2 * renewals
    assert happened["verdicts"] == ["OK"]
    asked = [text for text in happened["said"] if text.startswith("touch the YubiKey")]
    assert len(asked) == touches
