"""A browser without a screen, in front of Dagster's pages.

Debian: `apt-get install chromium`; then `pip install playwright`, which drives it. CI has neither.
"""

import importlib
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

#: Debian's, and what other systems call it.
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

#: A page is drawn in pieces, and the last of them says nothing when it has come.
DRAWN_MS = 4_000
_LOADED = "said => !document.body.innerText.includes('Loading') && document.body.innerText.includes(said)"
_LOADED_WITHIN_MS = 120_000

_TOAST = "[data-sonner-toast], .bp5-toast, .bp4-toast"


class BrowserMissingError(Exception):
    """There is no browser here, or nothing that drives one."""

    def __init__(self) -> None:
        super().__init__(
            "Dagster's pages are looked at with Chromium and playwright; nothing else needs them. Install "
            f"them: apt-get install chromium && {sys.executable} -m pip install playwright"
        )


@contextmanager
def browsing(*, width: int = 1280, height: int = 760) -> Iterator[Any]:
    """A page of a browser. Raises BrowserMissingError."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    try:
        playwright = importlib.import_module("playwright.sync_api")
    except ImportError:
        raise BrowserMissingError from None
    if browser is None:
        raise BrowserMissingError
    with (
        playwright.sync_playwright() as driver,
        driver.chromium.launch(executable_path=browser, args=["--no-sandbox"]) as chromium,
    ):
        yield chromium.new_page(viewport={"width": width, "height": height})


def open_page(page: Any, address: str, said: str) -> None:
    """Open a page and wait until it says something and nothing of it is still loading."""
    page.goto(address)
    await_text(page, said)


def await_text(page: Any, said: str) -> None:
    """Wait until a page says something and is drawn."""
    page.wait_for_function(_LOADED, arg=said, timeout=_LOADED_WITHIN_MS)
    page.wait_for_timeout(DRAWN_MS)
    page.wait_for_function(_LOADED, arg=said, timeout=_LOADED_WITHIN_MS)


def text_of(page: Any) -> str:
    """What a person reads on it."""
    return str(page.inner_text("body"))


def errors_on(page: Any) -> list[str]:
    """What pops up to say that something went wrong."""
    return [str(each) for each in page.locator(_TOAST).all_inner_texts()]
