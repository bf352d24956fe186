"""Config reads what botocore reads: the same files through both, hand-made and generated.

Where the two differ on purpose, a test of its own says so: the deviations listed in vaultpy/config.py.
"""

from __future__ import annotations

import os
import shlex
import tempfile
from pathlib import Path
from typing import Any

import pytest
from botocore import configloader
from botocore.configprovider import ConfiguredEndpointProvider
from botocore.exceptions import ConfigParseError, InvalidConfigError
from botocore.session import Session
from hypothesis import example, given
from hypothesis import strategies as st

from support.fuzzing import examples
from vaultpy.config import Config
from vaultpy.config_section import nested
from vaultpy.config_text import IniText, words
from vaultpy.credentials import Credentials
from vaultpy.environment import child_environment
from vaultpy.errors import BadConfigValue, ConfigMalformed, ConfigUnreadable, NoSuchProfile
from vaultpy.values import Secret

SECRETS = {"aws_secret_access_key", "aws_session_token", "aws_security_token"}

BLANKS = st.sampled_from(["", "", "", "", " ", "  ", "\t", "    ", "\u00a0", "\x0c"])
NAMES = st.sampled_from(["a", "b", "dev", "my dev", "d'ev", "x]y", "[x", "é", "default", "pro file"])
KEYS = st.sampled_from(["region", "Region", "role_arn", "s3", "source_profile", "k k", "[k", "é", "=", ""])
VALUES = st.sampled_from(
    ["", "v", "a = b", "a:b", "[x]", "# no comment", "v ; w", "'q'", "arn:aws:iam::1:role/r"]
)


def header(kind: str, name: str, spelling: str) -> str:
    return {
        "plain": f"[{kind} {name}]",
        "quoted": f"[{kind} {shlex.quote(name)}]",
        "double": f'[{kind} "{name}"]',
        "wide": f"[{kind} \t {name} ]",
        "tail": f"[{kind} {name}] ; tail",
        "bare": f"[{name}]",
        "joined": f"[{kind}s {name}]",
    }[spelling]


HEADERS = st.builds(
    header,
    st.sampled_from(["profile", "profile", "profile", "services", "sso-session"]),
    NAMES,
    st.sampled_from(["plain", "plain", "plain", "quoted", "double", "wide", "tail", "bare", "joined"]),
)
SETTINGS = st.builds(
    lambda key, delimiter, value: f"{key}{delimiter}{value}",
    KEYS,
    st.sampled_from(["=", " = ", ":", " : ", "\t=\t"]),
    VALUES,
)
OTHERS = st.sampled_from(
    ["", "", "# comment", "; comment", "#[profile a]", "no delimiter", "[]", "[open", "nested = x"]
)
LINES = st.builds(
    lambda indent, content, tail: indent + content + tail,
    BLANKS,
    st.one_of(HEADERS, SETTINGS, SETTINGS, OTHERS),
    st.sampled_from(["", "", " ", "\t"]),
)
ENDS = st.sampled_from(["\n", "\n", "\n", "\r\n", "\r"])
FILES = st.builds(
    lambda start, lines, last: start + "".join(line + end for line, end in lines) + last,
    st.sampled_from(["", "[default]\n", "[profile a]\n", "# comment\n\n", "\ufeff"]),
    st.lists(st.tuples(LINES, ENDS), max_size=14),
    st.one_of(st.just(""), LINES),
)

SECTIONS = st.builds(
    lambda head, pairs, gap: "\n".join([head, *(f"{key} = {value}" for key, value in pairs.items()), gap]),
    HEADERS,
    st.dictionaries(
        st.sampled_from(["region", "ROLE_ARN", "aws_access_key_id", "aws_secret_access_key", "k k"]),
        st.sampled_from(["", "1", "2", "a\n  b", "\n  x = 1\n\n  y = 2", "[x]"]),
    ),
    st.sampled_from(["", "\n", "# [profile a]\n", "\n  \n"]),
)
GOOD_FILES = st.lists(
    SECTIONS, max_size=6, unique_by=lambda text: text.split("\n")[0].rpartition("]")[0]
).map("".join)

