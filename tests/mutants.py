"""Whether the tests notice a changed line: a random sample of mutants, `python -m tests.mutants --help`.

mutmut changes one thing at a time in the folders that `[tool.mutmut]` of pyproject.toml names, and runs the
tests that enter the changed function. What survives is printed with its difference; each is a test that is
missing, code that nothing needs, or a difference that nobody can see. The same seed on the same code draws
the same sample.
"""

import argparse
import json
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

#: mutmut's exit code of a mutant to what became of it; all others are deaths: by a failed test, by time, by a
#: crash.
_UNTESTED = 33
_ALIVE = {0: "survived", _UNTESTED: "entered by no test", None: "not run"}
_NOWHERE = "no.such.mutant"


def _mutmut(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mutmut", *arguments], check=False, capture_output=True, text=True
    )


def _exit_codes() -> dict[str, int | None]:
    """The names of all mutants, and what mutmut noted of those that ran."""
    found: dict[str, int | None] = {}
    for path in sorted(Path("mutants").rglob("*.py.meta")):
        found |= json.loads(path.read_text())["exit_code_by_key"]
    return found


def _entered() -> set[str]:
    """The functions that any test enters, as the names of their mutants begin."""
    stats = json.loads(Path("mutants/mutmut-stats.json").read_text())
    return {function for function, tests in stats["tests_by_mangled_function_name"].items() if tests}


def _draw(seed: int, size: int) -> list[str]:
    # A name that fits nothing ends the command once the mutants are written and the tests were watched.
    prepared = _mutmut("run", "--max-children", "1", _NOWHERE)
    if _NOWHERE not in prepared.stderr:
        sys.exit(f"{prepared.stdout}\n{prepared.stderr}\nmutmut could not prepare its mutants")
    names = sorted(_exit_codes())
    return random.Random(seed).sample(names, min(size, len(names)))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("seed", type=int, nargs="?", default=1, help="which sample (1)")
    parser.add_argument("size", type=int, nargs="?", default=200, help="how many mutants (200)")
    parser.add_argument("--processes", type=int, default=1, help="how many run at once (1)")
    asked = parser.parse_args()

    names = _draw(asked.seed, asked.size)
    entered = _entered()
    covered = [name for name in names if name.rpartition("__mutmut_")[0] in entered]
    ran = _mutmut("run", "--max-children", str(asked.processes), *covered)
    if ran.returncode:
        sys.exit(f"{ran.stdout[-2000:]}\n{ran.stderr[-2000:]}\nmutmut did not run to its end: no figure")
    codes = _exit_codes() | dict.fromkeys(set(names) - set(covered), _UNTESTED)
    alive = [name for name in sorted(names) if codes[name] in _ALIVE]
    for name in alive:
        print(f"{_ALIVE[codes[name]]}\n{_mutmut('show', name).stdout}")
    dead = len(names) - len(alive)
    print(dict(Counter(name.split(".")[1] for name in names)))
    print(f"Seed {asked.seed}: {dead} of {len(names)} killed, {dead / len(names):.1%}")


if __name__ == "__main__":
    main()
