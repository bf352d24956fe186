"""The JSON for SDKs says what the json module reads back, whatever the values hold."""

from __future__ import annotations

import json
from datetime import datetime

from hypothesis import example, given
from hypothesis import strategies as st

from vaultpy.credentials import Credentials
from vaultpy.credentials_json import quoted, render
from vaultpy.values import Secret


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E)))
@example('"quoted" \\ and \\" and \\u0041')
def test_printable_ascii_is_read_back_as_it_was(text: str) -> None:
    assert json.loads(quoted(text)) == text


@given(st.text())
@example("\x00\x1f\x7f\x85\n\r\t\u2028")
@example("é 日本 \U0001f511 \ud83d")
def test_any_other_text_too_and_only_printable_ascii_is_written(text: str) -> None:
    written = quoted(text)
    assert json.loads(written) == text
    assert written.isascii()
    assert written.isprintable()


def test_a_document_has_what_the_sdks_read_from_it() -> None:
    credentials = Credentials("ASIA1", Secret("s/e+c\\r"), Secret('to"ken='), 1_700_000_000)
    written = render(credentials, "123456789012")
    document = json.loads(written)
    assert datetime.fromisoformat(document.pop("Expiration")).timestamp() == 1_700_000_000
    assert document == {
        "Version": 1,
        "AccessKeyId": "ASIA1",
        "SecretAccessKey": "s/e+c\\r",
        "SessionToken": 'to"ken=',
        "AccountId": "123456789012",
    }
    assert '"Expiration": "2023-11-14T22:13:20Z"' in written


def test_an_account_that_is_not_known_is_left_out() -> None:
    credentials = Credentials("ASIA1", Secret("secret"), Secret("token"), 1_700_000_000)
    assert "AccountId" not in json.loads(render(credentials, None))
