"""What every page's style is made of: the files that are shipped, and the colours of its algorithms."""

from __future__ import annotations

from importlib.resources import files

from reports.figures.colours import DARK, LIGHT, MARKERS, Style


def asset(name: str) -> str:
    """The text of a file beside this one."""
    return (files("reports") / "assets" / name).read_text(encoding="utf-8")


def page_style(styles: dict[str, Style], classes: dict[str, str]) -> str:
    """CSS: the colours in light and dark mode, each algorithm's colour and marker, and the rules of all pages.

    classes: the algorithms' CSS classes.
    """
    light = "".join(f"--{name}:{colour};" for name, colour in LIGHT.items())
    dark = "".join(f"--{name}:{colour};" for name, colour in DARK.items())
    names = {colour: name for name, colour in LIGHT.items()}
    marks = "".join(
        f".{classes[algorithm]}{{--c:var(--{names[style.colour]});--m:{MARKERS[style.marker]}}}\n"
        for algorithm, style in sorted(styles.items())
    )
    variables = f":root{{{light}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n{marks}"
    return variables + asset("page.css")
