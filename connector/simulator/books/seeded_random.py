"""Repeatable randomness: every draw is a function of a seed and a path of names.

Python's own `hash` differs from process to process, so the path goes through BLAKE2. Two simulators with one
seed therefore make up the same data on any machine, in any process, whatever was drawn before.
"""

import hashlib
import random

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _number(path: tuple[int | str, ...]) -> int:
    text = "\x1f".join(map(str, path))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=24).digest(), "big")


def generator(*path: int | str) -> random.Random:
    """A generator for `path` alone; the first element is the seed by convention."""
    return random.Random(_number(path))  # noqa: S311 - repeatable data, not a secret


def uniform(*path: int | str) -> float:
    """One draw from [0, 1) for `path`."""
    return (_number(path) >> (24 * 8 - 53)) / (1 << 53)


def base62(number: int, length: int) -> str:
    """The last `length` digits of `number` in base 62, as in Stripe's ids."""
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))


def token(length: int, *path: int | str) -> str:
    """`length` letters and digits for `path`; only the first 32 carry information."""
    return base62(_number(path), length)
