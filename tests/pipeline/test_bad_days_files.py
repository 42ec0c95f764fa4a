"""Hostile files and refusing disks: a clear error in bounded memory, and the former file stays.

All hostile files at their full size: `python -m tests.chaos.hostile_files`.
"""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from connector.api.download import fetch
from connector.catalogue import columns_of, report
from connector.convert.csv_records import RecordFile
from connector.convert.decode import Expected, open_report
from connector.convert.parquet import writing_parquet
from connector.dataset.store import Store
from connector.errors import DataError, StoreError
from connector.query import ReportQuery
from connector.simulator import Match, Simulator
from tests.chaos.hostile_files import pull_apart
from tests.conftest import ClientFor, Pull
from tests.faults.runs import FileReads
from tests.support.files import CSV, FILE, FileHost
from tests.support.partitions import days, done, missed

pytestmark = pytest.mark.long

SUMMARY = ReportQuery.of("balance_summary")
DAY = days("2026-05-31", 1)
KEY = DAY[0].key


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
@pytest.mark.parametrize(
    ("name", "scale", "kind", "said"),
    [
        ("a cell of 2 GB", 0.01, "CellError", "row 1 is larger than 16 MiB"),
        ("10 million columns", 0.05, "SchemaMismatchError", "10,000 columns"),
        ("10 million fields in a row", 0.1, "CellError", "more than 1005 fields where the header has 4"),
        ("a compressed bomb", 0.05, "DownloadError", "goes on after the 1,000 bytes"),
    ],
)
def test_a_file_made_to_hurt_is_refused_in_bounded_memory(
    tmp_path: Path, name: str, scale: float, kind: str, said: str
) -> None:
    ending = pull_apart(name, scale, tmp_path)

    assert ending.kind == kind
    assert said in ending.error
    assert ending.peak_mib < 400
    assert ending.files == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(lambda csv: csv.replace(b"usd", b"u\0d", 1), "NUL byte", id="nul"),
        pytest.param(lambda csv: csv.replace(b"usd", b"u\xffd", 1), "UTF-8", id="not-utf-8"),
        pytest.param(lambda csv: csv[:-5] + b"\n", "", id="cut-off-row"),
        pytest.param(lambda _: b"PK\x03\x04" + b"\0" * 50, "zip", id="a-zip"),
        pytest.param(lambda csv: csv.replace(b'"net_amount"', b'"../net_amount"'), "net_amount", id="path"),
    ],
)
def test_a_spoiled_file_is_one_error_that_names_its_run(
    simulator: Simulator, pull: Pull, store: Store, change: Callable[[bytes], bytes], said: str
) -> None:
    simulator.faults.add(FileReads(change), Match(report_type="balance.*"))

    outcome = missed(pull(SUMMARY, DAY))[KEY]

    assert isinstance(outcome.error, DataError)
    assert simulator.runs[0].id in str(outcome.error)
    assert said in str(outcome.error)
    assert store.provenance(SUMMARY.dataset(mode="test", account=None), KEY) is None


def test_to_ask_anew_is_the_way_out_of_a_file_that_is_spoiled_at_stripe(
    simulator: Simulator, pull: Pull
) -> None:
    """Its run would be adopted again and again: it has succeeded, and nothing is kept that were older."""
    simulator.faults.add(FileReads(lambda csv: csv.replace(b"usd", b"\xff")), Match(report_type="balance.*"))
    assert missed(pull(SUMMARY, DAY))
    assert missed(pull(SUMMARY, DAY))
    assert len(simulator.runs) == 1

    assert done(pull(SUMMARY, DAY, refresh={KEY}))

    assert len(simulator.runs) == 2


def test_a_formula_is_kept_as_it_stands(simulator: Simulator, pull: Pull, store: Store) -> None:
    """It is data; whoever opens it in a spreadsheet has to know."""
    formula = b"=HYPERLINK(1)"
    simulator.faults.add(
        FileReads(lambda csv: csv.replace(b'"usd"', b'"' + formula + b'"', 1)), Match(report_type="balance.*")
    )

    path = done(pull(SUMMARY, DAY))[KEY].published.uri

    assert formula.decode() in pq.ParquetFile(path).read()["currency"].to_pylist()


