"""The documentation as a site: it builds without a warning, and every link and anchor leads somewhere."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from command_tree import commands
from docs_site import PAGES, indent_lists, lead_links

ROOT = Path(__file__).parent.parent
OPTIONS = {
    command.name: {name for option in command.options for name in option.names} for command in commands()
}
NOT_RUN = re.compile(r"^ *<!-- not run: .+ -->\n *```\w*\n((?:.*\n)*?) *```$", re.MULTILINE)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site as `make docs` does: a dead link, a dead anchor and a page in no menu are errors."""
    directory = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", directory],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return directory


def pages(site: Path) -> dict[str, str]:
    return {str(path.relative_to(site)): path.read_text(encoding="utf-8") for path in site.rglob("*.html")}


def test_it_has_the_pages_of_the_repository(site: Path) -> None:
    text = pages(site)
    assert "vaultpy runs a command with the credentials of an AWS role" in text["index.html"]
    assert "MIT License" in text["license/index.html"]
    assert all(f">{command.name}<" in text["reference/index.html"] for command in commands() if command.name)
    assert len(text) > len(list((ROOT / "docs").rglob("*.md")))


def test_it_loads_nothing_from_elsewhere(site: Path) -> None:
    for page, text in pages(site).items():
        loaded = re.findall(r"<(?:script|img|iframe|source)[^>]*\ssrc=\"?([^\s\">]+)", text)
        loaded += re.findall(
            r"<link[^>]*rel=\"?(?:stylesheet|preload|preconnect|icon)[^>]*href=\"?([^\s\">]+)", text
        )
        assert [source for source in loaded if "//" in source] == [], page


def test_each_picture_is_there_for_both_themes_and_only_one_of_them_is_shown(site: Path) -> None:
    style = "".join(path.read_text(encoding="utf-8") for path in site.glob("assets/stylesheets/*.css"))
    assert "#only-dark" in style
    assert "#only-light" in style
    shown: set[tuple[str, str]] = set()
    for page, text in pages(site).items():
        assert "<picture" not in text, page
        shown |= set(re.findall(r"<img[^>]* src=\"?\S*pictures/([\w-]+)\.svg(#only-\w+)?", text))
    names = {path.stem for path in (ROOT / "docs" / "pictures").iterdir()} - {"house"}
    ends = {name: "#only-light" if name.endswith("-light") else "#only-dark" for name in names}
    assert shown == {*ends.items(), ("house", "")}


def test_lists_and_blocks_of_code_are_such(site: Path) -> None:
    """What a forge and Python-Markdown read differently would show as a paragraph with marks in it."""
    for page, text in pages(site).items():
        body = text.partition("<article")[2].partition("</article>")[0]
        assert re.findall(r"<p>(?:(?!</p>)[\s\S])*?\n(?:- |\d\. |\||```)", body) == [], page
        assert "```" not in body, page
        assert "\\|" not in "".join(re.findall(r"<td[\s\S]*?</td>", body)), page


@pytest.mark.parametrize(
    ("here", "link", "there"),
    [
        ("index.md", "docs/start.md#the-first-exec", "start.md#the-first-exec"),
        ("index.md", "docs/pictures/demo.svg", "pictures/demo.svg"),
        ("index.md", "LICENSE", "license.md"),
        ("start.md", "../README.md#install", "index.md#install"),
        ("habits/boto3.md", "../commands.md", "../commands.md"),
        ("habits/boto3.md", "../../CONTRIBUTING.md", "../contributing.md"),
        ("security.md", "../SECURITY.md", "security-policy.md"),
    ],
)
def test_links_of_the_repository_become_those_of_the_site(here: str, link: str, there: str) -> None:
    assert lead_links(f"see [it]({link}).", here) == f"see [it]({there})."


def test_links_to_elsewhere_and_within_a_page_stay() -> None:
    text = "[a](https://example.com/x) [b](#below)"
    assert lead_links(text, "index.md") == text
    assert set(PAGES.values()) & {path.name for path in (ROOT / "docs").glob("*.md")} == set()


def test_what_belongs_to_an_item_is_indented_by_four_and_other_code_is_left_alone() -> None:
    text = "1. a\n   b\n\n   ```sh\n   x\n     y\n   ```\n\n```json\n{\n  1\n   2\n}\n```\n"
    wanted = "1. a\n    b\n\n    ```sh\n    x\n      y\n    ```\n\n```json\n{\n  1\n   2\n}\n```\n"
    assert indent_lists(text) == wanted


def test_an_item_behind_a_paragraph_of_another_gets_an_empty_line_and_tight_lists_stay_tight() -> None:
    assert indent_lists("1. a\n\n   b\n2. c") == "1. a\n\n    b\n\n2. c"
    assert indent_lists("- a\n  b\n- c") == "- a\n    b\n- c"


def told(text: str) -> list[list[str]]:
    """Return the words of each vaultpy in a block of shell, without those of the command behind ` -- `."""
    lines = text.replace("\\\n", " ").splitlines()
    calls = [call for line in lines for call in re.findall(r"(?:^ *|[|;&('\"] *)vaultpy ([^|;&)]*)", line)]
    return [
        shlex.split(call.partition(" -- ")[0].replace("'", "").replace('"', ""), comments=True)
        for call in calls
    ]


@pytest.mark.parametrize("document", sorted((ROOT / "docs").rglob("*.md")), ids=lambda path: path.stem)
def test_what_is_not_run_names_commands_and_options_that_exist(document: Path) -> None:
    for block in NOT_RUN.findall(document.read_text(encoding="utf-8")):
        for words in told(block):
            name = words[0] if words else ""
            name = f"{name} {words[1]}" if len(words) > 1 and f"{name} {words[1]}" in OPTIONS else name
            assert name in OPTIONS or name.startswith("-") or not name, words
            options = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
            assert options <= OPTIONS.get(name, set()) | OPTIONS[""] | {"--help"}, words
