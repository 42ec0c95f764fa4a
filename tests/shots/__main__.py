"""Run a Dagster on some days of reports, one of which fails, and take pictures of its pages.

    python -m tests.shots [DIRECTORY]

All are written into DIRECTORY, or build/shots, to be looked at; the four that READMEs show, into
assets/pictures as well.
"""

import shutil
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connector.simulator import Simulator
from connector.simulator.server import serve
from connector.terminal.lines import echo
from tests.e2e.conditions import until
from tests.e2e.console import Console
from tests.e2e.deployment import ACTIVITY, SUMMARY, Deployment, Setup
from tests.faults.runs import RunFails
from tests.support.stripe import asking_for

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "assets" / "pictures"
SHOWN = {"graph", "partition", "checks", "run"}

#: Debian's, and what other systems call it.
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

DAYS = 10
FAILED: Any = ("stripe", "payouts_itemized")

_NEEDED = """\
Pictures need a browser and what drives it; nothing else does:
  apt-get install chromium
  {python} -m pip install playwright
"""

#: A page is drawn in pieces, and the last of them says nothing when it has come.
_DRAWN_MS = 6_000
_LOADED = "() => !document.body.innerText.includes('Loading')"


def main() -> int:
    """The exit code: 1 where something that it needs is not there."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - seldom installed
    except ImportError:
        browser = None
    if browser is None:
        echo(_NEEDED.format(python=sys.executable), err=True, nl=False)
        return 1
    looked_at = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "shots"
    for place in (looked_at, PICTURES):
        place.mkdir(parents=True, exist_ok=True)
    today = datetime.now(UTC).date()
    failed = f"{today - timedelta(days=4)}"
    simulator = Simulator(run_seconds=(1.0, 3.0))
    simulator.faults.add(RunFails(), asking_for(failed, report_type="payouts.itemized.*"), times=None)
    reports = ("balance.summary.1", "balance_change_from_activity.itemized.3", "payouts.itemized.3")
    automation = {"ask_by": "sensor", "look_back_days": 1}
    setup = Setup(today - timedelta(days=DAYS), reports=reports, automation=automation)
    with (
        tempfile.TemporaryDirectory() as home,
        serve(simulator) as stripe,
        Deployment(Path(home), stripe, setup) as dagster,
        sync_playwright() as playwright,
    ):
        console = dagster.console
        # The sensor brings yesterday.
        last = f"{today - timedelta(days=2)}"
        first = f"{today - timedelta(days=DAYS)}"
        runs = [console.launch_range(each, first, last) for each in (SUMMARY, ACTIVITY, FAILED)]
        for run in runs:
            console.finished(run, within=600)
        until(lambda: rested(console), within=600, what="what the sensor requested to have ended")
        with playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"]) as chromium:
            page = chromium.new_page(viewport={"width": 1280, "height": 760})
            for name, (address, action) in pages(failed, console.runs(status="FAILURE")[0].id).items():
                page.goto(f"{console.url}{address}")
                page.wait_for_timeout(_DRAWN_MS)
                page.wait_for_function(_LOADED, timeout=120_000)
                action(page)
                picture = looked_at / f"{name}.png"
                page.screenshot(path=picture)
                echo(str(picture))
                if name in SHOWN:
                    shutil.copy(picture, PICTURES)
    return 0


def rested(console: Console) -> bool:
    """Whether the sensor has requested its runs, and nothing is under way."""
    return any(tick.run_ids for tick in console.ticks("stripe_availability")) and all(
        run.has_ended for run in console.runs()
    )


def pages(failed: str, run: str) -> dict[str, tuple[str, Callable[[Any], None]]]:
    """By name, where each page is, and what to do there first.

    Args:
        failed: the partition that is not there.
        run: the run that did not bring it.
    """
    location = "locations/__repository__@books"
    day = f"{datetime.now(UTC).date() - timedelta(days=5)}"
    return {
        "graph": (f"/{location}/asset-groups/stripe", _nothing),
        "partition": (f"/assets/stripe/balance_summary?view=partitions&partition={day}", _nothing),
        "preview": (f"/assets/stripe/balance_summary?view=partitions&partition={day}", _open_preview),
        "checks": ("/assets/stripe/balance_summary?view=checks", _nothing),
        "failed": (f"/assets/stripe/payouts_itemized?view=partitions&partition={failed}", _nothing),
        "run": (f"/runs/{run}", _nothing),
        "ticks": (f"/{location}/sensors/stripe_availability", _nothing),
        "backfill": ("/assets/stripe/balance_summary?view=partitions", _open_backfill),
    }


def _nothing(_: Any) -> None:
    pass


def _open_preview(page: Any) -> None:
    page.get_by_text("[Show Markdown]").first.click()
    page.wait_for_timeout(_DRAWN_MS)


def _open_backfill(page: Any) -> None:
    page.get_by_role("button", name="Materialize").first.click()
    page.wait_for_timeout(_DRAWN_MS)
    page.get_by_role("button", name="All", exact=True).last.click()
    page.wait_for_timeout(_DRAWN_MS)


if __name__ == "__main__":
    sys.exit(main())
