"""Write what is made from the code and kept beside it: `make generate`. Tests see whether it is current."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests"), str(ROOT)]

import completion_words
import house
import man_page

MADE = {
    "docs/pictures/house.svg": house.text,
    "man/vaultpy.1": man_page.text,
    "vaultpy/commands.tsv": completion_words.text,
}

if __name__ == "__main__":
    for name, text in MADE.items():
        (ROOT / name).parent.mkdir(exist_ok=True)
        (ROOT / name).write_text(text(), encoding="utf-8")
