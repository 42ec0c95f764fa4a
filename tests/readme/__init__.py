"""The READMEs as texts, and the pieces of them that tests look at."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]

#: Every README by its path below the root, the top one first.
PATHS = (
    "README.md",
    "assets/README.md",
    "connector/README.md",
    "connector/catalogue/README.md",
    "connector/close/README.md",
    "connector/dataset/README.md",
    "connector/simulator/README.md",
    "connector/sql/README.md",
)


def text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def blocks(path: str, language: str) -> list[str]:
    """The code blocks of a language, in the order of the page."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text(path), re.DOTALL | re.MULTILINE)


def section(path: str, name: str) -> str:
    """What stands between the marks `<!-- name: begin -->` and `<!-- name: end -->`."""
    (found,) = re.findall(rf"<!-- {name}: begin -->\n(.*?)<!-- {name}: end -->", text(path), re.DOTALL)
    return str(found)


def without_code(path: str) -> str:
    """A page without its code blocks."""
    return re.sub(r"^```\w+\n.*?^```$", "", text(path), flags=re.DOTALL | re.MULTILINE)
