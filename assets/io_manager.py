"""How downstream assets read a report: in the type their argument is annotated with.

    def revenue(context, balance_summary: pandas.DataFrame) -> …

One partition or many come as one table, with the partition in `period`. It has the configured columns, with
their types, and any others that the files have, older ones too. Money stays exact:
in pandas it is Arrow's decimal, never float. The report assets write their own files, so this only reads.
"""

import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import dagster as dg
import pyarrow as pa
import pyarrow.dataset as ds

from assets.dagster_runs.gone import find_gone
from assets.reports.metadata import accounts_of, configured_columns, dataset_of
from assets.reports.partitions import has_accounts
from assets.reports.reading import plan_reading
from assets.resources import StripeReporting, stripe_resource
from assets.shown import shown
from connector.accounts import AccountLives, explain_unlisted
from connector.dataset.identity import Dataset
from connector.dataset.store import Store
from connector.errors import NoDataError, ReportingError, StoreError
from connector.text import join_names

#: Metadata of an input (`dg.AssetIn(metadata=…)`) that lets partitions without data be left out.
ALLOW_MISSING = "allow_missing_partitions"

_LEAVE_OUT = f"(To leave out partitions without data, give the input the metadata {ALLOW_MISSING}: true.)"


class ReportReader(dg.IOManager):
    """Reads the partitions a downstream asset depends on.

    Args:
        stripe: where the data are.
    """

    def __init__(self, stripe: StripeReporting) -> None:
        self._stripe = stripe

    def load_input(self, context: dg.InputContext) -> Any:
        """The rows of the upstream partitions, in the type of the argument's annotation.

        Raises dg.Failure for a partition without data, an annotation that is not supported, or an upstream
        asset that is not a report.
        """
        annotation = context.dagster_type.typing_type
        try:
            return view(self._rows(context), annotation)
        except ReportingError as error:
            reason = str(error)
        except (pa.ArrowException, OSError) as error:
            reason = f"could not read its files: {self._stripe.store().explain(error)}"
        # Raised here, it does not carry Arrow's own error, which may quote credentials.
        raise dg.Failure(
            shown(f"{context.name or 'input'} of {_reader(context)}: {reason}"), allow_retries=False
        )

    def handle_output(self, context: dg.OutputContext, obj: Any) -> NoReturn:
        """Raises dg.Failure: only a report asset writes a report's files."""
        name = context.asset_key.to_user_string() if context.has_asset_key else context.name
        raise dg.Failure(
            shown(
                f"{name} returned a {type(obj).__name__} to the reader of Stripe reports, which writes "
                "nothing. Give the asset another io_manager_key, or have it return MaterializeResult without "
                "a value."
            ),
            allow_retries=False,
        )

    def _rows(self, context: dg.InputContext) -> ds.Dataset:
        upstream = context.upstream_output
        metadata: Mapping[str, Any] = (upstream.definition_metadata if upstream else None) or {}
        dataset = dataset_of(metadata, mode=self._stripe.mode(), account=self._stripe.account)
        if dataset is None:
            raise StoreError(
                f"{context.asset_key.to_user_string()} is not a Stripe report; give it another io_manager_key"
            )
        store, columns = self._stripe.store(), configured_columns(metadata)
        # What is missing may be left out; what belongs to another report may not.
        store.check(dataset)
        keys = context.asset_partition_keys if context.has_asset_partitions else None
        if keys is None:
            return store.arrow_dataset(dataset, columns=columns)
        allow_missing = bool((context.definition_metadata or {}).get(ALLOW_MISSING))
        if lives := accounts_of(metadata):
            keys = _of_accounts(context, store, dataset, lives, allow_missing=allow_missing)
        if allow_missing:
            keys = [key for key in keys if store.provenance(dataset, key) is not None]
        return _chosen(store, dataset, keys, columns)


