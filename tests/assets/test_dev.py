"""What `make dev` prepares before it starts Dagster."""

import socket
from pathlib import Path

import dagster as dg
import pytest
from filelock import Timeout

from assets.dev import code_location, find_project, free_port, lock_home, prepare_home
from connector.settings import child_environment


def test_dagster_gets_a_configuration_it_accepts(tmp_path: Path) -> None:
    prepare_home(tmp_path / "home")

    with dg.DagsterInstance.from_config(str(tmp_path / "home")) as instance:
        assert instance.telemetry_enabled is False
        assert instance.run_monitoring_enabled


def test_a_configuration_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: true}\n")

    prepare_home(tmp_path)

    assert (tmp_path / "dagster.yaml").read_text() == "telemetry: {enabled: true}\n"


def test_a_clone_has_its_workspace_and_any_other_directory_the_definitions_of_the_package(
    tmp_path: Path,
) -> None:
    clone = find_project()

    assert code_location(clone) == ["-w", str(clone / "workspace.yaml")]
    assert (clone / "workspace.yaml").exists()
    assert code_location(tmp_path) == ["-m", "assets.definitions", "-d", str(tmp_path)]


def test_two_cannot_use_one_directory_at_once(tmp_path: Path) -> None:
    with lock_home(tmp_path), pytest.raises(Timeout), lock_home(tmp_path):
        pass

    with lock_home(tmp_path):
        assert (tmp_path / "dev.lock").exists()


def test_a_port_in_use_is_left_alone() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        assert free_port(port) != port

    assert free_port(port) == port


def test_dagsters_environment_is_ours_with_additions_on_top(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_API_BASE", "https://api.stripe.com")

    environment = child_environment({"STRIPE_API_BASE": "http://127.0.0.1:4242"})

    assert environment["STRIPE_API_BASE"] == "http://127.0.0.1:4242"
    assert "PATH" in environment
