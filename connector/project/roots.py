"""Where the `defs.yaml` files of a Dagster project keep their data, for commands that are run in it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from connector.dataset.filesystem.access import Access
from connector.dataset.filesystem.place import Place
from connector.errors import ConfigurationError
from connector.project.defs_yaml import found_files, seems_ours
from connector.settings import Connection, filled_in
from connector.text import join_names


def configured_roots(directory: Path, environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The roots below which a project's assets are stored, each once.

    Where a file names none, it is the one of the environment, as in Dagster; so it is where there is no file.
    A relative one begins at the current directory.

    Args:
        directory: where the project is.
        environment: by default the process's own.
    """
    files, _ = found_files(directory)
    named = [named_root(each, environment) for file in files for each in file.connections]
    usual = Connection.from_environment(environment=environment).root
    return _distinct([root or usual for root in named or [None]])


def named_root(connection: Mapping[str, object], environment: Mapping[str, str] | None = None) -> str | None:
    """The root in what stands under `connection:` of a file; None where it names none."""
    named = connection.get("root")
    return filled_in(str(named), environment) or None if named else None


def root_here(directory: Path, environment: Mapping[str, str] | None = None) -> str:
    """The one root of the project in `directory`.

    Raises ConfigurationError where there are several, naming them, and where nobody knows because a file of
    ours cannot be read.
    """
    for path, reason in found_files(directory)[1].items():
        if seems_ours(path):
            raise ConfigurationError(
                f"{path.relative_to(directory)} cannot be read, so that it is not known where its data are: "
                f"{reason}. Correct it, or name the place with --root"
            )
    roots = configured_roots(directory, environment)
    if len(roots) > 1:
        shown = join_names([str(Place.of(each)) for each in roots])
        raise ConfigurationError(
            f"the defs.yaml files here store their data below {shown}: choose one with --root"
        )
    return roots[0]


def access_to(root: str, directory: Path, environment: Mapping[str, str] | None = None) -> Access | None:
    """How the first file of the project that names this root says that its bucket is reached; None where none
    says it.

    Raises ConfigurationError for an endpoint to which data would go unencrypted.
    """
    usual = Connection.from_environment(environment=environment).root
    for connection in (each for file in found_files(directory)[0] for each in file.connections):
        said = {name: connection[name] for name in ("endpoint", "region") if connection.get(name)}
        if (said or connection.get("anonymous")) and same_root(
            named_root(connection, environment) or usual, root
        ):
            filled = {name: filled_in(str(each), environment) or None for name, each in said.items()}
            return Access(filled.get("endpoint"), filled.get("region"), connection.get("anonymous") is True)
    return None


def reached(root: str, directory: Path) -> "str | Place":
    """A root with what `access_to` says; as it is where nothing can be there, as what opens it says."""
    try:
        return Place.of(root, access_to(root, directory))
    except ConfigurationError:
        return root


def same_root(one: "str | Place", other: "str | Place") -> bool:
    """Whether two roots are one place, by their names."""
    return _normal(one) == _normal(other)


def _distinct(roots: Sequence[str]) -> tuple[str, ...]:
    """Those of different places, each as it is first named."""
    return tuple({_normal(each): each for each in reversed(roots)}.values())[::-1]


def _normal(root: "str | Place") -> str:
    try:
        place = Place.of(root)
    except ConfigurationError:  # what opens it says why it cannot be
        return str(root)
    return place.real.rstrip("/") if "://" in place.real else str(Path(place.real).resolve())
