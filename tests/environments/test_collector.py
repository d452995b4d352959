"""The doors to the environment: budget, keyed draws, masks, what a batch stores (their guard: test_access.py)."""

from dataclasses import dataclass, fields, replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from environments.access import Guard
from environments.catalogue import make_suite
from environments.collector import KEPT_BATCHES, Collector
from environments.ledger import BudgetSpent, Ledger
from environments.policy import Previous
from environments.streams import Streams
from environments.task import TaskRef

LAKE = "frozen-lake-high[end=episode]"


@dataclass(frozen=True)
class UniformChoice:
    """Uniform over four actions."""

    logits: torch.Tensor

    @property
    def parameters(self):
        return {"logits": self.logits}

    @classmethod
    def from_parameters(cls, parameters):
        return cls(parameters["logits"])

    def sample(self, generator):
        rows = torch.softmax(self.logits, -1).reshape(-1, self.logits.shape[-1])
        return torch.multinomial(rows, 1, generator=generator).reshape(self.logits.shape[:-1])

    def log_prob(self, action):
        return torch.log_softmax(self.logits, -1).gather(-1, action[..., None])[..., 0]


@dataclass(frozen=True)
class UnitGaussian:
    """Standard deviation 1 in each coordinate."""

    mean: torch.Tensor

    @property
    def parameters(self):
        return {"mean": self.mean}

    @classmethod
    def from_parameters(cls, parameters):
        return cls(parameters["mean"])

    def sample(self, generator):
        return self.mean + torch.randn(self.mean.shape, generator=generator)

    def log_prob(self, action):
        return torch.distributions.Normal(self.mean, 1.0).log_prob(action).sum(-1)


class Wanderer:
    """Acts at random; draws a latent per episode if asked, and keeps what it was shown."""

    def __init__(self, latent: bool = False):
        self.latent = latent
        self.shown: list[tuple[torch.Tensor, Previous, object]] = []

    def begin(self, tasks, trajectories, stream):
        if not self.latent:
            return None
        return SimpleNamespace(latent=torch.randn(tasks, trajectories, 2, generator=stream.torch("latent")))

    def act(self, observation, previous, state):
        self.shown.append((observation.clone(), previous, state))
        lead = observation.shape[:2]
        if observation.dtype == torch.int64:
            return UniformChoice(torch.zeros(*lead, 4)), state
        return UnitGaussian(-0.1 * observation[..., :2]), state


def collector(name=LAKE, seed=0, limit=None):
    return Collector(make_suite(name), Streams(seed), Ledger(limit), Guard("training", ["train"]))


def references(name=LAKE, count=3):
    return [TaskRef("train", task.id) for task in make_suite(name).split.train[:count]]


def as_bytes(batch):
    parts = []
    for field in fields(batch):
        value = getattr(batch, field.name)
        parts += value.values() if isinstance(value, dict) else [] if value is None else [value]
    return [part.contiguous().numpy().tobytes() for part in parts]


# Budget


def test_collection_charges_every_step_to_the_horizon_early_ends_included():
    mine = collector(limit=1000)
    batch = mine.collect(Wanderer(), references(), 4)
    assert mine.cost(3, 4) == 3 * 4 * 49 == mine.ledger.spent
    assert batch.mask.sum() < mine.ledger.spent
    assert mine.remaining == 1000 - 3 * 4 * 49


def test_a_budget_can_be_spent_to_its_last_step_and_not_beyond():
    mine = collector(limit=2 * 49)
    mine.collect(Wanderer(), references(count=2), 1)
    assert mine.remaining == 0
    with pytest.raises(BudgetSpent, match="49 environment steps asked for, 0 of 98 left"):
        mine.collect(Wanderer(), references(count=1), 1)
    assert mine.ledger.spent == 98


def test_an_unlimited_ledger_counts_and_never_ends():
    mine = collector()
    mine.collect(Wanderer(), references(), 4)
    assert (mine.remaining, mine.ledger.spent) == (float("inf"), 588)


