"""A random generator that draws the same for every environment of a batch, so that a batch starts as one alone does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

#: where `size` stands among the positional arguments of the generator's methods
_SIZE_AT = {"random": 0, "standard_normal": 0, "choice": 1, "exponential": 1, "poisson": 1, "uniform": 2, "normal": 2,
            "integers": 2, "beta": 2, "gamma": 2, "binomial": 2, "laplace": 2, "lognormal": 2}  # fmt: skip


class AlikeRows:
    """numpy's generator, but a draw whose size begins with the number of rows is made once and given to every row.

    What is drawn with one row under a seed is what each row gets with more of them.
    """

    def __init__(self, seed: int, rows: int) -> None:
        self._generator = np.random.default_rng(seed)
        self._rows = rows

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._generator, name)
        return self._drawing(name, method) if callable(method) else method

    def _drawing(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        place = _SIZE_AT.get(name)

        def drawn(*given: Any, **named: Any) -> Any:
            arguments = list(given)
            if "size" in named:
                size = named["size"]
            else:
                size = arguments[place] if place is not None and len(arguments) > place else None
            shape = (size,) if isinstance(size, (int, np.integer)) else size
            if not isinstance(shape, tuple) or not shape or shape[0] != self._rows:
                return method(*arguments, **named)
            once = (1, *shape[1:])
            if "size" in named:
                named["size"] = once
            else:
                assert place is not None
                arguments[place] = once
            return np.repeat(method(*arguments, **named), self._rows, axis=0)

        return drawn
