"""A Postgres of one's own, in a folder, for as long as it is needed. Debian: `apt install postgresql`."""

import os
import shutil
import subprocess
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
def postgres(programs: Path, folder: Path) -> Iterator[str]:
    """Serve from an empty folder as it comes, with its default settings; yields the URL."""
    folder.mkdir(mode=0o755)
    data, port = folder / "data", free_port()

    def run(program: str, *arguments: str | Path) -> None:
        # Postgres refuses to run as root; its package brings a user.
        user = "postgres" if os.geteuid() == 0 else None
        command = [programs / program, "-D", data, *arguments]
        extra: list[str] | None = [] if user else None
        subprocess.run(
            command,
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
            user=user,
            group=user,
            extra_groups=extra,
        )

    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    run("initdb", "-U", "dagster", "-A", "trust")
    options = f"-p {port} -k '' -h 127.0.0.1"
    run("pg_ctl", "-w", "-l", folder / "log", "-o", options, "start")
    try:
        yield f"postgresql://dagster@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "-w", "-m", "immediate", "stop")