@pytest.mark.parametrize(("tasks", "trajectories"), [(0, 3), (3, 0)])
def test_an_empty_collection_is_refused(tasks, trajectories):
    with pytest.raises(ValueError, match=f"at least one task and one trajectory, got {tasks} and {trajectories}"):
        collector().collect(Wanderer(), references(count=tasks), trajectories)


# Keyed draws


@pytest.mark.parametrize("name", [LAKE, "corners", "frozen-lake-low[start=uniform]"])
def test_collections_repeat_byte_for_byte(name):
    one, other = (collector(name).collect(Wanderer(latent=True), references(name), 4) for _ in range(2))
    assert as_bytes(one) == as_bytes(other)


def test_calls_iterations_and_seeds_all_draw_anew():
    mine, tasks = collector("corners"), references("corners")
    batches = [mine.collect(Wanderer(), tasks, 4), mine.collect(Wanderer(), tasks, 4)]
    mine.begin_iteration(1)
    batches += [mine.collect(Wanderer(), tasks, 4), collector("corners", seed=1).collect(Wanderer(), tasks, 4)]
    assert len({batch.actions.numpy().tobytes() for batch in batches}) == 4
    assert len({batch.observations[:, :, 0].numpy().tobytes() for batch in batches}) == 4


def test_a_resumed_run_draws_what_the_uninterrupted_one_did():
    def iteration(mine, index):
        mine.begin_iteration(index)
        tasks = mine.sample_tasks(5)
        return tasks, as_bytes(mine.collect(Wanderer(latent=True), tasks, 4))

    whole, resumed = collector(), collector()
    uninterrupted = [iteration(whole, index) for index in range(3)]
    assert iteration(resumed, 2) == uninterrupted[2]


def test_batches_kept_from_earlier_collections_leave_no_trace():
    tasks = references("corners", count=4)
    used, fresh = collector("corners"), collector("corners")
    for trajectories in range(1, KEPT_BATCHES + 3):
        used.collect(Wanderer(), tasks[::-1], trajectories)
    for mine in (used, fresh):
        mine.begin_iteration(1)
    assert as_bytes(used.collect(Wanderer(), tasks, 2)) == as_bytes(fresh.collect(Wanderer(), tasks, 2))


def test_global_generators_are_neither_read_nor_moved():
    Streams(1).seed_globals("one")
    one = as_bytes(collector("corners").collect(Wanderer(latent=True), references("corners"), 4))
    after = torch.rand(1), np.random.random()
    Streams(1).seed_globals("one")
    assert (torch.rand(1), np.random.random()) == after
    assert as_bytes(collector("corners").collect(Wanderer(latent=True), references("corners"), 4)) == one


# Training tasks


def test_training_tasks_come_without_repeats_while_the_split_lasts():
    mine = collector()
    tasks = mine.sample_tasks(20)
    assert {task.id for task in tasks} == {task.id for task in make_suite(LAKE).split.train}
    assert {task.split for task in tasks} == {"train"}
    more = mine.sample_tasks(45)
    counts = [sum(task.id == reference.id for reference in more) for task in tasks]
    assert sorted(set(counts)) == [2, 3] and len(more) == 45
    assert more[:20] != tasks


def test_fresh_tasks_are_drawn_anew_and_can_be_collected():
    mine = collector("frozen-lake-low[train_tasks=distribution]")
    tasks = mine.sample_tasks(30)
    assert len({task.id for task in tasks}) == 30
    assert mine.collect(Wanderer(), tasks, 2).rewards.shape == (30, 2, 49)


def test_fresh_tasks_repeat_with_the_seed_alone():
    def collected(seed):
        mine = collector("corners[train_tasks=distribution]", seed)
        return as_bytes(mine.collect(Wanderer(), mine.sample_tasks(30), 2))

    assert collected(0) == collected(0) != collected(1)