HAND_MADE = [
    "",
    "\n\n",
    "# nothing but a comment",
    "[default]",
    "[default]\nregion = eu-west-1\n[profile default]\nregion = us-east-1\n",
    "[profile default]\nregion = us-east-1\n[default]\nregion = eu-west-1\n",
    "[profile a]\nregion = 1\n[profile 'a']\nregion = 2\n",
    "[profile 'a']\nregion = 1\n[profile b]\n[profile a]\nregion = 2\n",
    "[profile a]\n[profile b]\n[profile c]",
    "[profile a]\n[]\n",
    "[profile a]\n[] = 1\n[profile b]\n",
    "[profile a]\nx = 1\n[profile a]\ny = 2\n",
    "[profile a]\nregion = 1\nREGION = 2\n",
    "[profile a]\ns3 =\n  addressing_style = path\n\n  # comment\n  max = 3\nregion = x\n",
    "[profile a]\ns3 =\n  no delimiter\n",
    "[profile a]\nregion = eu\n  west\n\n  1\n\n[profile b]\n",
    "[profile a]\n  region = x\n  [profile b]\n    region = y\n  output = json\n",
    "[profile a]\nregion = x\n  [profile b]\n",
    "  [profile a]\nregion = x\n",
    "region = x\n[profile a]\n",
    "[profile a]\r\nregion = x\r\n\r\n[profile b]\rregion = y\r",
    "\ufeff[default]\nregion = x\n",
    "[profile a]\n[k = v]\n[open = x\n[] = y\n",
    "[profile [x]]\nregion = x\n",
    "[profile a]\nregion\n",
    "[profile a]\n= v\n",
    '[profile "a b"]\nregion = x\n[profile a\\ c]\nregion = y\n[profile "a\\"b"]\nregion = z\n',
    "[profile ab 'c]\nregion = x\n[profile]\nregion = x\n[profile ]\n[profile '']\nregion = y\n",
    "[profile a]\x0bregion = x\x1c\x85\u2028\nregion = x\x85y\n",
]


def botocore_sections(path: str) -> dict[str, dict[str, str]] | None:
    try:
        sections: dict[str, dict[str, str]] = configloader.raw_config_parse(path, parse_subsections=False)
        configloader.raw_config_parse(path)
    except ConfigParseError:
        return None
    return sections


def botocore_profiles(config: str, credentials: str) -> dict[str, dict[str, Any]] | None:
    session = Session()
    session.set_config_variable("config_file", config)
    session.set_config_variable("credentials_file", credentials)
    try:
        profiles: dict[str, dict[str, Any]] = session.full_config["profiles"]
    except ConfigParseError:
        return None
    return profiles


def as_botocore_has_it(settings: dict[str, str]) -> dict[str, Any]:
    return {key: nested(value) if value.startswith("\n") else value for key, value in settings.items()}


def write(directory: str, name: str, text: str) -> str:
    path = os.path.join(directory, name)  # noqa: PTH118  # botocore and Config take text
    Path(path).write_bytes(text.encode())
    return path