# Disks

FULL, QUOTA, READ_ONLY, DENIED, BROKEN = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EACCES,
    errno.EIO,
)


def refusing(honest: Callable[..., Any], number: int, ending: str) -> Callable[..., Any]:
    """A function of the operating system's that refuses with that error, for paths that end so."""

    def refuse(path: Any, *rest: Any, **options: Any) -> Any:
        if not ending or str(path).endswith(ending):
            raise OSError(number, os.strerror(number))
        return honest(path, *rest, **options)

    return refuse


@pytest.mark.parametrize("number", [FULL, QUOTA, READ_ONLY, DENIED, BROKEN], ids=errno.errorcode.get)
@pytest.mark.parametrize(
    ("module", "step", "ending"), [(os, "replace", ".parquet"), (os, "fsync", ""), (os, "open", ".csv")]
)
def test_a_disk_that_refuses_leaves_the_former_file_and_is_named(
    pull: Pull,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    *,
    number: int,
    module: Any,
    step: str,
    ending: str,
) -> None:
    before = done(pull(SUMMARY, DAY))[KEY].published.provenance
    with monkeypatch.context() as disk:
        disk.setattr(module, step, refusing(getattr(module, step), number, ending))
        error = missed(pull(SUMMARY, DAY, refresh={KEY}))[KEY].error

    assert isinstance(error, StoreError)
    assert str(error).startswith("could not write ")
    assert os.strerror(number) in str(error)
    assert str(store.root) in str(error)
    assert " bytes" in str(error)
    assert store.provenance(SUMMARY.dataset(mode="test", account=None), KEY) == before
    assert done(pull(SUMMARY, DAY, refresh={KEY}))[KEY].published.provenance.run_id != before.run_id


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_that_is_full_while_the_csv_arrives_says_how_much_is_needed(
    client_for: ClientFor, tmp_path: Path
) -> None:
    (tmp_path / "report.csv").symlink_to("/dev/full")

    with pytest.raises(StoreError, match=rf"report\.csv.*No space left.*{len(CSV):,} bytes"):
        fetch(client_for(FileHost().handle), FILE, tmp_path / "report.csv")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_that_is_full_while_the_parquet_is_written_is_named(tmp_path: Path) -> None:
    csv, parquet = tmp_path / "report.csv", tmp_path / "report.parquet"
    csv.write_bytes(b'"category","net_amount","currency"\n"charge","1.00","usd"\n')
    parquet.symlink_to("/dev/full")
    asked = columns_of(report("balance_summary"), ["category", "net_amount", "currency"])
    found = open_report(RecordFile.open(csv, "frr_1"), Expected(asked))

    said = r"could not write .*report\.parquet: .*No space left.* 57 bytes"
    with pytest.raises(StoreError, match=said), writing_parquet(parquet, found, constants={}):
        pass

    assert not parquet.is_symlink()


QUOTA_IN_MID_WRITE = """
import resource, signal, sys
from pathlib import Path
from connector.api.download import fetch
from connector.errors import StoreError
from tests.support.files import FILE, FileHost
import httpx
from connector.api.client import StripeClient

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
http = httpx.Client(transport=httpx.MockTransport(FileHost().handle))
try:
    fetch(StripeClient("sk_test_1", http=http), FILE, Path(sys.argv[1]))
except StoreError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits on files are a POSIX thing")
def test_a_quota_in_mid_write_names_the_path_and_the_bytes_needed(tmp_path: Path) -> None:
    target = tmp_path / "report.csv"
    ran = subprocess.run(
        [sys.executable, "-c", QUOTA_IN_MID_WRITE, str(target)], capture_output=True, text=True, check=True
    )

    assert f"could not write {target}: File too large; the report has {len(CSV):,} bytes" in ran.stdout
