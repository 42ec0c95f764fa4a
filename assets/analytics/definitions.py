"""The assets of analytics for the reports of one account, and the sensor that lets them follow."""

import warnings
from collections.abc import Mapping, Sequence

import dagster as dg

from assets.analytics.activity import DAILY_ACTIVITY
from assets.analytics.asset import build_asset
from assets.analytics.balances import BALANCE_OVER_TIME
from assets.analytics.fees import FEES_BY_CATEGORY
from assets.analytics.month_close import NAME as MONTH_CLOSE
from assets.analytics.month_close import define_month_close, find_monthly
from assets.analytics.reading import define
from assets.analytics.sources import explain_missing, find_sources
from assets.reports.configured import ConfiguredReport
from connector.errors import ConfigurationError
from connector.text import get_logger

_log = get_logger(__name__)

ANALYSES = (DAILY_ACTIVITY, BALANCE_OVER_TIME, FEES_BY_CATEGORY)

#: What they are called, after the prefix of the reports.
NAMES = (*(analysis.name for analysis in ANALYSES), MONTH_CLOSE)

#: The sensor's name, after the key of the resource.
SENSOR = "analytics"


def build_analytics(
    reports: Sequence[ConfiguredReport],
    *,
    specs: Mapping[dg.AssetKey, dg.AssetSpec] | None = None,
    prefix: str = "stripe",
) -> dg.Definitions:
    """Assets for what the reports say, and a sensor that materializes them whenever a report has changed.

    Where a report is missing that one of them is made of, that one is left out, and the log says so.

    Args:
        reports: of one account.
        specs: of the reports' assets by their keys: the assets are in their group and have their owners.
        prefix: begins the name of the sensor.

    Raises ConfigurationError for a report with the name of one of them.
    """
    for report in reports:
        if report.query.name in NAMES:
            raise ConfigurationError(
                f"{report.query.name} is a report here and an asset of analytics; give the report another "
                "`name`, or leave `analytics` out"
            )
    assets, by_account = [], False
    for analysis in ANALYSES:
        if sources := find_sources(analysis, reports):
            assets.append(build_asset(define(analysis, sources), specs))
            by_account = by_account or sources.by_account
        else:
            _log.warning("%s.", explain_missing(analysis))
    monthly, lacking = find_monthly(reports)
    if monthly:
        assets.append(build_asset(define_month_close(monthly), specs))
        by_account = by_account or any(report.accounts for report in monthly.reports)
    else:
        _log.warning("analytics: %s is left out. %s", MONTH_CLOSE, lacking)
    if not assets:
        return dg.Definitions()
    return dg.Definitions(assets=assets, sensors=[_sensor(f"{prefix}_{SENSOR}", assets, by_account)])


def _sensor(
    name: str, assets: Sequence[dg.AssetsDefinition], by_account: bool
) -> dg.AutomationConditionSensorDefinition:
    with warnings.catch_warnings():
        # Dagster calls that argument beta; users of this have no choice.
        warnings.simplefilter("ignore", category=dg.BetaWarning)
        return dg.AutomationConditionSensorDefinition(
            name,
            target=dg.AssetSelection.assets(*(asset.key for asset in assets)),
            default_status=dg.DefaultSensorStatus.RUNNING,
            description="Materializes the assets of analytics whenever a report that they read has changed, "
            "late and restated partitions included.",
            # Which accounts are awaited is a condition of ours, not one that Dagster has.
            use_user_code_server=by_account,
        )
