"""Fill in vaultpy.rb: `python formula.py SDIST > vaultpy.rb`, as the release workflow does.

uv resolves the release's dependencies and tells the address and the checksum of the source distribution of
each; nothing is built or installed, and nothing here is made up. Only `url`, where the release will lie, is
put together from the forge's variables: GITHUB_SERVER_URL, GITHUB_REPOSITORY and GITHUB_REF_NAME.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

TEMPLATE = Path(__file__).with_name("vaultpy.rb")
PROJECT = Path(__file__).parent.parent.parent / "pyproject.toml"
FROM_HOMEBREW = {
    "cryptography": {"cffi", "cryptography", "pycparser"},
    "pydantic": {"annotated-types", "pydantic", "pydantic-core", "typing-extensions", "typing-inspection"},
}
"""What formulas that ours depends on bring, some of it compiled."""


def resolved(python: str) -> Any:  # noqa: ANN401  # TOML
    """Return what uv would install for that version of Python, as pylock.toml has it.

    On Linux that is what macOS gets, and the two packages by which keyring reaches a Linux desktop.
    """
    output = ["--quiet", "--no-header", "--format", "pylock.toml"]
    target = ["--python-version", python, "--python-platform", "linux"]
    command = ["uv", "pip", "compile", *output, *target, str(PROJECT)]
    locked = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return importlib.import_module("tomllib").loads(
        locked
    )  # which Python 3.10 lacks, and the tests run there too


def resources(locked: Any) -> str:  # noqa: ANN401  # as above
    """Return a `resource` block for each package of a pylock.toml; raises KeyError without a checksum."""
    brought = set().union(*FROM_HOMEBREW.values())
    found = {each["name"]: each["sdist"] for each in locked["packages"] if each["name"] not in brought}
    blocks = [
        f'resource "{name}" do\n    url "{sdist["url"]}"\n    sha256 "{sdist["hashes"]["sha256"]}"\n  end'
        for name, sdist in sorted(found.items())
    ]
    return "\n\n  ".join(blocks)


def python_of(template: str) -> str:
    """Return the version of Python that the formula depends on."""
    (found,) = re.findall(r'depends_on "python@([\d.]+)"', template)
    return str(found)


def formula(sdist: Path, resources: str, environ: Mapping[str, str]) -> str:
    """Return the formula of the release that `sdist` is."""
    home = f"{environ['GITHUB_SERVER_URL']}/{environ['GITHUB_REPOSITORY']}"
    filled = {
        '"@HOMEPAGE@"': f'"{home}"',
        '"@URL@"': f'"{home}/releases/download/{environ["GITHUB_REF_NAME"]}/{sdist.name}"',
        '"@SHA256@"': f'"{hashlib.sha256(sdist.read_bytes()).hexdigest()}"',
        "# @RESOURCES@": resources,
    }
    text = TEMPLATE.read_text(encoding="utf-8")
    for place, content in filled.items():
        text = text.replace(place, content)
    return text


if __name__ == "__main__":
    version = python_of(TEMPLATE.read_text(encoding="utf-8"))
    sys.stdout.write(formula(Path(sys.argv[1]), resources(resolved(version)), os.environ))
