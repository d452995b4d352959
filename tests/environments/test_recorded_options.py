"""An added or renamed option: what was run before keeps its folder, and its record is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import Field, asdict, dataclass, field, fields, make_dataclass, replace
from typing import Any, get_type_hints

import pytest

from algorithms.promp import Promp, PrompConfig
from benchmarks.planning.plan import make_plan
from benchmarks.specs.run_spec import RunSpec, known_suite, recorded_suite
from benchmarks.specs.study_spec import StudySpec, find_study, resolved
from environments import problem
from environments.catalogue import make_suite
from environments.corners import Corners, CornersOptions
from environments.typed_options import UsageError, as_recorded, earlier_values, from_recorded, make_options, option
from results.identity import folder_name

CODE = "c" * 64
SUITE = "corners[horizon=20,action_scale=5,reward=published]"


@dataclass(frozen=True)
class Younger(PrompConfig):
    """Two options more; the second one's default is not what was done before."""

    warm_up: int = option(0, earlier=0)
    schedule: float | None = option(0.5, earlier=None)
    layers: tuple[int, ...] = option((8,), earlier=(4, 4))


def renamed(cls: type, old: str, new: str) -> type:
    """The dataclass with the option `old` named `new`, as if its text had been edited."""
    hints = get_type_hints(cls)
    kept = [(entry.name, hints[entry.name], copied(entry)) for entry in fields(cls) if entry.name != old]
    (default,) = (entry.default for entry in fields(cls) if entry.name == old)
    read = {old: property(lambda options: getattr(options, new))}  # the text that reads it is not edited
    added = (new, hints[old], option(default, formerly=old))
    return make_dataclass(cls.__name__, [*kept, added], frozen=True, namespace=read)


def copied(entry: Field[Any]) -> Any:
    return field(default=entry.default, metadata=entry.metadata)


@pytest.fixture
def forget_suites() -> Iterator[None]:
    """Suites are made once in a process."""
    for made in (known_suite, recorded_suite):
        made.cache_clear()
    yield
    for made in (known_suite, recorded_suite):
        made.cache_clear()


def plan(*settings: str, suite: str = "corners[reward=published]") -> RunSpec:
    (spec,) = make_plan(suites=[suite], algorithms=["promp"], seeds=1, profile="smoke", settings=settings)
    return replace(spec, code=CODE)


def read(kept: dict[str, Any]) -> RunSpec:
    """As `plan` has it; the checkpoint's interval is no part of a record."""
    return replace(RunSpec.from_record(kept), code=CODE, checkpoint_every=plan().checkpoint_every)


def record(spec: RunSpec) -> dict[str, Any]:
    return {
        "identity": spec.identity(),
        "description": {"profile": spec.profile, "benchmark": spec.benchmark},
        "provenance": {},
    }


def test_an_added_option_at_its_earlier_value_leaves_the_run_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    before = plan()
    identity, kept = before.identity(), record(before)
    monkeypatch.setattr(Promp, "Config", Younger)
    same = plan("promp.schedule=none", "promp.layers=4:4")
    assert same.configuration | {"schedule": None, "warm_up": 0, "layers": [4, 4]} == same.configuration
    assert same.identity() == identity and folder_name(same.identity()) == folder_name(identity)
    assert plan().identity()["configuration"] == {**identity["configuration"], "schedule": 0.5, "layers": [8]}
    assert read(kept) == same
    assert plan("promp.warm_up=3").identity()["configuration"]["warm_up"] == 3


def test_a_renamed_option_is_recorded_by_its_first_name_and_read_by_its_new_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = plan("promp.clip=0.25")
    identity, kept = before.identity(), record(before)
    monkeypatch.setattr(Promp, "Config", renamed(PrompConfig, "clip", "clip_range"))
    same = plan("promp.clip_range=0.25")
    assert same.configuration["clip_range"] == 0.25 and "clip" not in same.configuration
    assert same.identity() == identity
    assert read(kept) == same
    for setting in ("promp.clip=0.25", "all.clip=0.25"):
        with pytest.raises(UsageError, match="option 'clip'; it is named 'clip_range' now"):
            plan(setting)


