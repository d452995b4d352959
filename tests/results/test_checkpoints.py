"""Checkpoints come back as they were, or are refused; they never run code."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch

from results.checkpoints import _sealed, load_checkpoint, save_checkpoint
from results.files import StoreError

STATE = {
    "iteration": 7,
    "step_size": 0.1,
    "name": "promp",
    "policy": OrderedDict(weight=torch.arange(6.0, dtype=torch.float64).reshape(2, 3), bias=torch.zeros(3)),
    "rows": [{"return": 1.5, "success": True, "note": None}, (1, 2)],
}


def same(left: object, right: object) -> bool:
    if isinstance(left, torch.Tensor):
        return isinstance(right, torch.Tensor) and left.dtype == right.dtype and torch.equal(left, right)
    if isinstance(left, dict):
        return (
            isinstance(right, dict) and list(left) == list(right) and all(same(left[key], right[key]) for key in left)
        )
    if isinstance(left, (list, tuple)):
        return type(left) is type(right) and len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and left == right


class Malicious:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return (Path.touch, (self.path,))


def test_a_state_comes_back_as_it_was(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "checkpoint", STATE)
    assert same(load_checkpoint(tmp_path / "checkpoint"), STATE)


def test_equal_states_give_equal_bytes(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "a", STATE)
    save_checkpoint(tmp_path / "b", STATE)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("form", ["plain pickle", "torch archive", "sealed torch archive"])
def test_a_malicious_checkpoint_is_refused_and_runs_nothing(tmp_path: Path, form: str) -> None:
    trap, checkpoint = tmp_path / "executed", tmp_path / "checkpoint"
    buffer = io.BytesIO()
    if form == "plain pickle":
        pickle.dump({"state": Malicious(trap)}, buffer)
    else:
        torch.save({"state": Malicious(trap)}, buffer)
    content = buffer.getvalue()
    checkpoint.write_bytes(_sealed(content) if form == "sealed torch archive" else content)
    with pytest.raises(StoreError, match="not ours"):
        load_checkpoint(checkpoint)
    assert not trap.exists()

    if form == "plain pickle":  # the trap is a real one
        pickle.loads(content)
    else:
        torch.load(checkpoint, weights_only=False)
    assert trap.exists()


def test_torch_alone_opens_a_checkpoint(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "checkpoint", STATE)
    assert same(torch.load(tmp_path / "checkpoint", weights_only=True), STATE)
    with zipfile.ZipFile(tmp_path / "checkpoint") as archive:
        assert archive.testzip() is None


def test_a_truncated_checkpoint_is_refused_at_every_length(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    save_checkpoint(path, STATE)
    whole = path.read_bytes()
    for length in [*range(0, len(whole), 61), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(StoreError, match="deleting it restarts the run"):
            load_checkpoint(path)


def test_any_flipped_bit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    save_checkpoint(path, STATE)
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        content = bytearray(whole)
        content[place] ^= 1 << place % 8
        path.write_bytes(content)
        with pytest.raises(StoreError, match="checkpoint is damaged") as caught:
            load_checkpoint(path)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (np.float64(1.0), "numpy.float64"),
        (np.zeros(2), "numpy.ndarray"),
        ({1, 2}, "builtins.set"),
        (torch.nn.Linear(1, 1), "Linear"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_could_not_be_loaded_is_not_saved(tmp_path: Path, value: object, place: str) -> None:
    with pytest.raises(TypeError, match=rf"state\['inner'\]\[1\] is a .*{place}"):
        save_checkpoint(tmp_path / "checkpoint", {"inner": [0, value]})
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_that_is_no_dictionary_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    torch.save([1, 2], buffer)
    (tmp_path / "checkpoint").write_bytes(_sealed(buffer.getvalue()))
    with pytest.raises(StoreError, match="not ours"):
        load_checkpoint(tmp_path / "checkpoint")
