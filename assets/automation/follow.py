"""How assets downstream of reports follow them without being launched."""

from typing import Any

import dagster as dg

from assets.automation.living_accounts import NotAwaited


def follow_reports(*, wait_for_all: bool = True, by_account: bool = False) -> dg.AutomationCondition[Any]:
    """Materialize what depends on a report's partition whenever that partition's data have changed.

    This covers every partition, not only the newest: late ones and restated ones too, once for each change. A
    refresh that brought the same data changes nothing. A change that arrives while the asset is being
    materialized is followed afterwards.

    Unless `by_account`, only built-in conditions are used, so the automation sensor of any code location
    evaluates it; that sensor has to be switched on.

    Data that a Dagster run both brought and read are not read again, where Dagster can see it: the run names
    its assets, as those from the UI do, and is about one partition. Otherwise they are read once more;
    nothing is missed.

    Args:
        wait_for_all: start only when all upstream partitions are materialized, as a sum over a week or a
            month needs it. An asset without partitions depends on all of them, the newest included, whose
            data may be a day away: give it False.
        by_account: for reports with partitions of accounts: of all upstream partitions, wait for those of
            accounts that lived then and are not gone. This is not a built-in condition: it needs an
            `AutomationConditionSensorDefinition` with `use_user_code_server=True` in the code location.
    """
    condition = dg.AutomationCondition
    changed = condition.data_version_changed()
    together = condition.executed_with_root_target()
    # What another run brought. A request handles it, unless there is a further change since.
    elsewhere = condition.any_deps_match(changed & ~together).with_label("a report has changed")
    # What a run brought that had this asset in it too: handled by that run, unless it failed on the way.
    in_one_run = condition.any_deps_match(changed & together).with_label("a report has changed in one run")
    requested, updated = condition.newly_requested(), condition.newly_updated()
    due = elsewhere.since(requested & ~elsewhere) | in_one_run.since((requested & ~in_one_run) | updated)
    follow = due & ~condition.in_progress() & ~condition.any_deps_in_progress()
    if wait_for_all and by_account:
        awaited: dg.AutomationCondition[Any] = condition.missing() & ~NotAwaited()
        follow &= ~condition.any_deps_match(awaited)
    elif wait_for_all:
        follow &= ~condition.any_deps_missing()
    return follow.with_label("follow_reports")
