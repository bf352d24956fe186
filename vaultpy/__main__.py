"""The only entry point."""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Run the command line; returns the exit status."""
    from vaultpy.cli.app import run

    return run(sys.argv[1:], os.environ)


if __name__ == "__main__":
    sys.exit(main())
