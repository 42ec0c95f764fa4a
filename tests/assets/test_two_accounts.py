"""Two Stripe accounts in one code location: a file each, and nothing of one touches the other's."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets import StripeReporting, report_reader
from connector.simulator import Simulator
from tests.support.clock import ManualClock
from tests.support.dagster import Orchestra, assets_of, messages_of

Load = Callable[..., dg.Definitions]

US = """\
type: assets.StripeReportsComponent

attributes:
  connection: {api_key: "{{ env.STRIPE_KEY_US }}", root: "ROOT/us"}
  defaults: {start: 2026-05-01}
  reports:
    - report: balance_summary
    - report: payout_reconciliation_itemized
    - report: payout_reconciliation_by_id_itemized
"""

EU = US.replace("KEY_US", "KEY_EU").replace("ROOT/us", "ROOT/eu") + "  resource_key: stripe_eu\n"


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Loads a project with a folder for each of the given files."""
    package = tmp_path / "twofold"
    (tmp_path / "pyproject.toml").write_text(
        '[tool.dg]\ndirectory_type = "project"\n[tool.dg.project]\nroot_module = "twofold"\n'
    )
    monkeypatch.syspath_prepend(str(tmp_path))

    def from_texts(**files: str) -> dg.Definitions:
        for name, text in files.items():
            folder = package / "defs" / name
            folder.mkdir(parents=True)
            (folder / "defs.yaml").write_text(text.replace("ROOT", str(tmp_path)))
        for each in (package, package / "defs"):
            (each / "__init__.py").touch()
        return dg.load_from_defs_folder(path_within_project=package)

    yield from_texts
    for name in [name for name in sys.modules if name.split(".")[0] == "twofold"]:
        del sys.modules[name]


def test_each_account_has_names_of_its_own(load: Load) -> None:
    definitions = load(us=US, eu=EU)

    dg.Definitions.validate_loadable(definitions)
    assets = assets_of(definitions)
    tables = ("balance_summary", "payout_reconciliation_itemized", "payout_reconciliation_by_id_itemized")
    assert set(assets) == {f"{account}/{table}" for account in ("stripe", "stripe_eu") for table in tables}
    assert {each.name for each in definitions.sensors or ()} == {
        f"{account}_{what}"
        for account in ("stripe", "stripe_eu")
        for what in ("late_reports", "availability", "payouts")
    }
    assert len({each.name for each in definitions.schedules or ()}) == 4
    pools = {key.split("/")[0]: asset.op.pool for key, asset in assets.items()}
    assert pools == {"stripe": "stripe_reporting", "stripe_eu": "stripe_eu_reporting"}
    payouts = [assets[f"{account}/{tables[2]}"].partitions_def for account in ("stripe", "stripe_eu")]
    assert payouts[0] != payouts[1]


def test_files_and_partitions_of_one_are_not_the_others(
    load: Load, instance: dg.DagsterInstance, clock: ManualClock, tmp_path: Path
) -> None:
    definitions = load(us=US, eu=EU)
    resources: dict[str, Any] = {}
    for name, seed in (("stripe", 7), ("stripe_eu", 8)):
        simulator = Simulator(clock, seed=seed, volume=2, run_seconds=0)
        place = tmp_path / ("eu" if name == "stripe_eu" else "us")
        resources[name] = Orchestra(instance, simulator.handle, clock, place).stripe
        resources[f"{name}_parquet"] = report_reader(name)
    assets = assets_of(definitions)

    for name in ("stripe", "stripe_eu"):
        result = dg.materialize(
            [assets[f"{name}/payout_reconciliation_itemized"]],
            instance=instance,
            resources=resources,
            partition_key="2026-06-02",
        )
        assert result.success

    for sensor in sorted(definitions.sensors or (), key=lambda each: each.name):
        if sensor.name.endswith("_payouts"):
            context = dg.build_sensor_context(
                instance=instance,
                resources=resources,
                definitions=dg.Definitions(assets=list(assets.values()), resources=resources),
            )
            with context:
                added = sensor.evaluate_tick(context).dynamic_partitions_requests or ()
            account = sensor.name.removesuffix("_payouts")
            assert {each.partitions_def_name for each in added} == {f"{account}_payouts"}
            assert all(each.partition_keys for each in added)
    for name in ("us", "eu"):
        (file,) = (tmp_path / name).rglob("report.parquet")
        assert "account=default/period=2026-06-02" in str(file)


def test_an_asset_key_may_begin_with_more_than_one_part(load: Load) -> None:
    definitions = load(us=US + "  prefix: finance/us\n")

    assert "finance/us/balance_summary" in assets_of(definitions)
    dg.Definitions.validate_loadable(definitions)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(
            lambda text: text.replace("ROOT/eu", "ROOT/us"),
            r"stripe and stripe_eu would both write to the table balance_summary below .*/us; "
            "set another `root`",
            id="same-table",
        ),
        pytest.param(
            lambda text: text.replace("ROOT/eu", "ROOT/eu/../us/"), "would both write", id="same-place"
        ),
        pytest.param(
            lambda text: text.replace("  resource_key: stripe_eu\n", ""),
            "two defs.yaml files have the resource_key stripe",
            id="same-resource",
        ),
        pytest.param(
            lambda text: text.replace("stripe_eu", "stripe_late"),
            "two defs.yaml files give the name stripe_late_reports in Dagster; set another `resource_key`",
            id="same-sensor",
        ),
        pytest.param(
            lambda text: text.replace("stripe_eu", "stripe_parquet"),
            "give the name resource stripe_parquet in Dagster; set another `resource_key`",
            id="same-reader",
        ),
        pytest.param(
            lambda text: text + "  prefix: stripe\n",
            "two defs.yaml files have an asset stripe/balance_summary; set another `prefix`",
            id="same-asset",
        ),
        pytest.param(
            lambda text: text + "  prefix: finance eu\n",
            "prefix 'finance eu': use only letters, digits and underscores",
            id="odd-prefix",
        ),
        pytest.param(
            lambda text: text.replace("stripe_eu", "stripe-eu"),
            "resource_key 'stripe-eu': use only letters, digits and underscores",
            id="odd-resource-key",
        ),
    ],
)
def test_accounts_that_would_mix_are_refused(load: Load, change: Callable[[str], str], message: str) -> None:
    with pytest.raises(Exception, match="Error while") as caught:
        load(us=US, eu=change(EU))

    assert re.search(message, messages_of(caught.value))


