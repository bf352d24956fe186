"""What every keystore does, simulated or real.

Each behaviour gets `open_again`: a function that opens one and the same keystore each time it is called. The
keystore may hold anything at first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaultpy.values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from vaultpy.access_keys import Keystore

    OpenAgain = Callable[[], Keystore]

ITEM = "access-key/AKIAIOSFODNN7EXAMPLE"
OTHER_ITEM = "access-key/AKIAI44QH8DHBEXAMPLE"
TEXT = Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
OTHER_TEXT = Secret("je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY")
# 1280 UTF-16 characters are the most that Windows keeps in one item.
ANY_TEXTS = ("two\nlines\n", "  around  ", "Grüße, 鍵 🔑", "quote ' \" \\ $HOME", "x" * 1280)


def what_is_not_there_is_none(open_again: OpenAgain) -> None:
    keystore = open_again()
    keystore.delete(ITEM)
    assert keystore.get(ITEM) is None


def what_is_stored_comes_back(open_again: OpenAgain) -> None:
    keystore = open_again()
    keystore.set(ITEM, TEXT)
    assert keystore.get(ITEM) == TEXT


def what_is_stored_last_wins(open_again: OpenAgain) -> None:
    keystore = open_again()
    keystore.set(ITEM, OTHER_TEXT)
    keystore.set(ITEM, TEXT)
    assert keystore.get(ITEM) == TEXT


def items_do_not_disturb_each_other(open_again: OpenAgain) -> None:
    keystore = open_again()
    keystore.set(ITEM, TEXT)
    keystore.set(OTHER_ITEM, OTHER_TEXT)
    keystore.delete(OTHER_ITEM)
    assert keystore.get(ITEM) == TEXT


def what_is_deleted_is_gone(open_again: OpenAgain) -> None:
    keystore = open_again()
    keystore.set(ITEM, TEXT)
    keystore.delete(ITEM)
    assert keystore.get(ITEM) is None


def deleting_twice_is_no_error(open_again: OpenAgain) -> None:
    keystore = open_again()
    keystore.set(ITEM, TEXT)
    keystore.delete(ITEM)
    keystore.delete(ITEM)


def another_opening_finds_what_the_first_one_stored(open_again: OpenAgain) -> None:
    open_again().delete(ITEM)
    open_again().set(ITEM, TEXT)
    assert open_again().get(ITEM) == TEXT


def any_text_comes_back_unchanged(open_again: OpenAgain) -> None:
    keystore = open_again()
    for text in ANY_TEXTS:
        keystore.set(ITEM, Secret(text))
        assert keystore.get(ITEM) == Secret(text)


def it_does_not_show_what_it_holds(open_again: OpenAgain) -> None:
    keystore = open_again()
    keystore.set(ITEM, TEXT)
    assert TEXT.reveal() not in f"{keystore!r} {vars(keystore)!r} {keystore.get(ITEM)!r}"


BEHAVIOURS = (
    what_is_not_there_is_none,
    what_is_stored_comes_back,
    what_is_stored_last_wins,
    items_do_not_disturb_each_other,
    what_is_deleted_is_gone,
    deleting_twice_is_no_error,
    another_opening_finds_what_the_first_one_stored,
    any_text_comes_back_unchanged,
    it_does_not_show_what_it_holds,
)
