"""A model of stable-baselines3 as tensors and plain values, for checkpoints and for a copy to go on from."""

from __future__ import annotations

import copy
from typing import Any

import torch

#: counters that decide what a model does next, of those that it has
COUNTERS = ("num_timesteps", "_n_updates", "_episode_num", "_n_calls")
#: arrays of a replay buffer
ARRAYS = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")


def model_state(model: Any) -> dict[str, Any]:
    """Networks, optimisers, single variables and counters; tensors are the model's own."""
    variables = model._get_torch_save_params()[1]
    return {
        "parts": {name: dict(part) for name, part in model.get_parameters().items()},
        "variables": {name: getattr(model, name).detach() for name in variables},
        "counters": {name: getattr(model, name) for name in COUNTERS if hasattr(model, name)},
    }


def load_model(model: Any, state: dict[str, Any]) -> None:
    """Take over a state, which stays as it is: optimisers would go on within its tensors."""
    state = copy.deepcopy(state)
    model.set_parameters(state["parts"], exact_match=True, device="cpu")
    with torch.no_grad():
        for name, value in state["variables"].items():
            getattr(model, name).copy_(value)
    for name, value in state["counters"].items():
        setattr(model, name, value)


def buffer_state(buffer: Any) -> dict[str, Any]:
    """What a replay buffer holds so far [time, row, ...], by reference."""
    filled = buffer.buffer_size if buffer.full else buffer.pos
    arrays = {name: torch.from_numpy(getattr(buffer, name)[:filled]) for name in ARRAYS}
    return {**arrays, "position": buffer.pos, "full": buffer.full}


def load_buffer(buffer: Any, state: dict[str, Any]) -> None:
    """Take over what another buffer of the same size held."""
    for name in ARRAYS:
        getattr(buffer, name)[: len(state[name])] = state[name].numpy()
    buffer.pos, buffer.full = state["position"], state["full"]
