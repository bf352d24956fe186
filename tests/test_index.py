"""The index: what is enrolled and which sessions exist."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from support.remembering import enrolment, run, session, start
from vaultpy.errors import StateUnusable
from vaultpy.index import Index, IndexReadOnce
from vaultpy.records import Enrolment, Records, Rotation, SessionEntry, parse, render

NOW = 1_760_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vaultpy" / "index"


@pytest.fixture
def index(path: Path) -> Index:
    return Index(str(path))


def test_before_anything_is_enrolled_nothing_is_and_no_file_is_made(index: Index, path: Path) -> None:
    assert index.enrolments() == []
    assert index.sessions() == []
    assert index.enrolment("dev") is None
    assert not path.parent.exists()


def test_what_is_read_once_stays_as_it_was_found(index: Index, path: Path) -> None:
    once = IndexReadOnce(str(path))
    assert once.enrolments() == []
    index.enrol(enrolment("dev"))
    assert once.enrolments() == []
    assert once.enrolment("dev") is None


def test_what_was_read_once_overwrites_nothing_of_others(index: Index, path: Path) -> None:
    once = IndexReadOnce(str(path))
    assert once.enrolments() == []
    index.enrol(enrolment("dev"))
    once.enrol(enrolment("prod"))
    assert [it.name for it in index.enrolments()] == ["dev", "prod"]


def test_what_was_enrolled_is_there_for_the_next_run(index: Index, path: Path) -> None:
    index.enrol(enrolment("dev"))
    index.enrol(enrolment("prod"))
    later = Index(str(path))
    assert later.enrolments() == [enrolment("dev"), enrolment("prod")]
    assert later.enrolment("prod") == enrolment("prod")


def test_the_users_name_is_the_last_part_of_its_arn() -> None:
    assert enrolment("dev").user_name == "alice"


def test_enrolling_a_name_again_replaces_it(index: Index) -> None:
    index.enrol(enrolment("dev"))
    other = Enrolment(
        name="dev",
        access_key_id="AKIAOTHER",
        user_arn="arn:aws:iam::1:user/bob",
        mfa_serials=(),
        keystore="file",
        keystore_file="/home/bob/keys",
        added=NOW,
    )
    index.enrol(other)
    assert index.enrolments() == [other]


def test_what_was_withdrawn_is_gone_and_the_rest_stays(index: Index) -> None:
    index.enrol(enrolment("dev"))
    index.enrol(enrolment("prod"))
    index.withdraw("dev")
    index.withdraw("never there")
    assert index.enrolments() == [enrolment("prod")]


def test_recording_a_question_again_replaces_its_session(index: Index) -> None:
    index.record(session("q", NOW + 1))
    index.record(session("q", NOW + 2))
    assert index.sessions() == [session("q", NOW + 2)]


def test_forgotten_sessions_are_gone(index: Index) -> None:
    for name in "abc":
        index.record(session(name))
    index.forget(["a", "c", "never there"])
    assert index.sessions() == [session("b")]


def test_only_what_was_confirmed_is(index: Index) -> None:
    index.confirm("account", "arn:aws:iam::1:mfa/alice", "AWS:alice@work")
    index.confirm("account", "arn:aws:iam::1:mfa/alice", "AWS:alice@home")
    assert index.confirmed("account", "arn:aws:iam::1:mfa/alice", "AWS:alice@work")
    assert index.confirmed("account", "arn:aws:iam::1:mfa/alice", "AWS:alice@home")
    assert not index.confirmed("account", "arn:aws:iam::1:mfa/alice", "AWS:mallory")
    assert not index.confirmed("account", "arn:aws:iam::1:mfa/bob", "AWS:alice@work")
    assert not index.confirmed("endpoint", "arn:aws:iam::1:mfa/alice", "AWS:alice@work")


texts = st.text(st.characters(), max_size=20)


@example("%09", "a\tb\nc\rd", ["%250A", "\x85\u2028"], "\ud800")
@given(texts, texts, st.lists(texts, max_size=3), texts)
def test_any_text_in_any_field_is_read_as_it_was_written(
    name: str, arn: str, serials: list[str], answer: str
) -> None:
    records = Records()
    records.enrolments[name] = Enrolment(
        name=name,
        access_key_id="AKIA",
        user_arn=arn,
        mfa_serials=tuple(serials),
        keystore="file",
        keystore_file=os.fsdecode(b"/home/\xff"),
        added=1,
    )
    records.sessions[name] = SessionEntry(
        digest=name,
        access_key_id="AKIA",
        label=arn,
        duration=1,
        expiration=2,
        profile=answer,
        places=tuple(serials),
    )
    records.confirmed[name, arn, answer] = None
    records.rotations[name] = Rotation(name, arn, 3, keeps=bool(serials))
    written = render(records).encode("utf-8", "surrogatepass")
    found = parse(written.decode("utf-8", "surrogatepass"))
    assert found.enrolments == records.enrolments
    assert found.sessions == records.sessions
    assert found.confirmed == records.confirmed
    assert found.rotations == records.rotations


def test_the_file_is_for_its_owner_alone(index: Index, path: Path) -> None:
    index.enrol(enrolment("dev"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_was_cut_short_anywhere_is_named_with_what_to_do(index: Index, path: Path) -> None:
    index.enrol(enrolment("dev"))
    index.record(session("q"))
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(StateUnusable) as caught:
            index.enrolments()
        assert caught.value.message.startswith(f"cannot use {path}: it is damaged")
        assert caught.value.hint == (
            f"move it away (mv {path} {path}.old), then enrol the keys again: vaultpy add PROFILE"
        )


@pytest.mark.parametrize(
    "text",
    [
        "vaultpy index 2\nend\n",
        "vaultpy index 1\nnonsense\ta\nend\n",
        "vaultpy index 1\nsession\ttoo\tfew\nend\n",
        "vaultpy index 1\nsession\td\tAKIA\tmfa\tlong\t1\tdev\nend\n",
        "vaultpy index 1\nenrolment\tdev\nend\n",
        "vaultpy index 1\nconfirmed\tendpoint\nend\n",
        "\0\0\0\0",
    ],
)
def test_what_vaultpy_does_not_write_is_never_guessed_at_or_overwritten(
    index: Index, path: Path, text: str
) -> None:
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(StateUnusable):
        index.sessions()
    with pytest.raises(StateUnusable):
        index.enrol(enrolment("dev"))
    assert path.read_text() == text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_somebody_elses_index_is_not_believed(index: Index, path: Path) -> None:
    index.confirm("endpoint", "evil.example", "yes")
    os.chown(path, 12345, 12345)
    with pytest.raises(StateUnusable, match="it belongs to user id 12345"):
        index.confirmed("endpoint", "evil.example", "yes")


@pytest.mark.skipif(os.geteuid() != 0, reason="root is needed to become a plain user")
def test_a_plain_user_who_may_not_write_there_is_told_where_else() -> None:
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        message, hint = run("failure_to_enrol", f"{directory}/vaultpy/index", plain_user=True)
    assert message == f"cannot use {directory}/vaultpy: Permission denied"
    assert hint.endswith("export XDG_STATE_HOME=DIRECTORY")


def test_two_processes_that_record_sessions_lose_none(path: Path) -> None:
    with start("record_sessions", path, "a", 40) as one, start("record_sessions", path, "b", 40) as other:
        one.communicate()
        other.communicate()
    recorded = {entry.digest for entry in Index(str(path)).sessions()}
    assert recorded == {f"{prefix}{number}" for prefix in "ab" for number in range(40)}


def test_a_writer_that_is_killed_leaves_an_index_that_can_be_read(path: Path) -> None:
    index = Index(str(path))
    index.enrol(enrolment("dev"))
    for _ in range(10):
        with start("rewrite_for_ever", path) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "writing\n"
            before = path.stat().st_ino
            while path.stat().st_ino == before:
                assert index.enrolments() == [enrolment("dev")]
            writer.kill()
        assert index.enrolments() == [enrolment("dev")]
        index.record(session("the next run"))
        assert session("the next run") in index.sessions()
