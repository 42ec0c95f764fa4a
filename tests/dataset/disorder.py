"""People copy, move, link, rename, damage and restore below a root: the state machine, and its law.

Every file that was ever published is known by its bytes, and so is the place it was published for. So which
rows count follows without a look at what the files say of themselves: those of a file with the right bytes in
a partition's place, in a table whose pin is there.
"""

import contextlib
import dataclasses
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from connector.dataset.identity import Dataset
from connector.dataset.provenance import METADATA_KEY
from connector.dataset.store import Store
from connector.errors import ConfigurationError, StoreError
from connector.sql.warehouse import open_warehouse
from tests.support.datasets import DATASET, NOON, provenance, seal

DAYS = ("2026-06-01", "2026-06-02", "2026-06-03")
TABLES = tuple(
    dataclasses.replace(DATASET, table=table, mode=mode, filters=filters)
    for mode, table, filters in [
        ("live", "sales", {}),
        ("simulated", "sales", {}),
        ("live", "fees", {"currency": "eur"}),
    ]
)
#: The week that begins on the third day, and the first one in another zone, in tables of the same name.
OTHERS = (
    dataclasses.replace(TABLES[0], window="monthly"),
    dataclasses.replace(TABLES[0], zone="Europe/Berlin"),
    dataclasses.replace(TABLES[0], filters={"currency": "usd"}),
)

#: Where a root may be: what engines would read columns out of, and what SQL and globs would misread.
ABOVE = (
    "data",
    "currency=eur/data",
    "account=acct_9/period=2020-01-01",
    "net=1/it's [a] *?",
    'env=p/x"y; --',
)

#: Directories of a table that no partition lies in.
BESIDE = (
    "account=default.bak",
    ".snapshot/x/account=default",
    "account=acct_2",
    "account=default/period=2026%2D06%2D01",
    "account=default/period=2026-05-31",
    "account=default/period=2026-06-01/old",
    "Account=default/period=2026-06-01",
)

_FILE = "report.parquet"

tables, days = st.sampled_from(TABLES), st.sampled_from(DAYS)


