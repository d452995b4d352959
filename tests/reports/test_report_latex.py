"""A report's LaTeX tables compile as they are, and in somebody's document.

Needs pdflatex (Debian's: `apt-get install -y --no-install-recommends texlive-latex-base texlive-latex-recommended`),
and is skipped only without it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from reports.page import write_report
from results.store import Store
from tests.support.scored_runs import store_run

pytestmark = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")

#: names that LaTeX would act on
NAMES = ("promp", "maml, 50 % of a_b", "a&b", "~tilde^", "#1 {x}", "$dollar$", "<less|more>", '"quoted"')


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of tables of a report on suites and algorithms of such names; one has one seed, one two steps."""
    root = tmp_path_factory.mktemp("latex")
    store = Store(root / "results")
    for number, name in enumerate(NAMES):
        for seed in range(1 if number == 1 else 2):
            store_run(store, "lake[x=1,y=a_b]", name, seed, 10.0 * number - 40, steps=2)
    store_run(store, "point", "promp", 0, budget=1)
    store_run(store, "point", "promp", 0, budget=2, configuration={"clip": 0.2})
    for number in range(8):  # as many algorithms and suites as made a line of 905 pt too much
        for method in range(11):
            suite = f"half-cheetah-direction[horizon={number}00]"
            store_run(store, suite, f"e-maml-trpo-{method}", 0, -1000.0 * method, points=1)
            store_run(store, suite, f"e-maml-trpo-{method}", 1, -1500.0 * method, points=1)
    return write_report(store.finished(), root / "report").parent / "tables"


def compiled(source: Path, folder: Path) -> str:
    """What pdflatex says of the PDF that it wrote: `paper.pdf (1 page, 28966 bytes)`."""
    options = ("-interaction=nonstopmode", "-halt-on-error", "-output-directory", str(folder))
    done = subprocess.run(
        ["pdflatex", *options, str(source)], cwd=folder, capture_output=True, text=True, errors="replace"
    )
    said = " ".join(done.stdout.split())
    assert done.returncode == 0, f"{source.name}: {said[-600:]}"
    too_long = [float(points) for points in re.findall(r"Overfull \\hbox \(([\d.]+)pt", said)]
    assert max(too_long, default=0) < 3, f"{source.name}: lines are {too_long} pt too long"
    return said.partition("Output written on ")[2]


def test_every_table_compiles_alone_on_one_page(tables: Path, tmp_path: Path) -> None:
    sources = sorted(tables.glob("*.tex"))
    assert len(sources) == 12
    for source in [source for source in sources if "cheetah" not in source.name]:
        assert "(1 page," in compiled(source, tmp_path)


def test_every_table_can_be_put_into_a_minimal_document(tables: Path, tmp_path: Path) -> None:
    inputs = "\n\n".join(rf"\input{{{source.as_posix()}}}" for source in sorted(tables.glob("*.tex")))
    document = tmp_path / "paper.tex"
    document.write_text(
        "\\documentclass{article}\n\\usepackage{booktabs}\n\\begin{document}\nBefore.\n\n"
        f"{inputs}\n\nAfter.\n\\end{{document}}\n"
    )
    assert "page" in compiled(document, tmp_path)
