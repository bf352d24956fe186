"""The real objects of a run: what they take from the environment and the config files."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from vaultpy.terminal import Terminal
from vaultpy.wiring import Wiring

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_PRINT_WHAT_IS_INHERITED = """
import os, subprocess, sys
from vaultpy.terminal import Terminal
from vaultpy.wiring import Wiring

run = Wiring(os.environ, Terminal(os.environ))
show = "import os; print(*[name for name in os.environ if 'PASSPHRASE' in name or 'SSL' in name])"
sys.stdout.write(subprocess.run([sys.executable, "-c", show], capture_output=True, text=True).stdout)
print(run.environ["VAULTPY_KEYSTORE_PASSPHRASE"], run.environ["VAULTPY_KEYSTORE_PASSPHRASE_FILE"])
print(run.environ["SSLKEYLOGFILE"])
"""


def test_no_library_sees_the_passphrase_or_writes_the_secrets_of_tls(tmp_path: Path) -> None:
    variables = {"VAULTPY_KEYSTORE_PASSPHRASE": "word", "VAULTPY_KEYSTORE_PASSPHRASE_FILE": "file"}
    variables["SSLKEYLOGFILE"] = "log"
    done = subprocess.run(
        [sys.executable, "-c", _PRINT_WHAT_IS_INHERITED],
        env={"HOME": str(tmp_path), "PYTHONPATH": ":".join(filter(None, sys.path)), **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "\nword file\nlog\n"


@pytest.mark.parametrize(
    ("config", "variables", "region"),
    [
        ("", {}, "us-east-1"),
        ("[default]\nregion = cn-north-1", {}, "cn-north-1"),
        ("[default]\nregion = cn-north-1", {"AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
        ("", {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "eu-west-2"}, "eu-west-2"),
        ("[profile new]\nregion = eu-west-3", {"AWS_REGION": "eu-west-2"}, "eu-west-3"),
    ],
)
def test_a_new_key_is_asked_about_in_the_region_that_is_usual(
    tmp_path: Path, config: str, variables: dict[str, str], region: str
) -> None:
    (tmp_path / "config").write_text(config)
    files = {name: str(tmp_path / "config") for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")}
    environ = {"HOME": str(tmp_path), **files, **variables}
    assert Wiring(environ, Terminal(environ)).aws("new").region == region


def without_a_network(home: Path, proxy: str, **more: str) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return what runs a command there, with a key in its environment and a keystore file."""
    environ = more | {
        "HOME": str(home),
        "PYTHONPATH": ":".join(filter(None, sys.path)),
        "AWS_CONFIG_FILE": str(home / "config"),
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE123456789",
        "AWS_SECRET_ACCESS_KEY": "x" * 40,
        "HTTPS_PROXY": proxy,
        "VAULTPY_KEYSTORE": "file",
        "VAULTPY_KEYSTORE_PASSPHRASE": "word",
    }

    def vaultpy(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "vaultpy", *words]
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)

    return vaultpy


def test_a_profile_lends_its_settings_to_the_clients_of_add_and_exec(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        nobody = f"http://127.0.0.1:{server.getsockname()[1]}"
    (tmp_path / "config").write_text(
        "[profile new]\nuse_fips_endpoint = true\n[profile dev]\nuse_fips_endpoint = true\n"
    )
    vaultpy = without_a_network(tmp_path, nobody)
    enrolled = vaultpy("add", "dev", "--env", "--no-verify")
    assert enrolled.returncode == 0, enrolled.stderr
    for done in (vaultpy("add", "new", "--env"), vaultpy("exec", "--no-cache", "dev", "--", "true")):
        assert "cannot reach sts-fips.us-east-1.amazonaws.com: connection refused" in done.stderr


def test_a_rotation_asks_about_a_proxy_that_may_read_before_its_first_request(tmp_path: Path) -> None:
    vaultpy = without_a_network(tmp_path, "http://127.0.0.1:1", AWS_CA_BUNDLE=f"{tmp_path}/company.pem")
    enrolled = vaultpy("add", "dev", "--env", "--no-verify")  # so that AWS has to tell first whose key it is
    assert enrolled.returncode == 0, enrolled.stderr
    assert "the proxy 127.0.0.1:1 could read MFA codes and sessions" in vaultpy("rotate", "dev").stderr