class Disorder(RuleBasedStateMachine):
    """One root, and what careless people do to it."""

    @initialize(above=st.sampled_from(ABOVE))
    def begin(self, above: str) -> None:
        self.base = Path(tempfile.mkdtemp(prefix="disorder-"))
        self.root = self.base / above
        self.elsewhere = self.base / "elsewhere"
        self.elsewhere.mkdir()
        self.store = Store(self.root)
        self.runs = 0
        #: By the SHA-256 of a file: its place below the root, and the run its row is from.
        self.published: dict[str, tuple[str, str]] = {}

    def teardown(self) -> None:
        if hasattr(self, "base"):
            shutil.rmtree(self.base, ignore_errors=True)

    # What is right

    @rule(table=tables, day=days)
    def publish(self, table: Dataset, day: str) -> None:
        self.runs += 1
        run, made = f"frr_{self.runs}", NOON + timedelta(seconds=self.runs)
        staged = self.base / "staged.parquet"
        source = provenance(
            run,
            made=made,
            table=table.table,
            mode=table.mode,
            period=day,
            parameters={"interval_start": 1, "interval_end": 2, **table.filters},
            books="seed 1" if table.mode == "simulated" else None,
        )
        rows = pa.table({"filename": [day], "currency": ["usd"], "_report_run_id": [run]})
        pq.write_table(rows.replace_schema_metadata({METADATA_KEY: source.to_json()}), staged)
        seal(staged)
        digest = hashlib.sha256(staged.read_bytes()).hexdigest()
        with contextlib.suppress(OSError, StoreError):  # what lies in the way
            self.store.publish(staged, table, source)
            self.published[digest] = (table.file_path(day), run)

    @rule(table=tables)
    def pull(self, table: Dataset) -> None:
        """What a pull does: asks for what does not count as published."""
        with contextlib.suppress(StoreError):
            found = self.store.provenances(table, DAYS)
            if there := next(filter(None, found.values()), None):
                self.store.restore_pin(table, there)
            for day in (day for day, each in found.items() if each is None):
                self.publish(table, day)

    # What people do

    @rule(
        table=tables, day=days, to=tables, to_day=days, how=st.sampled_from(["copy", "move", "link", "hard"])
    )
    def put_in_anothers_place(self, table: Dataset, day: str, to: Dataset, to_day: str, how: str) -> None:
        self._bring(self._file(table, day), self._file(to, to_day), how)

    @rule(table=tables, day=days, other=st.sampled_from(OTHERS))
    def copy_from_a_table_of_another_configuration(self, table: Dataset, day: str, other: Dataset) -> None:
        """It was made under the same name, below another root."""
        root, staged = Store(self.elsewhere / "root"), self.elsewhere / "staged.parquet"
        interval = provenance(period=day).interval
        if interval and other.window == "monthly":
            interval = dataclasses.replace(interval, end=interval.end + timedelta(days=29))
        elif interval and other.zone != "UTC":
            interval = dataclasses.replace(interval, start=interval.start - timedelta(hours=2))
        asked = {"interval_start": 1, "interval_end": 2, **other.filters}
        source = provenance(
            "frr_other", table=other.table, mode=other.mode, period=day, interval=interval, parameters=asked
        )
        rows = pa.table({"currency": ["usd"], "_report_run_id": ["frr_other"]})
        pq.write_table(rows.replace_schema_metadata({METADATA_KEY: source.to_json()}), staged)
        with contextlib.suppress(StoreError):
            path = Path(root.publish(staged, other, source).uri)
            self._bring(path, self._file(table, day), "copy")
        shutil.rmtree(self.elsewhere / "root", ignore_errors=True)

    @rule(
        table=tables, day=days, place=st.sampled_from(BESIDE), how=st.sampled_from(["copy", "move", "link"])
    )
    def put_beside(self, table: Dataset, day: str, place: str, how: str) -> None:
        self._bring(self._file(table, day), self.root / table.path / place / _FILE, how)

    @rule(
        table=tables, day=days, name=st.sampled_from(["part-0.parquet", ".hidden.parquet", "REPORT.parquet"])
    )
    def put_next_to_it(self, table: Dataset, day: str, name: str) -> None:
        self._bring(self._file(table, day), self._file(table, day).with_name(name), "copy")

    @rule(table=tables, day=days, to=days, what=st.sampled_from(["day", "account", "table"]))
    def link_one_directory_as_another(self, table: Dataset, day: str, to: str, what: str) -> None:
        places = {
            "day": (self._file(table, day).parent, self._file(table, to).parent),
            "account": (self.root / table.files_path, self.root / table.path / "account=acct_2"),
            "table": (self.root / table.path, self.root / table.mode / "twin"),
        }
        self._bring(*places[what], "link")

    @rule(table=tables)
    def link_back_to_the_root(self, table: Dataset) -> None:
        self._bring(self.root, self.root / table.files_path / "period=2026-06-09", "link")

    @rule(table=tables, day=days, what=st.sampled_from(["file", "day", "account", "table"]))
    def move_to_another_disk_and_link_back(self, table: Dataset, day: str, what: str) -> None:
        file = self._file(table, day)
        moved = {"file": file, "day": file.parent, "account": file.parent.parent, "table": file.parents[2]}[
            what
        ]
        away = self.elsewhere / f"moved-{self.runs}-{len(list(self.elsewhere.iterdir()))}"
        if moved.exists() and not moved.is_symlink():
            shutil.move(moved, away)
            moved.symlink_to(away, target_is_directory=away.is_dir())

    @rule(table=tables, name=st.sampled_from(["account=default.bak", ".snapshot"]))
    def back_up_a_table_in_itself(self, table: Dataset, name: str) -> None:
        self._bring(self.root / table.files_path, self.root / table.path / name, "copy")

    @rule(of=st.sampled_from(["live", "simulated"]), how=st.sampled_from(["copy", "link"]))
    def copy_a_mode(self, of: str, how: str) -> None:
        to = self.root / ("simulated" if of == "live" else "live")
        if how == "copy" and (self.root / of).is_dir():
            with contextlib.suppress(OSError, shutil.Error):
                shutil.copytree(self.root / of, to, symlinks=True, dirs_exist_ok=True)
        elif not to.exists():
            self._bring(self.root / of, to, how)

    @rule(table=tables, name=st.sampled_from(["sales", "fees", "old_sales"]), pin=st.booleans())
    def rename_a_table(self, table: Dataset, name: str, *, pin: bool) -> None:
        self._bring(self.root / table.path, self.root / table.mode / name, "move")
        if pin:
            self._bring(self._pin(table), self._pin(table).with_name(f"{name}.json"), "move")

    @rule(table=tables, harm=st.sampled_from(["gone", "garbled", "of the other"]))
    def harm_a_pin(self, table: Dataset, harm: str) -> None:
        pin = self._pin(table)
        if harm == "of the other":
            self._bring(self._pin(TABLES[0]), pin, "copy")
        elif pin.is_file():
            pin.unlink() if harm == "gone" else pin.write_text("{")

    @rule(table=tables, day=days, harm=st.sampled_from(["gone", "cut", "flipped", "of somebody else"]))
    def harm_a_file(self, table: Dataset, day: str, harm: str) -> None:
        file = self._file(table, day)
        if not file.is_file():
            return
        content = file.read_bytes()
        file.unlink()  # a hard link's other name keeps what it had
        if harm == "cut":
            file.write_bytes(content[: len(content) // 2])
        elif harm == "flipped":
            file.write_bytes(content[:-40] + bytes([content[-40] ^ 1]) + content[-39:])
        elif harm == "of somebody else":
            pq.write_table(pa.table({"currency": ["usd"], "_report_run_id": ["frr_else"]}), file)

    @rule(table=tables, day=days)
    def clean_up(self, table: Dataset, day: str) -> None:
        """Away with the table, as the advice says; it is pulled again."""
        for place in (self.root / table.path, self._pin(table)):
            place.unlink() if place.is_symlink() or place.is_file() else shutil.rmtree(
                place, ignore_errors=True
            )
        self.publish(table, day)

    # The law

    @invariant()
    def whoever_reads_reads_what_counts(self) -> None:
        for mode in ("live", "simulated"):
            known = {each.table: each for each in self.store.datasets() if each.mode == mode}
            truth = {name: rows for name in known if (rows := self._counted(known[name]))}
            damaged = any(self._damaged(each) for each in known.values())
            if damaged:
                self._refused(mode)
            else:
                assert self._read_by_sql(mode) == truth, "SQL"
            for name, dataset in known.items():
                if not self._damaged(dataset):
                    rows = self.store.arrow_dataset(dataset).to_table().to_pylist()
                    read = sorted((str(row["_report_run_id"]), str(row["period"])) for row in rows)
                    assert read == truth.get(name, []), "Arrow"
                there = self.store.provenances(dataset)
                stated = sorted((each.run_id, key) for key, each in there.items() if each)
                assert stated == truth.get(name, []), "published"

    @invariant()
    def everything_else_is_named(self) -> None:
        tables_there = self.store.datasets()
        named = [*self.store.unusable_tables()]
        named += [each.path for table in tables_there for each in self.store.contents(table)[1]]
        named += [
            str(self.root / table.file_path(key))
            for table in tables_there
            for key, each in self.store.provenances(table).items()
            if each is None
        ]
        pins = [name for name in named if name.endswith(".json")]
        named += [name.removesuffix(".json").replace("/_datasets/", "/") for name in pins]
        counted = {
            str(self.root / table.file_path(day)) for table in tables_there for _, day in self._counted(table)
        }
        for mode in ("live", "simulated"):
            for path in _parquet_below(self.root / mode):
                assert path in counted or any(path == n or path.startswith(f"{n}/") for n in named), path

    def _counted(self, table: Dataset) -> list[tuple[str, str]]:
        """The rows of the files with the right bytes in the right places, by run and period."""
        found = []
        for day in DAYS:
            with contextlib.suppress(OSError):
                digest = hashlib.sha256(self._file(table, day).read_bytes()).hexdigest()
                place, run = self.published.get(digest, ("", ""))
                found += [(run, day)] if place == table.file_path(day) else []
        return sorted(found)

    def _damaged(self, table: Dataset) -> bool:
        """Whether a file in a partition's place is no Parquet file any more, or has another footer."""
        return any(each is None for each in self.store.provenances(table).values())

    def _read_by_sql(self, mode: str) -> dict[str, list[tuple[str, str]]]:
        try:
            warehouse = open_warehouse(self.root, mode, confined=True)
        except ConfigurationError:
            return {}
        with warehouse:
            names = warehouse.execute("SELECT view_name FROM duckdb_views() WHERE schema_name = 'stripe'")
            found = {}
            for (name,) in names.fetchall():
                rows = warehouse.execute(
                    f'SELECT _report_run_id, period, account, filename, currency FROM stripe."{name}"'  # noqa: S608
                ).fetchall()
                assert {(account, currency) for *_, account, _, currency in rows} == {("default", "usd")}
                assert all(day == period for _, period, _, day, _ in rows)
                found[name] = sorted((run, period) for run, period, *_ in rows)
            return found

    def _refused(self, mode: str) -> None:
        with contextlib.suppress(StoreError), open_warehouse(self.root, mode):
            raise AssertionError("a damaged file was passed over")

    def _file(self, table: Dataset, day: str) -> Path:
        return self.root / table.file_path(day)

    def _pin(self, table: Dataset) -> Path:
        return self.root / table.pin_path

    def _bring(self, source: Path, target: Path, how: str) -> None:
        """Whatever cannot be done is not done."""
        if not source.exists() or (how != "copy" and os.path.lexists(target)) or source == target:
            return
        with contextlib.suppress(OSError, shutil.Error):
            target.parent.mkdir(parents=True, exist_ok=True)
            if how == "link":
                target.symlink_to(source, target_is_directory=source.is_dir())
            elif how == "hard":
                os.link(source, target)
            elif how == "move":
                shutil.move(source, target)
            elif source.is_dir():
                skip = shutil.ignore_patterns(target.name)
                shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, ignore=skip)
            elif not (target.exists() and source.samefile(target)):
                target.unlink(missing_ok=True)
                shutil.copyfile(source, target)


def _parquet_below(directory: Path, route: tuple[str, ...] = ()) -> Iterator[str]:
    """Every Parquet file that a walk below a directory meets; links are followed, unless they lead back."""
    here = os.path.realpath(directory)
    if here in route or not directory.is_dir():
        return
    for entry in sorted(directory.iterdir()):
        if entry.is_dir():
            yield from _parquet_below(entry, (*route, here))
        elif entry.name.endswith(".parquet") and entry.is_file():
            yield str(entry)