def test_fresh_tasks_last_for_their_iteration_alone():
    mine = collector("corners[train_tasks=distribution]")
    tasks = mine.sample_tasks(3)
    mine.begin_iteration(1)
    with pytest.raises(KeyError, match="has no task"):
        mine.collect(Wanderer(), tasks, 1)


# What a batch holds


def test_shapes_and_types_of_discrete_and_continuous_batches():
    lake = collector().collect(Wanderer(), references(), 4)
    assert (lake.observations.shape, lake.observations.dtype) == ((3, 4, 49), torch.int64)
    assert (lake.actions.shape, lake.actions.dtype) == ((3, 4, 49), torch.int64)
    assert lake.distribution["logits"].shape == (3, 4, 49, 4)
    point = collector("corners-momentum").collect(Wanderer(), references("corners-momentum"), 4)
    assert (point.observations.shape, point.observations.dtype) == ((3, 4, 100, 4), torch.float32)
    assert (point.actions.shape, point.actions.dtype) == ((3, 4, 100, 2), torch.float32)
    for batch in (lake, point):
        for values in (batch.rewards, batch.mask, batch.log_probabilities):
            assert (values.shape, values.dtype) == (batch.observations.shape[:3], torch.float32)
        assert (batch.success.dtype, batch.terminated.dtype) == (torch.bool, torch.bool)
        assert batch.success.shape == batch.terminated.shape == (3, 4)
        assert batch.latent is None


def test_masks_end_with_the_episode_and_rewards_with_the_mask():
    batch = collector().collect(Wanderer(), references(count=10), 20)
    assert ((batch.mask[..., 1:] <= batch.mask[..., :-1]) & (batch.mask[..., :1] == 1)).all()
    assert (batch.rewards[batch.mask == 0] == 0).all()
    assert torch.equal(batch.terminated, batch.rewards.abs().sum(-1) == 1)  # goal or hole, paid once
    assert torch.equal(batch.success, batch.rewards.sum(-1) == 1)
    assert batch.success.any() and batch.terminated.any()
    assert ((batch.lengths == 49) | batch.terminated).all()


def test_collection_stops_when_all_have_ended_and_pads_to_the_horizon():
    mine = collector("frozen-lake-high[end=episode,horizon=500]")
    policy = Wanderer()
    batch = mine.collect(policy, references(), 3)
    assert batch.terminated.all()
    assert len(policy.shown) == batch.lengths.max() < 500
    assert batch.rewards.shape[-1] == batch.distribution["logits"].shape[2] == 500
    assert (batch.log_probabilities[..., len(policy.shown) :] == 0).all()


def test_recorded_actions_replay_to_the_recorded_rewards():
    suite = make_suite(LAKE)
    batch = collector().collect(Wanderer(), references(count=5), 6)
    for index, task in enumerate(suite.split.train[:5]):
        successor, reward, _ = suite.tables(task)
        state, action = batch.observations[index].numpy(), batch.actions[index].numpy()
        valid = batch.mask[index].numpy() == 1
        np.testing.assert_array_equal(batch.rewards[index].numpy()[valid], reward[state, action][valid])
        moved = valid[:, 1:]
        np.testing.assert_array_equal(state[:, 1:][moved], successor[state, action][:, :-1][moved])


def test_log_probabilities_are_those_of_the_recorded_distribution():
    batch = collector("corners").collect(Wanderer(), references("corners"), 4)
    expected = UnitGaussian(-0.1 * batch.observations).log_prob(batch.actions)
    torch.testing.assert_close(batch.log_probabilities, expected)
    lake = collector().collect(Wanderer(), references(), 4)
    torch.testing.assert_close(lake.log_probabilities[lake.mask == 1].exp(), torch.full((int(lake.mask.sum()),), 0.25))


