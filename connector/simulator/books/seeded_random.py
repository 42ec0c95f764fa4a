"""Chance that can be repeated: every draw is a function of a seed and a path of names.

Python's own `hash` differs from process to process, so the path goes through BLAKE2. Two simulators with
one seed therefore tell the same story on any machine, in any process, whatever else was drawn before.
"""

import hashlib
import random

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _number(path: tuple[int | str, ...]) -> int:
    text = "\x1f".join(map(str, path))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=24).digest(), "big")


def draws(*path: int | str) -> random.Random:
    """A generator of its own for `path`; the first element is the seed by convention."""
    return random.Random(_number(path))  # noqa: S311 - a story to repeat, not a secret to keep


def unit(*path: int | str) -> float:
    """One draw from [0, 1) for `path`."""
    return (_number(path) >> (24 * 8 - 53)) / (1 << 53)


def base62(number: int, length: int) -> str:
    """The last `length` digits of `number` in base 62, as Stripe's ids look."""
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))


def token(length: int, *path: int | str) -> str:
    """`length` letters and digits for `path`; at most 32 of them are worth having."""
    return base62(_number(path), length)
