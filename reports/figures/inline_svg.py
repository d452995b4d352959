"""A matplotlib SVG made part of a page: small, with ids of its own, and with the page's fonts and colours."""

from __future__ import annotations

import re
import zlib
from html import escape

from reports.figures.colours import LIGHT

#: ids of what belongs to one algorithm: of.<algorithm>.<panel>.<count>
_TAG = re.compile(r'<g id="of\.([^"]+)\.\d+\.\d+">')


def inline_svg(svg: str, name: str, label: str) -> str:
    """The SVG element alone, its size left to the page.

    name: unique within the page.  label: what a screen reader says.  What belongs to an algorithm carries its name in
    `data-algorithm`; colours that the page knows become its variables, so that dark mode and print have their own.
    """
    text = svg[svg.index("<svg") :]
    # its style sheet, the same in every figure, is the page's own
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->|<style.*?</style>", "", text, flags=re.DOTALL)
    text = _short_ids(_TAG.sub(r'<g data-algorithm="\1">', text), name)
    text = re.sub(r"font-family: [^;\"]*;? ?|(?<=px )'DejaVu Sans'[^;\"]*", "", text)
    text = re.sub(r"<[^>]*>", lambda tag: _compact(tag[0]), text)
    for variable, colour in LIGHT.items():
        text = text.replace(colour, f"var(--{variable})")
    attributes = f'role="img" aria-label="{escape(label)}"'
    text = re.sub(r'<svg [^>]*?(viewBox="[^"]*")[^>]*>', rf"<svg \1 {attributes}>", text, count=1)
    return re.sub(r">\s+<", "><", text).strip()


def _short_ids(text: str, name: str) -> str:
    """Ids that nothing refers to go; the others are made unique within the page by the name's checksum."""
    used = list(dict.fromkeys(re.findall(r'(?:href="|url\()#([^")]+)', text)))
    short = {found: f"f{zlib.crc32(name.encode()):08x}-{number}" for number, found in enumerate(used)}
    text = re.sub(r' id="([^"]+)"', lambda match: f' id="{short[match[1]]}"' if match[1] in short else "", text)
    return re.sub(r'(href="|url\()#([^")]+)', lambda match: f"{match[1]}#{short[match[2]]}", text)


def _compact(tag: str) -> str:
    """The same shape in fewer characters: a tenth of a point is finer than a screen shows."""
    tag = re.sub(r"-?\d+\.\d{2,}", lambda number: f"{float(number[0]):.1f}".replace("-0.0", "0.0"), tag)
    tag = re.sub(r"(\d)\.0\b", r"\1", tag)
    tag = re.sub(r' transform="rotate\(-0 [^"]*"', "", tag)
    tag = re.sub(r"\s*\n\s*", " ", tag)
    tag = re.sub(r" ?\b([MLCQz])\b ?", r"\1", tag) if tag.startswith("<path") else tag
    return re.sub(r"([:;]) (?=[^\"]*\")", r"\1", tag) if "style=" in tag else tag
