"""Keyed streams: every draw is a function of (seed, purpose, index) and of nothing else."""

import random

import numpy as np
import pytest
import torch

from environments.streams import Streams


def test_one_key_gives_one_sequence_whatever_was_drawn_before():
    streams = Streams(3)
    first = streams.numpy("tasks", 1, 2).standard_normal(8)
    streams.numpy("tasks", 1, 3).standard_normal(100)
    streams.torch("tasks", 1, 2)
    np.testing.assert_array_equal(first, streams.numpy("tasks", 1, 2).standard_normal(8))
    np.testing.assert_array_equal(first, Streams(3).numpy("tasks", 1, 2).standard_normal(8))


def test_seed_purpose_index_and_family_all_separate_the_draws():
    keyed = [
        Streams(0).integer("a"),
        Streams(1).integer("a"),
        Streams(0).integer("b"),
        Streams(0).integer("a", 0),
        Streams(0).integer("a", 1),
        Streams(0).integer("a", 0, 1),
        Streams(0).integer("a", 1, 0),
        Streams(0).child("b").integer("a"),
        Streams(0).child("b", 1).integer("a"),
        Streams(0).child("a").integer("b"),
    ]
    assert len(set(keyed)) == len(keyed)


def test_the_first_draws_never_change():
    # stored results are reproducible only while these numbers stay
    assert Streams(0).integer("collect", 1, 2) == 3292477143138332440
    assert Streams(7).numpy("tasks").integers(1000, size=4).tolist() == [421, 608, 688, 429]


def test_children_of_children_are_keyed_by_their_whole_path():
    one = Streams(5).child("run", 2).child("collect", 3)
    assert one.integer("reset") == Streams(5).child("run", 2).child("collect", 3).integer("reset")
    assert one.integer("reset") != Streams(5).child("collect", 3).child("run", 2).integer("reset")


def test_torch_generators_repeat_too():
    first = torch.randn(6, generator=Streams(1).torch("actions", 4))
    assert torch.equal(first, torch.randn(6, generator=Streams(1).torch("actions", 4)))
    assert not torch.equal(first, torch.randn(6, generator=Streams(1).torch("actions", 5)))


def test_seeds_fit_a_signed_64_bit_integer():
    seeds = [Streams(0).integer("seed", index) for index in range(200)]
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert max(seeds) > 2**62


def test_drawing_leaves_the_global_generators_alone():
    Streams(0).seed_globals("before")
    expected = (random.random(), np.random.random(), torch.rand(1).item())
    Streams(0).seed_globals("before")
    Streams(1).numpy("x").random()
    torch.rand(3, generator=Streams(1).torch("x"))
    assert (random.random(), np.random.random(), torch.rand(1).item()) == expected


def test_seeding_the_globals_repeats_all_three_libraries():
    def draws(*index):
        Streams(0).seed_globals("call", *index)
        return random.random(), np.random.random(), torch.rand(1).item()

    assert draws(1) == draws(1)
    assert all(one != other for one, other in zip(draws(1), draws(2), strict=True))


@pytest.mark.parametrize("seed", [-1, 0.5, "0", None])
def test_a_seed_that_is_no_count_is_refused(seed):
    with pytest.raises(ValueError, match="seed must be an integer of at least 0, got"):
        Streams(seed)
