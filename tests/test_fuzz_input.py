"""What is piped into `add --stdin`: a key, or an error in two lines that quotes nothing of it."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from support.fuzzing import at_most, examples
from support.world import BIN
from vaultpy.access_key_input import MAX_BYTES, from_bytes
from vaultpy.errors import BadKeyInput
from vaultpy.text import printable

if TYPE_CHECKING:
    from pathlib import Path

    from vaultpy.credentials import AccessKey

ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
WORDS = st.one_of(
    st.sampled_from(
        [
            ID,
            SECRET,
            "ASIAIOSFODNN7EXAMPLE",
            "Access key ID",
            "Secret access key",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "export ",
            "=",
            ",",
            '"',
            "'",
            "\n",
            "\r\n",
            "\r",
            "\t",
            "{",
            "}",
            ":",
            '"AccessKey"',
            '"AccessKeyId"',
            '"SecretAccessKey"',
            "\x00",
            "\ufeff",
            "\x1b[2J",
            "\u202e",
            "\u2028",
        ]
    ),
    st.text(max_size=8),
)
TEXTS = st.lists(WORDS, max_size=24).map("".join)
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["AccessKey", "AccessKeyId", "SecretAccessKey", "SessionToken", "Version"])
            | WORDS,
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)
INPUTS = st.one_of(
    TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")),
    TEXTS.map(lambda text: text.encode("utf-16", "surrogatepass")),
    VALUES.map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass")),
    st.binary(max_size=100),
)


def _judge(error: BadKeyInput) -> None:
    said = error.message + error.hint
    assert printable(said) == said
    assert SECRET not in said


def judged(data: bytes) -> AccessKey | None:
    """Return the key in `data`, which was really there, or None after an error that is fit for a terminal."""
    try:
        found = from_bytes(data)
    except BadKeyInput as error:
        _judge(error)
        return None
    assert found.id.isascii()
    assert found.id.isprintable()
    assert found.secret.reveal().isascii()
    assert found.secret.reveal().isprintable()
    return found


@examples(200)
@given(INPUTS)
@example(b'{"AccessKey": ["x"]}')
@example(b'{"AccessKeyId": 5, "SecretAccessKey": {}}')
@example(f"Access key ID,Secret access key\n{ID}".encode())
@example(f"Access key ID,Secret access key\n{ID},{SECRET},more,and more\n".encode())
@example(b"[" * 50_000)
@example(b'{"a":' * 12_000)
@example(b"\xff\xfe\x00")
def test_whatever_is_piped_in_is_a_key_or_an_error(data: bytes) -> None:
    judged(data)


GIANTS = {
    "lines": b"x\n" * MAX_BYTES,
    "a field": b'Access key ID,Secret access key\n"' + b"x" * 60_000,
    "columns": b"," * 60_000 + b"\n" + b"," * 4000,
    "rows": b"Access key ID,Secret access key\n" + b"a,b\n" * 15_000,
    "brackets": b"{" + b'"x":[' * 12_000,
    "digits": b'{"AccessKeyId": ' + b"9" * 60_000 + b"}",
}


@pytest.mark.parametrize("data", GIANTS.values(), ids=GIANTS)
def test_a_giant_is_judged_within_bounds(data: bytes) -> None:
    with at_most(40_000):
        assert judged(data) is None


def test_an_input_without_an_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    with open("/dev/zero", "rb") as endless:  # noqa: PTH123  # a device
        done = subprocess.run(
            [BIN / "vaultpy", "add", "dev", "--stdin"],
            stdin=endless,
            env={"HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert [line.partition(":")[2].partition(":")[0] for line in done.stderr.splitlines()] == [
        " error",
        " hint",
    ]
    assert list(tmp_path.rglob("*")) == []
