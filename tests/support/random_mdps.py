"""Tabular MDPs drawn at random, many as one."""

from __future__ import annotations

import numpy as np

from environments.streams import Streams
from environments.tabular import TabularMDP

STATES, ACTIONS, DISCOUNT = 5, 3, 0.8


def random_mdps(tasks: int, states: int = STATES, actions: int = ACTIONS, discount: float = DISCOUNT) -> TabularMDP:
    draw = Streams(0).numpy("mdps", tasks)
    return TabularMDP(
        draw.dirichlet(np.full(states, 0.3), size=(tasks, states, actions)),
        draw.standard_normal((tasks, states, actions)),
        draw.dirichlet(np.ones(states), size=tasks),
        discount,
    )
