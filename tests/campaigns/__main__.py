"""`python -m tests.campaigns`: every campaign, as large as is asked for; exits 1 if one found a fault.

    python -m tests.campaigns                     small, in a minute
    python -m tests.campaigns --large             1,000 kills, 10,000 inputs
    python -m tests.campaigns --large --only kills,fuzz --write docs/reliability.md

`--write` puts the figures into the page's table, those of campaigns that were not run as they are.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.campaigns import corruption, disk_faults, fuzz, hostile_algorithms, kills, power_loss
from tests.campaigns.outcome import Outcome


@dataclass(frozen=True)
class Campaign:
    run: Callable[[int, int], Outcome]
    small: int
    large: int


CAMPAIGNS: dict[str, Campaign] = {
    "kills-of-runs": Campaign(kills.campaign, 8, 950),
    "kills-of-commands": Campaign(kills.commands, 1, 50),
    "disk": Campaign(disk_faults.campaign, 60, 1000),
    "power": Campaign(power_loss.campaign, 60, 5000),
    "corruption": Campaign(corruption.campaign, 40, 3000),
    "hostile": Campaign(hostile_algorithms.campaign, 3, 1000),
    "fuzz-command-line": Campaign(fuzz.command_line, 30, 2000),
    "fuzz-options": Campaign(fuzz.options, 200, 3000),
    "fuzz-toml": Campaign(fuzz.toml, 30, 2000),
    "fuzz-binaries": Campaign(fuzz.binaries, 200, 3000),
}
HEAD = ("Campaign", "Cases", "How they ended", "Faults", "Seed")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns", description=__doc__.partition("\n")[0])
    parser.add_argument("--large", action="store_true", help="as docs/reliability.md has it; takes an hour of one core")
    parser.add_argument("--only", metavar="A,B", help=f"of {', '.join(CAMPAIGNS)}; the beginning of a name will do")
    parser.add_argument("--scale", type=int, metavar="N", help="cases of each, in place of small or large")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of all that is drawn (default: 0)")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the figures into its table")
    parsed = parser.parse_args(arguments)
    wanted = tuple((parsed.only or "").split(","))
    faults = 0
    for name, campaign in CAMPAIGNS.items():
        if not name.startswith(wanted):
            continue
        scale = parsed.scale or (campaign.large if parsed.large else campaign.small)
        found = campaign.run(scale, parsed.seed)
        faults += len(found.faults)
        print(f"{name}: {' | '.join(found.as_row())} faults, {found.seconds:.0f} s", flush=True)
        for line in (*found.notes, *found.faults):
            print(f"  {line}", flush=True)
        if parsed.write is not None:
            write_row(parsed.write, name, (*found.as_row(), str(parsed.seed)))
    return 1 if faults else 0


def write_row(page: Path, name: str, row: tuple[str, ...]) -> None:
    """Replaces the row of the campaign in the page's table, each row of which ends with the campaign's name."""
    line = f"| {' | '.join(row)} | `{name}` |"
    text = page.read_text()
    own = re.compile(rf"^\|.*\| `{re.escape(name)}` \|$", re.MULTILINE)
    if not own.search(text):
        raise SystemExit(f"{page} has no row that ends with `{name}`")
    page.write_text(own.sub(lambda found: line, text))


if __name__ == "__main__":
    sys.exit(main())
