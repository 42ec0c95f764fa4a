"""Mistakes that are put into the code for a while."""

import inspect
from typing import Any
from unittest.mock import patch


def put(owner: Any, name: str, mistake: Any) -> Any:
    """A context in which an attribute of a module or a class is another one.

    Raises TypeError where a function would refuse what its callers give to the one that it stands for: the
    machine would break, and nothing be found.
    """
    there = getattr(owner, name)
    if inspect.isroutine(there):
        taken = inspect.signature(there).parameters.values()
        for given in (taken, [each for each in taken if each.default is each.empty]):
            placed = [
                each for each in given if each.kind in {each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD}
            ]
            named = {each.name: None for each in given if each.kind is each.KEYWORD_ONLY}
            inspect.signature(mistake).bind(*placed, **named)
    return patch.object(owner, name, mistake)
