"""Sessions in the kernel's keyring, as root and as a plain user, who has a small quota."""

from __future__ import annotations

import errno
import os
import re
import sys

import pytest

from support.remembering import run
from vaultpy.kernel_keyring import MAX_BYTES, MAX_KEYS, KernelKeyring

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or bool(run("probe")), reason="the kernel gives no keyring here"
)
as_plain_user = pytest.mark.skipif(
    os.geteuid() != 0, reason="root is needed to become a user with a fresh quota"
)


@pytest.mark.parametrize("plain_user", [False, True])
def test_what_another_login_stored_is_read_replaced_and_deleted(plain_user: bool) -> None:  # noqa: FBT001
    assert run("keep_and_lose", plain_user=plain_user) == [
        "None",
        "b'first'",
        "b'second\\x00with a nul'",
        "None",
    ]


def test_a_key_has_its_end_and_no_rights_beyond_the_kernels_own() -> None:
    name = f"rights-{os.getpid()}"
    (line,) = run("shown_by_proc", name)
    assert re.search(rf" (1m|\d\ds) 3f010000 .* user +vaultpy:{name}: 1$", line)


def test_a_process_does_not_keep_what_it_stored() -> None:
    assert run("left_in_the_process", f"kept-{os.getpid()}") == ["False"]


@as_plain_user
def test_a_key_is_gone_when_its_time_is_up_and_its_name_and_room_are_free_again() -> None:
    assert run("outlive_its_time", plain_user=True) == ["gone", "b'again'"]


@as_plain_user
@pytest.mark.parametrize("size", [500, 2000, 6000])
def test_all_keys_together_leave_room_for_other_programs_and_a_deletion_makes_room_at_once(
    size: int,
) -> None:
    fitted, why, again = run("write_many", size, 50, plain_user=True)
    assert int(fitted) == MAX_BYTES // size
    assert (int(why), again) == (errno.EDQUOT, "True")


@as_plain_user
def test_what_takes_the_place_of_another_counts_alone() -> None:
    assert run("replace_the_largest", plain_user=True) == ["True"]


@as_plain_user
def test_small_keys_leave_room_for_other_programs() -> None:
    fitted, why, again = run("write_many", 10, 50, plain_user=True)
    assert (int(fitted), int(why), again) == (MAX_KEYS, errno.EDQUOT, "True")


def test_a_text_that_would_fill_the_quota_alone_is_refused() -> None:
    with pytest.raises(OSError, match="too long"):
        KernelKeyring().write("too large", b"x" * (MAX_BYTES + 1), 60)


@pytest.mark.parametrize("refusal", [errno.EPERM, errno.ENOSYS])
def test_a_containers_refusal_is_an_os_error(refusal: int) -> None:
    assert run("refused_by_a_filter", refusal) == [str(refusal)]
