"""Azurite, Microsoft's own stand-in for Azure Blob Storage, as a process. It comes from npm."""

import base64
import contextlib
import hashlib
import hmac
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

_PACKAGE = "azurite@3.37.0"
_ACCOUNT = "devstoreaccount1"

#: Of everybody's Azurite: https://learn.microsoft.com/azure/storage/common/storage-use-azurite
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

_UP_WITHIN = 60.0


@dataclass(frozen=True, slots=True)
class Azurite:
    """The server, by its endpoint, which ends with the account."""

    endpoint: str

    def environment(self) -> dict[str, str]:
        """The variables that lead a client to it."""
        return {"AZURE_STORAGE_ACCOUNT_NAME": _ACCOUNT, "AZURE_STORAGE_ACCOUNT_KEY": _KEY}

    def new_container(self) -> str:
        """The URL of a root in an empty container of its own."""
        name = f"container-{uuid.uuid4().hex}"
        headers = {
            "x-ms-date": f"{datetime.now(UTC):%a, %d %b %Y %H:%M:%S GMT}",
            "x-ms-version": "2021-08-06",
        }
        signed = "".join(f"{key}:{value}\n" for key, value in headers.items())
        text = "PUT" + "\n" * 12 + f"{signed}/{_ACCOUNT}/{_ACCOUNT}/{name}\nrestype:container"
        digest = hmac.new(base64.b64decode(_KEY), text.encode(), hashlib.sha256).digest()
        headers["Authorization"] = f"SharedKey {_ACCOUNT}:{base64.b64encode(digest).decode()}"
        url = f"{self.endpoint}/{name}?restype=container"
        httpx.put(url, headers=headers).raise_for_status()
        return f"abfs://{name}@{_ACCOUNT}.dfs.core.windows.net/reports"


@contextlib.contextmanager
def azurite_server(directory: Path, port: int) -> Iterator[Azurite]:
    """Installs it below a directory, and serves until the block ends."""
    install = ["npm", "install", "--silent", "--no-fund", "--no-audit", "--ignore-scripts", _PACKAGE]
    subprocess.run([*install, "--prefix", str(directory)], check=True, timeout=300)
    program = directory / "node_modules/azurite/dist/src/blob/main.js"
    command = ["node", str(program), "--blobHost", "127.0.0.1", "--blobPort", str(port), "--silent"]
    command += ["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            found = Azurite(f"http://127.0.0.1:{port}/{_ACCOUNT}")
            deadline = time.monotonic() + _UP_WITHIN
            while time.monotonic() < deadline:
                with contextlib.suppress(httpx.HTTPError):
                    found.new_container()
                    break
                time.sleep(0.1)
            yield found
        finally:
            server.kill()