def test_a_policy_is_shown_what_came_before_and_keeps_its_state():
    policy = Wanderer(latent=True)
    batch = collector("corners").collect(policy, references("corners"), 4)
    observation, previous, state = policy.shown[0]
    assert previous.start and previous.alive.all()
    assert (previous.action.shape, previous.reward.shape) == ((3, 4, 2), (3, 4))
    assert not previous.action.any() and not previous.reward.any()
    assert torch.equal(batch.latent, state.latent)
    for time, (observation, previous, kept) in enumerate(policy.shown):
        assert torch.equal(observation, batch.observations[:, :, time])
        assert kept is state
        if time:
            assert not previous.start
            assert torch.equal(previous.action, batch.actions[:, :, time - 1])
            assert torch.equal(previous.reward, batch.rewards[:, :, time - 1])


def test_a_policy_is_told_which_episodes_go_on_and_what_their_last_step_paid():
    policy = Wanderer()
    batch = collector().collect(policy, references(count=10), 20)
    alive = torch.stack([previous.alive for _, previous, _ in policy.shown], dim=2)
    assert alive.dtype == torch.bool and not alive.all()
    assert torch.equal(alive.float(), batch.mask[..., : len(policy.shown)])
    for time, (_, previous, _) in enumerate(policy.shown):
        assert (previous.action.dtype, previous.reward.dtype) == (torch.int64, torch.float32)
        assert not previous.reward[batch.mask[:, :, max(time - 1, 0)] == 0].any()


@pytest.mark.parametrize("name", [LAKE, "corners", "hopper-params[horizon=60]"])
def test_the_observation_after_each_step_is_known_after_the_last_one_too(name):
    policy = Wanderer() if name != "hopper-params[horizon=60]" else Hopping()
    batch = collector(name).collect(policy, references(name), 4)
    after = batch.next_observations
    assert after.shape == batch.observations.shape and after.dtype == batch.observations.dtype
    assert batch.terminated.any() == (name != "corners")
    seen = torch.stack([observation for observation, _, _ in policy.shown], dim=2)
    for task in range(3):
        for trajectory in range(4):
            length = int(batch.lengths[task, trajectory])
            shown = seen[task, trajectory]
            assert torch.equal(after[task, trajectory, : length - 1], shown[1:length])
            assert torch.equal(after[task, trajectory, length - 1], batch.final_observations[task, trajectory])
            if length < shown.shape[0]:  # others went on, and it was shown where it had stopped
                assert torch.equal(batch.final_observations[task, trajectory], shown[length])


def test_final_observations_are_those_of_the_same_actions_played_again():
    suite = make_suite(LAKE)
    batch = collector().collect(Wanderer(), references(count=5), 6)
    for index, task in enumerate(suite.split.train[:5]):
        successor, _, _ = suite.tables(task)
        valid = batch.mask[index] == 1
        state, action = batch.observations[index][valid], batch.actions[index][valid]
        np.testing.assert_array_equal(batch.next_observations[index][valid], successor[state, action])


def test_next_observations_of_a_batch_that_was_not_collected_are_refused():
    batch = replace(collector().collect(Wanderer(), references(), 2), final_observations=None)
    with pytest.raises(ValueError, match="no final observations"):
        batch.next_observations  # noqa: B018


class Hopping(Wanderer):
    """Random controls for a hopper's three motors."""

    def act(self, observation, previous, state):
        super().act(observation, previous, state)
        return UnitGaussian(torch.zeros(*observation.shape[:2], 3)), state


class Overwriting(Wanderer):
    """Spoils everything that it was shown or has given, once it is done with it; its buffers serve for every step."""

    def begin(self, tasks, trajectories, stream):
        state = super().begin(tasks, trajectories, stream)
        self.mine = state.latent
        return state

    def act(self, observation, previous, state):
        self.mine.add_(1)
        if not previous.start:
            previous.action.zero_()
            previous.reward.add_(100)
        previous.alive.zero_()
        if observation.dtype == torch.int64:
            self.buffer = getattr(self, "buffer", torch.zeros(*observation.shape, 4)).add_(0.1)
            distribution = UniformChoice(self.buffer)
        else:
            self.buffer = getattr(self, "buffer", torch.zeros(*observation.shape[:2], 2))
            distribution = UnitGaussian(self.buffer.copy_(-0.1 * observation[..., :2]))
        observation.zero_()
        return distribution, state