def test_no_file_is_looked_at_once_for_each_of_the_others(load: Load, tmp_path: Path) -> None:
    """Else hundreds of files, one account each, would load in quadratic work."""
    (tmp_path / "twofold").mkdir()
    (tmp_path / "twofold" / "counted.py").write_text(COUNTED)
    one = US.replace("assets.StripeReportsComponent", "twofold.counted.Counted")
    one = one.replace("    - report: payout_reconciliation_itemized\n", "")
    one = one.replace("    - report: payout_reconciliation_by_id_itemized\n", "")

    load(**{f"a{n}": one.replace("/us", f"/{n}") + f"  resource_key: a{n}\n" for n in range(20)})

    looks = sys.modules["twofold.counted"].LOOKS
    assert len(looks) == 20
    assert max(looks.values()) < 20


COUNTED = """\
from collections import Counter
from dataclasses import dataclass

import assets

LOOKS = Counter()


@dataclass
class Counted(assets.StripeReportsComponent):
    def __getattribute__(self, name):
        if name == "reports":
            LOOKS[id(self)] += 1
        return super().__getattribute__(name)
"""


def test_steps_that_would_have_one_name_are_refused(load: Load) -> None:
    with pytest.raises(Exception, match="Error while") as caught:
        load(us=US + "  prefix: finance__eu\n", eu=EU + "  prefix: finance/eu\n")

    assert re.search(
        "give the name finance__eu__.* in Dagster; set another `prefix`", messages_of(caught.value)
    )


def test_one_root_with_names_of_their_own_is_fine(load: Load) -> None:
    eu = EU.replace("ROOT/eu", "ROOT/us")
    for table in (
        "balance_summary",
        "payout_reconciliation_itemized",
        "payout_reconciliation_by_id_itemized",
    ):
        eu = eu.replace(f"report: {table}\n", f"report: {table}\n      name: eu_{table}\n")

    assert len(assets_of(load(us=US, eu=eu))) == 6


def test_the_variable_of_a_root_is_compared_where_its_value_is_not_known(load: Load) -> None:
    same = "{{ env.NOT_SET }}"
    us, eu = (text.replace(f"ROOT/{name}", same) for text, name in ((US, "us"), (EU, "eu")))

    with pytest.raises(Exception, match="Error while") as caught:
        load(us=us, eu=eu)

    assert "below $NOT_SET" in messages_of(caught.value)


def test_a_connection_reads_the_key_it_names(load: Load) -> None:
    resources = load(us=US, eu=EU).resources or {}

    assert isinstance(resources["stripe_eu"], StripeReporting)
    keys = [resources[name].api_key.env_var_name for name in ("stripe", "stripe_eu")]
    assert keys == ["STRIPE_KEY_US", "STRIPE_KEY_EU"]


@pytest.mark.parametrize(
    ("lines", "field", "message"),
    [
        pytest.param(
            "      start: 2026-01-01\n", "reports.2.start", "no windows of time; remove start", id="start"
        ),
        pytest.param("      window: weekly\n", "reports.2.window", "has no weekly windows", id="window"),
        pytest.param(
            "      payouts_from: payout_recon\n", "reports.2.payouts_from", "cannot be read from", id="source"
        ),
        pytest.param(
            "    - report: connected_account_payout_reconciliation_by_id_itemized\n"
            "      connected_accounts: [acct_1]\n",
            "reports.3.connected_accounts",
            "are payouts, and each names its account; remove connected_accounts",
            id="accounts-of-payouts",
        ),
        pytest.param(
            "    - report: connected_account_balance_summary\n      connected_accounts: [acct-1]\n",
            "reports.3.connected_accounts",
            "'acct-1' is not an account id; one looks like acct_1A2b3C",
            id="no-account",
        ),
        pytest.param(
            "    - report: connected_account_balance_summary\n      connected_accounts: [acct_1, acct_1]\n",
            "reports.3.connected_accounts",
            "acct_1 is in the list more than once",
            id="account-twice",
        ),
        pytest.param(
            "    - report: payouts_itemized\n      connected_accounts: [acct_1]\n",
            "reports.3.connected_accounts",
            "takes no parameter 'connected_account'",
            id="own-account",
        ),
    ],
)
def test_a_slip_about_partitions_is_answered_with_its_place(
    load: Load, lines: str, field: str, message: str
) -> None:
    with pytest.raises(Exception, match="Error while") as caught:
        load(us=US + lines)

    assert f"attributes.{field}" in messages_of(caught.value)
    assert message in messages_of(caught.value)
