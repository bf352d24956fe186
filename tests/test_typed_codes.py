"""A code that was given with the command, and one that a person types."""

from __future__ import annotations

import pytest

from support.keys import SERIAL, Quiet, wanted
from vaultpy import errors
from vaultpy.mfa import NoMoreCodesError, TokenCode, is_virtual
from vaultpy.typed_codes import GivenCode, TypedCode

HARDWARE = "GAHT12345678"


class Typist:
    """Types one line; without one there is no terminal."""

    def __init__(self, line: str | None) -> None:
        self.line = line
        self.asked: list[str] = []

    def ask(self, question: str, otherwise: errors.VaultpyError) -> str:
        """Type the line."""
        if self.line is None:
            raise otherwise
        self.asked.append(question)
        return self.line


def no_step(_serial: str) -> int:
    raise AssertionError("a typed code has no step")


def test_a_given_code_serves_once() -> None:
    given = GivenCode("123456")
    assert given.token_code(wanted(), no_step, Quiet()) == TokenCode(SERIAL, "123456", None)
    with pytest.raises(NoMoreCodesError):
        given.token_code(wanted(), no_step, Quiet())


@pytest.mark.parametrize("digits", ["", "12345", "1234567", "12345a", "١٢٣٤٥٦", "12 456", "-12345"])
def test_what_is_no_code_is_refused_before_it_is_used(digits: str) -> None:
    with pytest.raises(errors.BadCode):
        GivenCode(digits)


def test_a_hardware_tokens_code_is_asked_for_with_its_purpose() -> None:
    typist, meanwhile = Typist("123 456"), Quiet()
    code = TypedCode(typist).token_code(wanted(HARDWARE), no_step, meanwhile)
    assert code == TokenCode(HARDWARE, "123456", None)
    assert typist.asked == ["code of GAHT12345678, arn:aws:iam::123456789012:role/dev for dev-role"]
    assert meanwhile.begun == 1


def test_the_second_question_says_why_it_is_asked() -> None:
    typist = Typist("123456")
    TypedCode(typist).token_code(wanted(HARDWARE, reason="AWS refused the last code"), no_step, Quiet())
    assert typist.asked[0].startswith("code of GAHT12345678 (AWS refused the last code), ")


def test_without_a_terminal_the_option_is_named() -> None:
    with pytest.raises(errors.NoCode) as refusal:
        TypedCode(Typist(None)).token_code(wanted(HARDWARE), no_step, Quiet())
    assert refusal.value.hint == "give the code: --mfa-token CODE"


def test_a_code_does_not_show_itself() -> None:
    assert "654321" not in repr(TokenCode(SERIAL, "654321", None))


def test_a_yubikey_stands_for_devices_that_have_an_arn() -> None:
    assert is_virtual(SERIAL)
    assert not is_virtual(HARDWARE)
