"""The README's commands and code exist: prose rots quietly."""

import ast
import re
import shlex
from pathlib import Path

import click
import pytest
import yaml

import connector
from connector import cli

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


COMMANDS = [line[2:] for block in blocks("console") for line in block.splitlines() if line.startswith("$ ")]


@pytest.mark.parametrize("line", [each for each in COMMANDS if each.startswith("stripe-reports")])
def test_every_command_shown_is_understood(line: str) -> None:
    """Parsed, with its arguments and options, but not run."""
    name, *arguments = shlex.split(line, comments=True)[1:]
    command = cli.cli.commands[name]

    assert isinstance(command.make_context(name, arguments), click.Context)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"make ([a-z]+)", README))))
def test_every_make_target_named_exists(target: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_every_command_is_shown() -> None:
    assert {line.split()[1] for line in COMMANDS if line.startswith("stripe-reports")} == set(
        cli.cli.commands
    )


def test_exit_codes_and_environment_are_those_of_the_help() -> None:
    def words(text: str) -> list[str]:
        return re.findall(r"^\W*`?(\d+|STRIPE_\w+)`?\s", text, re.MULTILINE)

    after_the_demo = README.partition("<!-- demo: end -->")[2]
    assert words(after_the_demo) == words(cli.ENVIRONMENT) + words(cli.EXIT_CODES)


def test_python_examples_compile_and_import_what_exists() -> None:
    trees = [ast.parse(block) for block in blocks("python")]
    imports = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names = {alias.name for node in imports if node.module == "connector" for alias in node.names}

    assert names
    assert names <= set(connector.__all__)


def test_the_configuration_shown_is_the_one_that_ships() -> None:
    shown, *_ = (yaml.safe_load(block) for block in blocks("yaml"))
    shipped = yaml.safe_load((ROOT / "assets/defs/stripe_reports/defs.yaml").read_text(encoding="utf-8"))

    assert shown["type"] == shipped["type"]
    assert shown["attributes"]["defaults"].keys() == shipped["attributes"]["defaults"].keys()
    for report in shown["attributes"]["reports"]:
        spec = connector.report(report["report"])
        assert set(report.get("columns", ())) <= set(spec.columns)


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\((?!https)([^)]+)\)", README))))
def test_every_local_link_leads_somewhere(link: str) -> None:
    assert (ROOT / link).exists()


def test_every_dependency_is_justified() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    listed = re.search(r"^dependencies = \[(.*?)^\]", project, re.MULTILINE | re.DOTALL)
    table = README.split("## Dependencies")[1].split("With `[ui]`")[0]

    assert listed
    for name in re.findall(r'"([a-z-]+)', listed[1]):
        assert re.search(rf"^\| .*\b{name}\b.* \| \w", table, re.MULTILINE), name
