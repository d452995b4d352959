"""One colour and marker for an algorithm everywhere, told apart by colour-blind readers and without colour at all."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count

#: the page's text and rules; figures use them too, so that the page can put its dark mode's in their place
INK, LINE = "#24292f", "#d5dae0"
#: six colours of Okabe & Ito 2008 (without yellow and black, lost on white and on dark pages), and a brown
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f5539")
_GREY = "#767b82"
#: the page's CSS variables in light and in dark mode
LIGHT = {"ink": INK, "line": LINE, "grey": _GREY, **{f"c{index}": colour for index, colour in enumerate(PALETTE)}}
_DARK_PALETTE = ("#3b8fd4", "#e8752f", "#1fb588", "#d893b9", "#eeb02b", "#7fcbf5", "#b58d6a")
DARK = {
    "ink": "#e3e6ea",
    "line": "#343a42",
    "grey": "#9aa1a9",
    **{f"c{index}": colour for index, colour in enumerate(_DARK_PALETTE)},
}
#: matplotlib's marker and the same shape for CSS's clip-path
MARKERS = {
    "o": "circle(50%)",
    "s": "inset(8%)",
    "D": "polygon(50% 0,100% 50%,50% 100%,0 50%)",
    "^": "polygon(50% 0,100% 100%,0 100%)",
    "v": "polygon(0 0,100% 0,50% 100%)",
    "P": "polygon(33% 0,67% 0,67% 33%,100% 33%,100% 67%,67% 67%,67% 100%,33% 100%,33% 67%,0 67%,0 33%,33% 33%)",
    "X": "polygon(25% 0,50% 25%,75% 0,100% 25%,75% 50%,100% 75%,75% 100%,50% 75%,25% 100%,0 75%,25% 50%,0 25%)",
}
#: the floor and the ceiling look the same in every report
_FIXED = {"random-init": (_GREY, "o"), "oracle": (INK, "D")}
#: our methods, a row for each time that the palette is gone through, so that no two of a paper's figure share a colour.
#: Two variants have MAML's: the one with a bias transform, and the control that trains MAML on more tasks.
_ROWS = (
    ("promp", "maml-trpo", "bo-mrl-1", "maml-vpg", "multi-task", "e-maml-trpo", "tmaml"),
    ("cavia", "imaml", "lvc-vpg", "dice-vpg", "e-maml-vpg", "maesn", "lvc-trpo"),
    ("xmrl-g", "maml-trpo-bias", "contextual-sac", "maml-vpg-validation", "bo-mrl-2", "meta-augmentation", "bo-mrl-3"),
    ("gmps", "meta-regularization", "task-weighting", "", "contextual-ppo", "", "xmrl-g-random"),
    ("", "xmrl-g-critical", "xmrl-g-weighted", "", "xmrl-g-five-random", "xmrl-g-continued", "maml-vpg-continued"),
)
_PLACES = {name: (slot, turn) for turn, row in enumerate(_ROWS) for slot, name in enumerate(row) if name}


@dataclass(frozen=True)
class Style:
    colour: str
    marker: str  # a key of MARKERS
    dashed: bool


def styles_for(algorithms: Iterable[str]) -> dict[str, Style]:
    """A style for each algorithm, no two alike, by its name: ours are the same in every report.

    Another's own name chooses among the colours that are left, so that it mostly keeps it from one report to the next.
    Colours that are used again have another marker and dashed lines.
    """
    names = sorted(set(algorithms))
    places = {name: _PLACES[name] for name in names if name in _PLACES}
    taken = set(places.values())
    for name in names:
        if name in places or name in _FIXED:
            continue
        first = zlib.crc32(name.encode()) % len(PALETTE)
        slots = [(first + step) % len(PALETTE) for step in range(len(PALETTE))]
        # the least used colour, and of those the first from where the name points
        used = {slot: sum(other == slot for other, _ in taken) for slot in slots}
        slot = min(slots, key=lambda slot: used[slot])
        turn = next(turn for turn in count() if (slot, turn) not in taken)
        places[name] = (slot, turn)
        taken.add(places[name])
    return {name: _style(name, places) for name in names}


def _style(name: str, places: dict[str, tuple[int, int]]) -> Style:
    if name in _FIXED:
        colour, marker = _FIXED[name]
        return Style(colour, marker, dashed=True)
    slot, turn = places[name]
    markers = list(MARKERS)
    return Style(PALETTE[slot], markers[(slot + turn) % len(markers)], dashed=turn > 0)
