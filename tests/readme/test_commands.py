"""Every line that a README shows after a `$` is one that works."""

import re
import shlex
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click
import pytest
from dagster_dg_cli.cli.launch import launch_command

import assets
from assets.config.scaffolding import ScaffoldParams
from connector import cli
from tests.readme import PATHS, ROOT, blocks, text, without_code
from tests.readme.conftest import run


def lines(path: str) -> list[str]:
    """What a page shows after a `$`."""
    return [line.removeprefix("$ ") for block in blocks(path, "console") for line in block.splitlines()]


#: Each line once.
LINES = list(dict.fromkeys(line for path in PATHS for line in lines(path)))

#: Each command in the sentences of a page once.
NAMED = dict.fromkeys(
    code for path in PATHS for code in re.findall(r"`((?:stripe-reports|make|dg) .*?)`", without_code(path))
)

#: Commands that only read files, or bring one day or month: they are run where reports are.
RUN = {"init", "types", "pull", "sql", "check"}
PULLED = [line for line in lines("README.md") if line.startswith("stripe-reports")]

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def parsed(words: Sequence[str]) -> click.Context:
    """A command of ours with its arguments and options, not run."""
    name, *arguments = words
    # Without the parent's settings commands would remember another option for help.
    parent = click.Context(cli.cli, **cli.cli.context_settings)
    return cli.cli.commands[name].make_context(name, list(arguments), parent=parent)


def is_target(words: Sequence[str]) -> bool:
    """Targets, and variables that the Makefile reads."""
    variables = [name for name, given, _ in (word.partition("=") for word in words) if given]
    targets = [word for word in words if "=" not in word]
    return all(f"$({name})" in MAKEFILE for name in variables) and all(
        re.search(rf"^{name}:", MAKEFILE, re.MULTILINE) for name in targets
    )


def is_variable(words: Sequence[str]) -> bool:
    return all(f"  {each.partition('=')[0]} " in cli.ENVIRONMENT for each in words)


def installs(words: Sequence[str]) -> bool:
    """A clone, and extras that there are."""
    install, *what = words
    extras = {extra for each in what for extra in re.findall(r"\[(.*)\]", each)}
    return install == "install" and extras <= set(PROJECT["optional-dependencies"])


def is_of_dg(words: Sequence[str]) -> bool:
    """A check of the definitions, a launch with options it takes, or the scaffold of a component of ours."""
    if list(words) == ["check", "defs"]:
        return True
    if words[0] == "launch":
        there = {option for parameter in launch_command.params for option in parameter.opts}
        return set(words[1::2]) <= there
    scaffold, kind, component, name, *options = words
    package, _, found = component.partition(".")
    taken = {f"--{field.replace('_', '-')}" for field in ScaffoldParams.model_fields}
    return (
        (scaffold, kind, package) == ("scaffold", "defs", "assets")
        and found in assets.__all__
        and name.isidentifier()
        and set(options[::2]) <= taken
    )


KNOWN: Mapping[str, Callable[[Sequence[str]], object]] = {
    "stripe-reports": parsed,
    "make": is_target,
    "export": is_variable,
    "pip": installs,
    "source": lambda words: list(words) == [".venv/bin/activate"],
    "dg": is_of_dg,
}


@pytest.mark.parametrize("line", LINES)
def test_every_command_shown_is_understood(line: str) -> None:
    program, *words = shlex.split(line, comments=True)

    assert KNOWN[program](words)


@pytest.mark.parametrize("line", [line for line in PULLED if line.split()[1] in RUN])
def test_the_first_commands_end_well_where_reports_are(line: str, here: Path) -> None:
    assert run(*shlex.split(line, comments=True)[1:]) == 0


def test_the_first_commands_are_those_that_are_run() -> None:
    assert {line.split()[1] for line in PULLED} == RUN


@pytest.mark.parametrize("line", NAMED)
def test_every_command_named_in_a_sentence_is_understood(line: str) -> None:
    program, *words = shlex.split(line.replace("…", "sql").replace("| ", ""))

    assert named(program, words)


def named(program: str, words: Sequence[str]) -> bool:
    """Whether there is such a command, with such options; its arguments may be missing."""
    if program == "make":
        return is_target(words)
    if program == "dg":
        return list(words) == ["dev"] or is_of_dg(words)
    command = cli.cli.commands[words[0]]
    options = {option for parameter in command.params for option in parameter.opts}
    return {word for word in words if word.startswith("--")} <= options


def test_options_named_alone_exist() -> None:
    known = {
        option
        for command in cli.cli.commands.values()
        for parameter in command.params
        for option in parameter.opts
    } | {"--help"}

    assert {each for path in PATHS for each in re.findall(r"`(--[a-z-]+)", text(path))} <= known
