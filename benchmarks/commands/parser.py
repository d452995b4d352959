"""How the command line complains of arguments."""

from __future__ import annotations

import argparse
from difflib import get_close_matches
from typing import Any, NoReturn


class Parser(argparse.ArgumentParser):
    """Complains in one line, with the nearest name where one is unknown; each command of its own arguments."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Nothing may be left: the base class has the whole line's parser complain of what a command does not know."""
        found, left = super().parse_known_args(args, namespace)
        if left:
            known = self._option_string_actions
            given = next((each.partition("=")[0] for each in left if each.startswith("-")), "")
            close = get_close_matches(given, known, n=1, cutoff=0.5)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            self.error(f"unrecognized arguments: {' '.join(left)}{hint}")
        return found, left

    def error(self, message: str) -> NoReturn:
        from results.files import printable

        end = " see" if message.endswith("?") else "; see"
        self.exit(2, f"{self.prog}: {printable(message)}{end} `{self.prog} --help`\n")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        from environments.typed_options import nearest

        if action.choices is not None and value not in action.choices:
            hint = nearest(str(value), map(str, action.choices))
            raise argparse.ArgumentError(action, f"invalid choice: {value!r}; {hint}")