def check_text(text: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = write(directory, "config", text)
        expected = botocore_sections(path)
    assert everything(text) == expected
    assert one_by_one(text) == expected


def everything(text: str) -> dict[str, dict[str, str]] | None:
    try:
        return {header: section.settings for header, section in IniText(text, "").sections().items()}
    except ConfigMalformed:
        return None


def one_by_one(text: str) -> dict[str, dict[str, str] | None] | None:
    try:
        ini = IniText(text, "")
        return {header: ini.settings(header) for header in ini.headers()}
    except ConfigMalformed:
        return None


def check_files(config: str, credentials: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        paths = write(directory, "config", config), write(directory, "credentials", credentials)
        expected = botocore_profiles(*paths)
        assert expected is not None
        loaded = Config.load({"AWS_CONFIG_FILE": paths[0], "AWS_SHARED_CREDENTIALS_FILE": paths[1]})
    assert loaded.names() == list(expected)
    for name, wanted in expected.items():
        assert loaded.has(name)
        own = {key: value for key, value in wanted.items() if key not in SECRETS}
        assert as_botocore_has_it(loaded._own_settings(name)) == own


@pytest.mark.parametrize("text", HAND_MADE)
def test_every_section_of_a_file_says_what_botocore_reads_or_both_refuse_the_file(text: str) -> None:
    check_text(text)
    if everything(text) is not None:
        check_files(text, "")


@examples(100)
@given(FILES)
@example("[a]\n\xa0[b]\nx=1")
def test_every_section_of_a_generated_file_says_what_botocore_reads_or_both_refuse_it(text: str) -> None:
    check_text(text)


@examples(60)
@given(GOOD_FILES, GOOD_FILES)
@example("[profiles a]\nregion = 1\n", "")
@example("[profile a b]\nregion = 1\n", "[a]\nregion = 2\n")
@example("[ profile a ]\nregion = 1\n", "[ a ]\nregion = 2\n[a]\nregion = 3\n[a ]\n")
@example("[profile a]\nregion = 1\nk = 1\n", "[a]\nregion = 2\naws_access_key_id = x\n")
def test_profiles_of_two_generated_files_merge_as_in_botocores_full_config(
    config: str, credentials: str
) -> None:
    check_files(config, credentials)


@examples(100)
@given(st.text(alphabet=" \tab'\"\\", max_size=12))
def test_headers_are_split_into_words_as_shlex_splits_them(text: str) -> None:
    try:
        expected = shlex.split(text)
    except ValueError:
        expected = []
    assert words(text) == expected


@examples(60)
@given(st.data())
def test_an_endpoint_is_found_in_botocores_order(data: st.DataObject) -> None:
    environ = data.draw(
        st.dictionaries(
            st.sampled_from(["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_IAM"]),
            st.sampled_from(["", "http://from.environment", "http://other.environment"]),
        )
    )
    profile = data.draw(
        st.lists(
            st.sampled_from(
                ["services = s", "services = missing", "endpoint_url = http://profile", "region = x"]
            ),
            unique_by=lambda line: line.split(" ")[0],
        )
    )
    services = data.draw(
        st.lists(
            st.sampled_from(
                ["sts =\n  endpoint_url = http://sts", "iam =\n  endpoint_url = http://iam", "s3 =\n  a = b"]
            ),
            unique=True,
        )
    )
    text = "\n".join(["[profile p]", *profile, "[services s]", *services, ""])
    with tempfile.TemporaryDirectory() as directory:
        path, empty = write(directory, "config", text), write(directory, "credentials", "")
        full = configloader.load_config(path)
        config = Config.load({**environ, "AWS_CONFIG_FILE": path, "AWS_SHARED_CREDENTIALS_FILE": empty})
    provider = ConfiguredEndpointProvider(full, full["profiles"]["p"], "sts", environ)
    try:
        expected = provider.provide()
    except InvalidConfigError:
        with pytest.raises(BadConfigValue):
            config.endpoint_url("sts", config.profile("p"))
    else:
        assert config.endpoint_url("sts", config.profile("p")) == expected


def botocore_endpoint(full: dict[str, Any], service: str, environ: dict[str, str]) -> str | None:
    """Return the endpoint as botocore finds it (botocore/args.py, configprovider.py) for profile `p`."""
    scoped = full["profiles"].get("p", {})
    ignored = environ.get(
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", scoped.get("ignore_configured_endpoint_urls", "")
    )
    if ignored.lower() == "true":
        return None
    found: str | None = ConfiguredEndpointProvider(full, scoped, service, environ).provide()
    return found


@examples(100)
@given(
    st.dictionaries(
        st.sampled_from(["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"]),
        st.sampled_from(["", "true", "http://from.environment"]),
    ),
    st.lists(
        st.sampled_from(
            ["services = s", "endpoint_url = http://profile", "ignore_configured_endpoint_urls = true"]
        ),
        unique=True,
    ),
)
def test_the_command_finds_the_endpoint_that_it_would_find_with_the_profile(
    environ: dict[str, str], profile: list[str]
) -> None:
    text = "\n".join(["[profile p]", *profile, "[services s]", "s3 =", "  endpoint_url = http://s3", ""])
    with tempfile.TemporaryDirectory() as directory:
        path, empty = write(directory, "config", text), write(directory, "credentials", "")
        full = configloader.load_config(path)
        config = Config.load({**environ, "AWS_CONFIG_FILE": path, "AWS_SHARED_CREDENTIALS_FILE": empty})
    child = child_environment(
        environ,
        profile="p",
        credentials=Credentials("ASIAEXAMPLE", Secret("s"), Secret("t"), 1),
        region=None,
        account_id=None,
        extra=config.child_settings(config.profile("p")),
    )
    for service in ("s3", "sqs"):
        without_profile = botocore_endpoint({"profiles": {}}, service, child)
        assert without_profile == botocore_endpoint(full, service, environ)


# ---- the deviations ----------------------------------------------------------------------------------


def load(tmp_path: Path, config: str, credentials: str = "") -> tuple[Config, tuple[str, str]]:
    paths = write(str(tmp_path), "config", config), write(str(tmp_path), "credentials", credentials)
    return Config.load({"AWS_CONFIG_FILE": paths[0], "AWS_SHARED_CREDENTIALS_FILE": paths[1]}), paths


def test_deviation_a_mistake_in_another_section_is_left_alone(tmp_path: Path) -> None:
    config, paths = load(tmp_path, "[profile a]\nregion = x\n[profile b]\nno delimiter\n")
    assert botocore_profiles(*paths) is None
    assert config.profile("a").region == "x"
    with pytest.raises(ConfigMalformed, match="line 4: neither"):
        config.profile("b")


def test_deviation_the_section_default_in_capitals_gives_nothing_and_is_no_profile(tmp_path: Path) -> None:
    config, paths = load(
        tmp_path, "[DEFAULT]\nregion = x\n[profile a]\noutput = json\n", "[DEFAULT]\nk = v\n"
    )
    profiles = botocore_profiles(*paths)
    assert profiles is not None
    assert profiles["a"]["region"] == "x"
    assert config.profile("a").region is None
    assert config.names() == ["a"]
    with pytest.raises(NoSuchProfile):
        config.profile("DEFAULT")


def test_deviation_a_directory_is_not_an_empty_file(tmp_path: Path) -> None:
    assert botocore_profiles(str(tmp_path), str(tmp_path)) == {}
    with pytest.raises(ConfigUnreadable):
        Config.load({"AWS_CONFIG_FILE": str(tmp_path)})


def test_deviation_an_empty_value_counts_as_absent(tmp_path: Path) -> None:
    config, paths = load(tmp_path, "[default]\nregion = x\n[profile a]\nregion =\nmfa_serial =\n")
    profiles = botocore_profiles(*paths)
    assert profiles is not None
    assert profiles["a"] == {"region": "", "mfa_serial": ""}
    assert config.profile("a").region == "x"
    assert config.profile("a").mfa_serial is None


def test_deviation_secrets_do_not_get_into_a_profile(tmp_path: Path) -> None:
    keys = "aws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = hush\naws_session_token = hush\n"
    config, paths = load(tmp_path, "[profile a]\nregion = x\n", f"[a]\n{keys}")
    profiles = botocore_profiles(*paths)
    assert profiles is not None
    assert profiles["a"]["aws_secret_access_key"] == "hush"
    assert config.profile("a").settings == {"region": "x", "aws_access_key_id": "AKIAEXAMPLE"}
    assert "hush" not in repr(config.profile("a"))


def test_deviation_a_nested_value_stays_text(tmp_path: Path) -> None:
    config, paths = load(tmp_path, "[profile a]\ns3 =\n  addressing_style = path\n")
    profiles = botocore_profiles(*paths)
    assert profiles is not None
    assert profiles["a"]["s3"] == {"addressing_style": "path"}
    assert nested(config.profile("a").settings["s3"]) == profiles["a"]["s3"]
