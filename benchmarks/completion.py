"""How long a shell waits at a tab: for the names of the profiles, and for a whole completion in bash.

Beside each stands the same interpreter doing nothing. Prints figures, asserts nothing:

    python benchmarks/completion.py [--pairs N]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from paired import show, show_excess, show_ratio

BIN = Path(sys.executable).parent
BAR = 0.120
FEW, MANY = 5, 500
"""How many profiles the config has."""
TAB = """
. "$1"
COMP_WORDS=(vaultpy {words}); COMP_CWORD={last}; COMP_LINE="vaultpy {words}"; COMP_POINT=${{#COMP_LINE}}
__vaultpy_complete_vaultpy
[ "${{#COMPREPLY[@]}}" -gt 0 ]
"""


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pairs", type=int, default=30, help="measurements of each kind (default 30)")
    pairs = parser.parse_args().pairs
    print(f"load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}, {pairs} pairs")
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        environ = {
            "PATH": f"{BIN}:/usr/bin:/bin",
            "HOME": name,
            "AWS_CONFIG_FILE": str(home / "config"),
            "XDG_STATE_HOME": name,
        }
        script = home / "script"
        script.write_bytes(subprocess.check_output([BIN / "vaultpy", "shell-init", "bash"], env=environ))
        for profiles in (FEW, MANY):
            (home / "config").write_text("".join(f"[profile p{at}]\nregion = x\n" for at in range(profiles)))
            print(f"{profiles} profiles")
            names = [str(BIN / "vaultpy"), "shell-init", "profiles"]
            _compare("their names (vaultpy shell-init profiles)", names, environ, pairs)
            _compare("bash: vaultpy exec p<tab>", _tab(script, "exec p", 2), environ, pairs)
        _compare("bash: vaultpy exec --d<tab>", _tab(script, "exec --d", 2), environ, pairs)
    return 0


def _tab(script: Path, words: str, last: int) -> list[str]:
    return ["bash", "-c", TAB.format(words=words, last=last), "bash", str(script)]


def _compare(what: str, command: list[str], environ: dict[str, str], pairs: int) -> None:
    nothing = [sys.executable, "-I", "-c", "pass"]
    taken = [(_seconds(command, environ), _seconds(nothing, environ)) for _ in range(pairs)]
    ours, theirs = [one for one, _ in taken], [other for _, other in taken]
    show_excess(what, ours, BAR)
    show("  the interpreter doing nothing", theirs)
    show_ratio("  the one to the other", ours, theirs)


def _seconds(command: list[str], environ: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, env=environ, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
