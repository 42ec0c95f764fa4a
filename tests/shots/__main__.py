"""Run a Dagster on a month and more of reports, let one partition fail, and take pictures of its pages.

    python -m tests.shots [DIRECTORY]

All are written into DIRECTORY, or build/shots, to be looked at; the four that READMEs show, into
assets/pictures as well.
"""

import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from connector.simulator import Simulator
from connector.simulator.server import serve
from connector.terminal.lines import echo
from tests.e2e.browser import DRAWN_MS, BrowserMissingError, await_text, browsing, open_page
from tests.e2e.console import Console
from tests.e2e.deployment import Deployment, Setup
from tests.faults.runs import RunFails
from tests.support.stripe import asking_for

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "assets" / "pictures"
SHOWN = {"graph", "backfill", "partition", "run"}

REPORTS = (
    "balance.summary.1",
    "balance_change_from_activity.itemized.3",
    "payouts.itemized.3",
    "payout_reconciliation.itemized.5",
)
FAILED: Any = ("stripe", "payouts_itemized")
LOCATION = "locations/__repository__@books"


def main() -> int:
    """The exit code: 1 where something that it needs is not there."""
    looked_at = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "shots"
    for place in (looked_at, PICTURES):
        place.mkdir(parents=True, exist_ok=True)
    try:
        with browsing() as page:
            take(page, looked_at)
    except BrowserMissingError as error:
        echo(str(error), err=True)
        return 1
    return 0


def take(page: Any, looked_at: Path) -> None:
    """Take the pictures: first of what is well, then of a partition that fails."""
    today = datetime.now(UTC).date()
    # The whole month before this one, which closes, and this one until yesterday.
    first = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    simulator = Simulator(run_seconds=0)
    setup = Setup(
        first,
        reports=REPORTS,
        automation={"ask_by": "sensor", "look_back_days": 1},
        analytics=True,
        component="assets.StripeReportsComponent",
    )
    with tempfile.TemporaryDirectory() as home, serve(simulator) as stripe:
        dagster = Deployment(Path(home), stripe, setup)
        dagster.prepare("tests.shots.filling", f"{today - timedelta(days=1)}")
        with dagster:
            console = dagster.console
            for name, each in good_pages(today).items():
                shoot(page, console, each, looked_at / f"{name}.png")
            for name, each in bad_pages(fail(console, simulator, today)).items():
                shoot(page, console, each, looked_at / f"{name}.png")


def fail(console: Console, simulator: Simulator, today: date) -> str:
    """A run that does not bring its partition; its id."""
    day = f"{today - timedelta(days=4)}"
    simulator.faults.add(RunFails(), asking_for(day), times=None)
    run = console.launch(FAILED, day)
    console.finished(run, within=600)
    return run


class Page(NamedTuple):
    """A page of Dagster: where it is, what it says when it is drawn, and what to do there first.

    It is so high, and only the clip of it is taken, where there is one.
    """

    address: str
    said: str
    action: Callable[[Any], None] = lambda _: None
    height: int = 760
    clip: Mapping[str, int] | None = None


def shoot(page: Any, console: Console, wanted: Page, picture: Path) -> None:
    """One picture of one page."""
    page.set_viewport_size({"width": 1280, "height": wanted.height})
    open_page(page, f"{console.url}{wanted.address}", wanted.said)
    wanted.action(page)
    page.screenshot(path=picture, clip=wanted.clip)
    echo(str(picture))
    if picture.stem in SHOWN:
        shutil.copy(picture, PICTURES)


#: The nodes of the graph, which is in the middle of its page: the rest of the page is empty.
_NODES = {"x": 380, "y": 162, "width": 760, "height": 1258}


def good_pages(today: date) -> dict[str, Page]:
    """Pages of partitions that are all there, by the name of their picture."""
    day = f"{today - timedelta(days=1)}"
    balances, summary = "/assets/stripe/balance_over_time", "/assets/stripe/balance_summary"
    return {
        "graph": Page(f"/{LOCATION}/asset-groups/stripe", "Passed", height=1420, clip=_NODES),
        "partition": Page(f"{balances}?view=partitions&partition={day}", "[Show Markdown]", _open_picture),
        "plots": Page(balances, "Metadata", _open_plots),
        "preview": Page(f"{summary}?view=partitions&partition={day}", "[Show Markdown]", _open_markdown),
        "checks": Page(f"{summary}?view=checks", "Succeeded"),
        "status": Page(f"{summary}?view=checks", "Succeeded", _open_status),
        "close": Page("/assets/stripe/month_close", "Metadata"),
        "backfill": Page(f"{summary}?view=partitions", "Partitions Selected", _open_backfill),
        "ticks": Page(f"/{LOCATION}/sensors/stripe_availability", "Next tick"),
    }


def bad_pages(run: str) -> dict[str, Page]:
    """The same of a partition that a run did not bring."""
    return {
        "failed": Page("/assets/stripe/payouts_itemized?view=partitions", "Partitions Selected"),
        "run": Page(f"/runs/{run}", "RUN_FAILURE"),
    }


def _open_markdown(page: Any) -> None:
    _click(page, page.get_by_text("[Show Markdown]").first)


def _open_picture(page: Any) -> None:
    _click(page, page.get_by_text("[Show Markdown]").last)


def _open_status(page: Any) -> None:
    _click(page, page.get_by_text("newest_ready").first)
    await_text(page, "[Show Markdown]")
    _open_markdown(page)


def _open_plots(page: Any) -> None:
    _click(page, page.get_by_role("button", name="Plots"))
    page.get_by_text("Metadata", exact=True).last.scroll_into_view_if_needed()


def _open_backfill(page: Any) -> None:
    _click(page, page.get_by_role("button", name="Materialize").first)
    _click(page, page.get_by_role("button", name="All", exact=True).last)


def _click(page: Any, what: Any) -> None:
    what.click()
    page.wait_for_timeout(DRAWN_MS)


if __name__ == "__main__":
    sys.exit(main())
