"""The documents: whatever file, row of the feature table or page they name is there."""

import re
from collections.abc import Iterator
from pathlib import Path

HOUSE = Path(__file__).parent.parent
PAGES = sorted(
    page
    for page in (*HOUSE.glob("*.md"), *HOUSE.joinpath("docs").rglob("*.md"))
    # What was is told by the changelog as it was.
    if page.name != "CHANGELOG.md"
)
FENCED = re.compile(r"```.*?```", re.DOTALL)
NAMED = re.compile(r"`([^`\s]+)`")
LINKED = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)")
# The folders of this repository; a path that begins elsewhere is the reader's own.
OURS = ("bench", "docs", "engine", "examples", "prompts", "server", "tests")
FILES = (".py", ".md", ".json", ".html", ".toml", ".txt")
ROWS = [*(f"R{number}" for number in range(1, 240)), *(f"C{number}" for number in range(1, 51))]


def named(page: Path) -> Iterator[str]:
    """The files of ours that a page names: `engine/runs/run.py`, a folder, or a bare `run.py`."""
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    for word in NAMED.findall(text):
        inside = word.startswith(tuple(f"{folder}/" for folder in OURS))
        if (inside or word.endswith(FILES)) and not re.search(r"[<>*{}$]|[A-Z]{3}|^/|^~", word):
            yield word


def there(word: str) -> bool:
    if "/" in word:
        return HOUSE.joinpath(word).exists()
    known = (found for folder in OURS for found in HOUSE.joinpath(folder).rglob(word))
    return HOUSE.joinpath(word).exists() or any(known)


def test_every_file_that_a_page_names_is_there() -> None:
    gone = [
        f"{page.relative_to(HOUSE)}: {word}"
        for page in PAGES
        for word in named(page)
        if not there(word)
    ]
    assert gone == []


def test_every_link_of_a_page_leads_somewhere() -> None:
    gone = [
        f"{page.relative_to(HOUSE)}: {target}"
        for page in PAGES
        for target in LINKED.findall(FENCED.sub("", page.read_text(encoding="utf-8")))
        if "://" not in target and not page.parent.joinpath(target).exists()
    ]
    assert gone == []


def test_the_feature_table_has_each_row_once_and_says_where_it_is_or_that_it_is_not() -> None:
    text = HOUSE.joinpath("docs", "features.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([RC]\d+) \| (.+) \| (.*) \|$", text, re.MULTILINE)
    assert [number for number, *_ in rows] == ROWS
    silent = [number for number, told, where in rows if not where and "*Not yet:*" not in told]
    assert silent == []
