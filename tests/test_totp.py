"""The codes of the RFCs, out of a seed that shows nowhere."""

from __future__ import annotations

import base64
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaultpy.errors import BadSeed
from vaultpy.totp import Seed, totp

TEXT = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
SECRET = b"12345678901234567890"


def test_the_codes_are_those_of_rfc_4226_appendix_d() -> None:
    codes = [
        "755224",
        "287082",
        "359152",
        "969429",
        "338314",
        "254676",
        "287922",
        "162583",
        "399871",
        "520489",
    ]
    assert [totp(Seed(TEXT), step).reveal() for step in range(10)] == codes


@pytest.mark.parametrize(
    ("time", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_they_are_the_last_six_digits_of_those_of_rfc_6238_appendix_b(time: int, code: str) -> None:
    assert totp(Seed(TEXT), time // 30).reveal() == code[-6:]


@pytest.mark.parametrize("text", [TEXT, TEXT.lower(), f" {TEXT[:4]} {TEXT[4:]}\n"])
def test_a_seed_is_read_as_people_write_it(text: str) -> None:
    assert Seed(text).reveal() == SECRET
    assert Seed(text) == Seed(TEXT)


@given(st.binary(min_size=10, max_size=80))
def test_every_seed_is_read_with_and_without_its_padding(secret: bytes) -> None:
    text = base64.b32encode(secret).decode()
    assert Seed(text).reveal() == Seed(text.rstrip("=")).reveal() == secret


@pytest.mark.parametrize(
    "text", ["", "   ", "GEZDGNBVGY3TQOI", TEXT[:13], TEXT + "A", TEXT + "1", "ä" * 32, "=" * 32]
)
def test_what_is_no_seed_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(BadSeed) as refusal:
        Seed(text)
    assert not text.strip("= ") or text not in refusal.value.message + refusal.value.hint


def test_a_seed_shows_nowhere() -> None:
    seed = Seed(TEXT)
    shown = f"{seed} {seed!r} {[seed]} {totp(seed, 1)}"
    assert TEXT not in shown
    assert "1234567890" not in shown
    assert "287082" not in shown
    with pytest.raises(TypeError):
        pickle.dumps(seed)