@pytest.mark.parametrize("name", [LAKE, "corners"])
@pytest.mark.parametrize("count", [1, 3])
def test_a_policy_that_works_in_place_changes_nothing_that_is_recorded(name, count):
    recorded = [
        collector(name).collect(policy, references(name, count), count)
        for policy in (Wanderer(latent=True), Overwriting(latent=True))
    ]
    if name == LAKE:  # the buffer moves all logits alike: other numbers, the same policy
        shifts = recorded[1].distribution["logits"]
        length = int(recorded[1].lengths.max())
        expected = 0.1 * torch.arange(1, length + 1, dtype=torch.float32)
        torch.testing.assert_close(shifts[0, 0, :length, 0], expected)
    else:
        assert as_bytes(recorded[0]) == as_bytes(recorded[1])
    recorded_fields = ("observations", "actions", "rewards", "mask", "success", "terminated", "final_observations")
    for field in (*recorded_fields, "latent"):
        assert torch.equal(getattr(recorded[0], field), getattr(recorded[1], field)), field


def test_returns_and_selection_follow_the_rewards():
    batch = collector("corners").collect(Wanderer(), references("corners"), 4)
    rewards = batch.rewards.double().numpy()
    np.testing.assert_allclose(batch.returns.numpy(), rewards.sum(-1), atol=1e-12)
    np.testing.assert_allclose(batch.discounted_returns(0.9).numpy(), rewards @ 0.9 ** np.arange(100), atol=1e-12)
    assert as_bytes(batch.select(slice(0, 3))) == as_bytes(batch)
    assert torch.equal(batch.select(torch.tensor([2])).distribution["mean"][0], batch.distribution["mean"][2])


# The second door


def test_the_vector_environment_charges_each_step_before_it_is_taken():
    mine = collector(limit=20)
    env = mine.vector_env(references(count=3), trajectories=3)
    env.reset()
    assert mine.ledger.spent == 0
    env.step(np.zeros(9, dtype=np.int64))
    env.step(np.zeros(9, dtype=np.int64))
    with pytest.raises(BudgetSpent, match="9 environment steps asked for, 2 of 20 left"):
        env.step(np.zeros(9, dtype=np.int64))
    assert (mine.ledger.spent, env.envs[0]._batch.elapsed) == (18, 2)


def test_the_vector_environments_resets_are_keyed():
    def starts(mine):
        env = mine.vector_env(references("corners"), trajectories=2)
        return [env.reset()[0].tolist() for _ in range(2)]

    mine = collector("corners")
    first, second = starts(mine), starts(mine)
    assert first == starts(collector("corners"))
    assert len({str(start) for start in first + second}) == 4


def test_the_vector_environment_can_be_seeded():
    env = collector("corners").vector_env(references("corners"))
    assert env.reset(seed=5)[0].tolist() == env.reset(seed=5)[0].tolist() != env.reset(seed=6)[0].tolist()


def test_both_doors_step_the_same_tasks():
    name = "frozen-lake-high"
    batch = collector(name).collect(Wanderer(), references(name), 2)
    env = collector(name).vector_env(references(name), trajectories=2)
    env.reset()
    for time in range(49):
        _, reward, _, truncated, info = env.step(batch.actions[:, :, time].reshape(6).numpy())
        np.testing.assert_array_equal(reward, batch.rewards[:, :, time].reshape(6))
    assert truncated.all()
    np.testing.assert_array_equal(info["success"], batch.success.reshape(6))
