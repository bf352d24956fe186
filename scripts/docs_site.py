"""What the site has beside docs/: the pages at the top of the repository, and links that lead to them there.

mkdocs calls these two functions; see `hooks` in mkdocs.yml.
"""

from __future__ import annotations

import os.path
import re
import sys
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

sys.path.insert(0, str(Path(__file__).resolve().parent))  # mkdocs knows this file alone

import reference

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security-policy.md",
    "LICENSE": "license.md",
}
"""Files of the repository, and the pages that they are."""
REFERENCE = "reference.md"
"""The page that is made from the program."""

_LIST_INDENTATION = 4
_LIST_INDENTATIONS = (2, 3)
_SOURCES = {page: source for source, page in PAGES.items()} | {REFERENCE: REFERENCE}
_CELL = re.compile(r"<td[^>]*>.*?</td>", re.DOTALL)
_ITEM = re.compile(r"(?:-|\d+\.) ")
_PICTURE = re.compile(
    r'^( *)<picture>\n *<source [^>]* srcset="([^"]+)">\n *<img alt="([^"]+)" src="([^"]+)">\n *</picture>$',
    re.MULTILINE,
)
_LINK = re.compile(r"(\]\()(?![a-z]+:|#)([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie outside docs/, and the one that is made."""
    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        if source == "LICENSE":
            text = f"# License\n\n```text\n{text}```\n"
        files.append(File.generated(config, page, content=text))
    files.append(File.generated(config, REFERENCE, content=reference.text()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001  # mkdocs calls it so
    """Lead a page's links, which are those of the repository, to the pages of the site; indent its lists.

    A picture follows the theme that is chosen on the site, where a forge has it follow the browser.
    """
    pictures = _PICTURE.sub(r"\1![\3](\2#only-light)\n\1![\3](\4#only-dark)", markdown)
    return indent_lists(lead_links(pictures, page.file.src_uri))


def lead_links(markdown: str, here: str) -> str:
    """Return `markdown` of the page `here` with each relative link as it must be on the site."""
    source = PurePosixPath(_SOURCES.get(here, f"docs/{here}"))

    def lead(found: re.Match[str]) -> str:
        target = os.path.normpath(source.parent / found[2])
        there = PAGES.get(target, target.removeprefix("docs/"))
        relative = os.path.relpath(there, PurePosixPath(here).parent)
        return f"{found[1]}{relative}{found[3] or ''})"

    return _LINK.sub(lead, markdown)


def indent_lists(markdown: str) -> str:
    """Return `markdown` with what belongs to a list's item indented by four, as Python-Markdown wants it.

    On a forge two or three are enough, and the next item needs no empty line before it. Blocks of code that
    stand in no list are left alone.
    """
    lines: list[str] = []
    fence = None
    for line in markdown.split("\n"):
        indentation = len(line) - len(line.lstrip(" "))
        is_fence = line.startswith("```", indentation)
        if fence is None:
            shift = _LIST_INDENTATION - indentation if indentation in _LIST_INDENTATIONS else 0
            if _ITEM.match(line) and _ends_a_paragraph_of_an_item(lines):
                lines.append("")
        else:
            shift = fence if line else 0
        if is_fence:
            fence = shift if fence is None else None
        lines.append(" " * shift + line)
    return "\n".join(lines)


def _ends_a_paragraph_of_an_item(lines: list[str]) -> bool:
    """Tell whether the last of `lines` belong to an item, but not to its first paragraph."""
    last = len(lines)
    while last and lines[last - 1].startswith(" " * _LIST_INDENTATION):
        last -= 1
    return 0 < last < len(lines) and not lines[last - 1]


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001  # as above
    r"""Show a bar in a table's code as one: it stands there as `\|`, which Python-Markdown leaves so."""
    return _CELL.sub(lambda cell: cell[0].replace("\\|", "|"), html)
