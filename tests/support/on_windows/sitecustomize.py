"""With this directory in PYTHONPATH, Python starts as if on Windows; see `support.pretend_windows`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from support.pretend_windows import pretend

pretend()