def test_an_option_that_is_gone_or_that_was_added_without_a_word_is_not_what_was_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = record(plan())
    younger = make_dataclass("Wordless", [("more", int, 1)], bases=(PrompConfig,), frozen=True)
    monkeypatch.setattr(Promp, "Config", younger)
    assert RunSpec.from_record(kept).identity()["configuration"]["more"] == 1
    kept["identity"]["configuration"]["gone"] = 1
    with pytest.raises(UsageError, match="algorithm promp has no option 'gone' any more"):
        RunSpec.from_record(kept)


def test_a_name_that_records_hold_for_another_option_cannot_be_used_again() -> None:
    cls = renamed(PrompConfig, "clip", "clip_range")
    again = make_dataclass("Again", [("clip", float, 0.1)], bases=(cls,), frozen=True)
    with pytest.raises(TypeError, match="records hold 'clip' as another option"):
        as_recorded(again, {})


def test_plain_values_are_recorded_and_defaults_complete_what_is_read() -> None:
    assert as_recorded(Younger, {"hidden": (3,), "schedule": None, "layers": (8,)}) == {"hidden": [3], "layers": [8]}
    whole = from_recorded(Younger, {}, "promp")
    assert whole["layers"] == [4, 4] and whole["schedule"] is None
    assert make_options(Younger, whole, "promp") == Younger(schedule=None, layers=(4, 4))
    assert earlier_values(Younger).keys() == asdict(Younger()).keys()


@pytest.mark.usefixtures("forget_suites")
def test_a_suites_added_and_renamed_options_leave_digest_name_and_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, named = make_suite("corners[reward=published]"), make_suite(SUITE)
    digests, identity, kept = (plain.digest, named.digest), plan(suite=SUITE).identity(), record(plan(suite=SUITE))
    wind = make_dataclass("Wind", [("wind", float, option(1.0, earlier=0.0))], bases=(CornersOptions,), frozen=True)
    monkeypatch.setattr(Corners, "Options", renamed(wind, "action_scale", "scale"))
    known_suite.cache_clear()
    recorded_suite.cache_clear()

    still = make_suite("corners[wind=0,reward=published]")
    assert (still.digest, make_suite("corners[horizon=20,scale=5,wind=0,reward=published]").digest) == digests
    assert make_suite("corners").digest != digests[0]
    # whatever it is read as, a name that is shown means one thing
    assert make_suite("corners").full_name == "corners[reward=potential,wind=1]"
    assert still.full_name == "corners[reward=published,wind=0]" and still.recorded_name == "corners"
    assert recorded_suite("corners").full_name == "corners[reward=published,wind=0]"
    for text in ("horizon=20,wind=0,scale=5,reward=published", "reward=published,action_scale=5,horizon=20,wind=0"):
        assert plan(suite=f"corners[{text}]").identity() == identity
    assert read(kept).identity() == identity


def test_an_added_part_of_the_protocol_leaves_older_runs_where_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    before = plan()
    identity, kept = before.identity(), record(before)

    @dataclass(frozen=True)
    class Longer(problem.EvaluationProtocol):
        discarded: int = option(0, earlier=0)

    monkeypatch.setattr("benchmarks.specs.run_spec.EvaluationProtocol", Longer)
    assert before.identity() == identity
    with pytest.raises(TypeError, match="discarded"):  # until the spec has the field too
        RunSpec.from_record(kept)
    del kept["identity"]["protocol"]["adaptations"]
    monkeypatch.undo()
    assert RunSpec.from_record(kept).adaptations == 1


def test_a_studys_options_and_suites_are_recorded_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    found = find_study("exploration-paths")
    config = found.load().Config
    spec = StudySpec(found.name, resolved(found, {}), 0, code=CODE)
    identity = spec.identity()
    younger = make_dataclass("Younger", [("more", int, option(2, earlier=1))], bases=(config,), frozen=True)
    monkeypatch.setattr(found.load(), "Config", younger)
    read = StudySpec.from_record({"identity": identity, "description": {"profile": "custom", "benchmark": None}})
    assert read.configuration["more"] == 1 and replace(read, code=CODE).identity() == identity
    assert StudySpec(found.name, resolved(found, {}), 0).identity()["configuration"]["more"] == 2
