"""Fill in vaultpy.rb: `python formula.py SDIST > vaultpy.rb`, as the release workflow does.

pip resolves the release's dependencies to source distributions and tells the address and the checksum of
each; nothing is installed, and nothing here is made up. Only `url`, where the release will lie, is put
together from the forge's variables: GITHUB_SERVER_URL, GITHUB_REPOSITORY and GITHUB_REF_NAME.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

TEMPLATE = Path(__file__).with_name("vaultpy.rb")
FROM_HOMEBREW = ("cffi", "cryptography", "pycparser")
"""What the formula `cryptography` brings, compiled."""


def report(sdist: Path) -> Any:  # noqa: ANN401  # JSON
    """Return what pip would install for `sdist`, from source except for what Homebrew has."""
    sources = ["--no-binary", ":all:", "--only-binary", ",".join(FROM_HOMEBREW)]
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    command = [*pip, "--dry-run", "--ignore-installed", "--report", "-", *sources, str(sdist)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def resources(report: Any) -> str:  # noqa: ANN401  # as above
    """Return a `resource` block for each package of pip's report; raises KeyError without a checksum."""
    found = {each["metadata"]["name"].lower(): each["download_info"] for each in report["install"]}
    blocks = [
        f'resource "{name}" do\n    url "{info["url"]}"\n'
        f'    sha256 "{info["archive_info"]["hashes"]["sha256"]}"\n  end'
        for name, info in sorted(found.items())
        if name not in {"vaultpy", *FROM_HOMEBREW}
    ]
    return "\n\n  ".join(blocks)


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
    made = Path(sys.argv[1])
    sys.stdout.write(formula(made, resources(report(made)), os.environ))
