"""The peers: what each is installed from, in a virtual environment of its own, `.venv-bench-<peer>`."""

import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[2]

OURS = "connector"

#: Peers to what pip installs for them, the newest of each. `picture` draws the output; `dagster` is this
#: project with Postgres beside it.
PACKAGES: Mapping[str, tuple[str, ...]] = {
    "polars": ("polars",),
    "duckdb": ("duckdb",),
    "pyarrow": ("pyarrow",),
    "stripe": ("stripe", "pandas", "pyarrow", "requests"),
    "dlt": ("dlt[parquet]",),
    "airbyte": ("airbyte-cdk", "pyarrow"),
    "dagster": ("-e", f"{ROOT}[ui]", "dagster-postgres"),
    "picture": ("altair", "vl-convert-python"),
}

_VERSIONS = (
    "import sys, importlib.metadata as m; print(*(f'{name} {m.version(name)}' for name in sys.argv[1:]))"
)


def python_of(peer: str) -> str:
    """The interpreter that has what a peer needs; for the connector the one that runs this."""
    return sys.executable if peer == OURS else str(ROOT / f".venv-bench-{peer}" / "bin" / "python")


def install(peer: str) -> str | None:
    """Make the environment of a peer, unless it is there. Returns why that is not possible, or None."""
    if peer == OURS:
        return None
    folder = ROOT / f".venv-bench-{peer}"
    stamp = folder / ".installed"
    if stamp.exists():
        return None
    print(f"Installing {', '.join(PACKAGES[peer])} into {folder.name}", flush=True)
    try:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True, text=True)
        pip = [python_of(peer), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        subprocess.run([*pip, *PACKAGES[peer]], check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        return str(error.stderr or error.stdout).strip().splitlines()[-1]
    stamp.touch()
    return None


def versions_of(peer: str) -> str:
    """What is installed of a peer's packages, such as `polars 2.1.0`."""
    if peer == OURS:
        return f"{OURS} {version('dagster-stripe-reports')}, pyarrow {version('pyarrow')}"
    if peer not in PACKAGES:
        return ""
    names = [name.partition("[")[0] for name in PACKAGES[peer] if name[0] not in "-/"]
    command = [python_of(peer), "-c", _VERSIONS, *names]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
