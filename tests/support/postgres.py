"""A Postgres of one's own, for as long as it is needed. Debian: `apt install postgresql`."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.processes import free_port


def find_programs() -> Path | None:
    """Where `initdb` and its like are; Debian does not put them on the path."""
    found = shutil.which("initdb")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    return Path(found).parent if found else debian[-1].parent if debian else None


@contextmanager
def postgres(programs: Path) -> Iterator[str]:
    """Serve an empty database as it comes, with its default settings; yields the URL."""
    # Postgres refuses to run as root; its package brings a user, who has to reach the folder.
    user = "postgres" if os.geteuid() == 0 else None
    groups: list[str] | None = [] if user else None
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
        if user:
            shutil.chown(folder, user)
        data, port = Path(folder) / "data", free_port()

        def run(program: str, *arguments: str | Path) -> None:
            subprocess.run(
                [programs / program, "-D", data, *arguments],
                check=True,
                stdout=subprocess.DEVNULL,
                cwd=folder,
                user=user,
                group=user,
                extra_groups=groups,
            )

        run("initdb", "-U", "dagster", "-A", "trust")
        options = f"-p {port} -k '' -h 127.0.0.1"
        run("pg_ctl", "-w", "-l", Path(folder) / "log", "-o", options, "start")
        try:
            yield f"postgresql://dagster@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-w", "-m", "immediate", "stop")