def _of_accounts(
    context: dg.InputContext, store: Store, dataset: Dataset, lives: AccountLives, *, allow_missing: bool
) -> Sequence[str]:
    """The partitions of the windows that are asked for, whatever accounts are in the list now.

    Raises NoDataError naming those of accounts that lived then and have none.
    """
    by_account = has_accounts(context.step_context.run_partitions_def)
    found = plan_reading(
        dataset,
        context.asset_partition_keys,
        stored=store.keys(dataset),
        lives=lives,
        gone=find_gone(context.instance, context.asset_key, context.asset_partitions_def).accounts,
        every_account=not by_account,
    )
    if found.missing and not allow_missing:
        raise NoDataError(
            f"{dataset.table} has no data for {join_names(found.missing)} under {store.root}; materialize "
            "those first. An account that did not live then is told by its `start` and `until`. "
            f"{_LEAVE_OUT}"
        )
    if found.unlisted:
        context.log.warning(shown(f"{explain_unlisted(found.unlisted)}."))
    if found.gone:
        without = join_names(found.gone)
        context.log.warning(shown(f"Read without {without}: gone, refused by Stripe as unknown."))
    return found.keys


def _chosen(store: Store, dataset: Dataset, keys: Sequence[str], columns: pa.Schema | None) -> ds.Dataset:
    try:
        return store.arrow_dataset(dataset, keys, columns=columns)
    except NoDataError as error:
        raise NoDataError(f"{error} {_LEAVE_OUT}") from None


def view(rows: ds.Dataset, annotation: Any) -> Any:
    """The rows in the annotated type; a `pandas.DataFrame` where there is no annotation.

    `pyarrow.dataset.Dataset`, `polars.LazyFrame` and `duckdb.DuckDBPyRelation` are lazy: nothing is read yet.

    Raises StoreError for any other type.
    """
    name = "pandas.DataFrame" if annotation in {Any, None, type(None)} else _name(annotation)
    if name not in _VIEWS:
        raise StoreError(
            f"a report cannot be read as {name}; annotate the argument with one of {', '.join(_VIEWS)}"
        )
    return _VIEWS[name](rows)


def _name(annotation: Any) -> str:
    """A type as people import it: its package and its name."""
    if isinstance(annotation, type) and issubclass(annotation, ds.Dataset):
        return "pyarrow.dataset.Dataset"
    # DuckDB 1.4 and 1.5 call the module of their types `_duckdb`.
    package = str(getattr(annotation, "__module__", "")).partition(".")[0].removeprefix("_")
    return f"{package}.{getattr(annotation, '__name__', annotation)}"


def _pandas(rows: ds.Dataset) -> Any:
    import pandas as pd  # noqa: PLC0415 - slow to import, and not always used

    return rows.to_table().to_pandas(types_mapper=pd.ArrowDtype)


def _polars_lazy(rows: ds.Dataset) -> Any:
    import polars as pl  # noqa: PLC0415 - need not be installed

    return pl.scan_pyarrow_dataset(rows)


def _polars(rows: ds.Dataset) -> Any:
    import polars as pl  # noqa: PLC0415 - need not be installed

    return pl.from_arrow(rows.to_table())


def _duckdb(rows: ds.Dataset) -> Any:
    import duckdb  # noqa: PLC0415 - slow to import, and not always used

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    relation = connection.from_arrow(rows)
    # Before DuckDB 2 a relation does not keep its connection open, and then has no rows to give.
    weakref.finalize(relation, lambda _: None, connection)
    return relation


def _table(rows: ds.Dataset) -> pa.Table:
    return rows.to_table()


_VIEWS: dict[str, Callable[[ds.Dataset], Any]] = {
    "pandas.DataFrame": _pandas,
    "pyarrow.Table": _table,
    "pyarrow.dataset.Dataset": lambda rows: rows,
    "polars.LazyFrame": _polars_lazy,
    "polars.DataFrame": _polars,
    "duckdb.DuckDBPyRelation": _duckdb,
}


def report_reader(resource: str = "stripe") -> dg.IOManagerDefinition:
    """The reader as an IO manager that finds the data through the `StripeReporting` resource of that key."""

    @dg.io_manager(required_resource_keys={resource}, description="Reads Stripe reports; writes nothing.")
    def reader(context: dg.InitResourceContext) -> ReportReader:
        return ReportReader(stripe_resource(context.resources, resource))

    return reader


def _reader(context: dg.InputContext) -> str:
    return context.asset_key.to_user_string() if context.has_asset_key else "?"
