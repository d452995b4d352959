"""A report's folder: a report replaces what reports have written there, and nothing that is somebody else's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.commands.report import check_output
from reports.folder import MANIFEST, add_file, check_folder, write_folder
from reports.page import write_report
from reports.papers.page import write_paper
from results.files import StoreError
from results.published import find_paper
from results.store import Store
from tests.support.report_reading import digests
from tests.support.scored_runs import store_run

FIRST = {"summary.json": b"{}", "tables/point.csv": b"1", "figures/point.svg": b"<svg/>", "index.html": b"one"}
SECOND = {"summary.json": b"{}", "tables/lake.csv": b"2", "index.html": b"two"}
#: what is not a report's, some of it under names that one might have
FOREIGN = ("summary.md", ".writable", "notes.txt", "tables/mine.csv", "figures/holiday.png", "index.html.bak")


def put(folder: Path, *names: str) -> dict[str, str]:
    """Files of somebody else's; returns the digests of what the folder then holds."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"the only copy of {name}")
    return digests(folder)


def test_a_report_replaces_the_former_ones_files(tmp_path: Path) -> None:
    write_folder(tmp_path, FIRST)
    add_file(tmp_path, "summary.md", b"three")
    assert set(digests(tmp_path)) == {*FIRST, "summary.md", MANIFEST}
    write_folder(tmp_path, SECOND)
    assert set(digests(tmp_path)) == {*SECOND, MANIFEST}
    assert {name: (tmp_path / name).read_bytes() for name in SECOND} == SECOND


def test_the_same_report_gives_the_same_folder(tmp_path: Path) -> None:
    for name, former in (("fresh", {}), ("used", FIRST)):
        write_folder(tmp_path / name, former)
        write_folder(tmp_path / name, SECOND)
    assert digests(tmp_path / "fresh") == digests(tmp_path / "used")


def test_files_of_somebody_else_in_a_reports_folder_are_left_alone(tmp_path: Path) -> None:
    write_folder(tmp_path, FIRST)
    put(tmp_path, *FOREIGN)
    check_output(tmp_path)
    write_folder(tmp_path, SECOND)
    assert put(tmp_path, *FOREIGN).keys() == {*SECOND, *FOREIGN, MANIFEST}
    assert all((tmp_path / name).read_text() == f"the only copy of {name}" for name in FOREIGN)


def test_a_file_of_a_report_that_was_changed_since_is_not_removed(tmp_path: Path) -> None:
    write_folder(tmp_path, FIRST)
    put(tmp_path, "tables/point.csv")
    write_folder(tmp_path, SECOND)
    assert (tmp_path / "tables/point.csv").read_text() == "the only copy of tables/point.csv"
    with pytest.raises(StoreError, match=r"point\.csv is in the way, and no report's"):
        write_folder(tmp_path, FIRST)


@pytest.mark.parametrize("name", ["tables/lake.csv", "index.html"])
def test_a_file_in_the_way_that_no_report_has_written_is_refused_before_anything_changes(
    tmp_path: Path, name: str
) -> None:
    write_folder(tmp_path, {"summary.json": b"{}", "tables/point.csv": b"1"})
    before = put(tmp_path, name)
    with pytest.raises(StoreError, match=rf"{name} is in the way, and no report's; move it, or name a new folder"):
        write_folder(tmp_path, SECOND)
    with pytest.raises(StoreError, match=rf"{name} is in the way"):
        add_file(tmp_path, name, b"more")
    assert digests(tmp_path) == before


@pytest.mark.parametrize("names", [("summary.json", *FOREIGN), ("thesis.txt",), (MANIFEST, "summary.json")])
def test_a_folder_that_no_report_is_known_to_have_written_is_refused_by_every_writer(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    store, output = Store(tmp_path / "results"), tmp_path / "output"
    store_run(store)
    before = put(output, *names)
    first = sorted({Path(name).parts[0] for name in names})[0]
    for write in (
        lambda: check_output(output),
        lambda: write_report(store.finished(), output),
        lambda: write_paper(find_paper("promp"), [], output),
        lambda: add_file(output, "new", b""),
    ):
        with pytest.raises(StoreError, match=rf"holds something else than a report of this version \({first}\)"):
            write()
        assert digests(output) == before


@pytest.mark.parametrize("name", ["../outside", "tables/../../outside", "{outside}"])
def test_no_list_of_files_reaches_outside_its_folder(tmp_path: Path, name: str) -> None:
    outside, output = tmp_path / "outside", tmp_path / "output"
    write_folder(tmp_path / "other", {"outside": b"mine"})
    digest = json.loads((tmp_path / "other" / MANIFEST).read_text())["files"]["outside"]
    outside.write_bytes(b"mine")
    output.mkdir()
    (output / MANIFEST).write_text(json.dumps({"files": {name.format(outside=outside): digest}}))
    with pytest.raises(StoreError, match="something else than a report"):
        write_folder(output, FIRST)
    assert outside.read_bytes() == b"mine"


def test_a_report_that_was_cut_short_is_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_short(path: Path, content: bytes) -> None:
        if path.name == "index.html":
            raise StoreError("no space left")
        path.write_bytes(content)

    write_folder(tmp_path, FIRST)
    with monkeypatch.context() as patched:
        patched.setattr("reports.folder.write_whole", cut_short)
        with pytest.raises(StoreError, match="no space left"):
            write_folder(tmp_path, SECOND | {"figures/point.svg": b"new"})
    write_folder(tmp_path, {"index.html": b"three"})
    assert set(digests(tmp_path)) == {"index.html", MANIFEST}


def test_the_check_of_a_folder_leaves_nothing_behind(tmp_path: Path) -> None:
    check_folder(tmp_path / "new")
    assert not list((tmp_path / "new").iterdir())
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot make the folder"):
        check_folder(tmp_path / "file")


def test_a_disk_that_is_full_when_a_report_begins_leaves_a_folder_for_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(*_: object) -> None:
        raise StoreError("no space left")

    with monkeypatch.context() as full:
        full.setattr("reports.folder.write_json", no_space)
        with pytest.raises(StoreError, match="no space left"):
            write_folder(tmp_path, FIRST)
    assert digests(tmp_path) == {} and (tmp_path / "figures").is_dir()
    check_folder(tmp_path)
    write_folder(tmp_path, FIRST)
    assert set(digests(tmp_path)) == {*FIRST, MANIFEST}


def test_a_file_of_somebody_else_is_found_however_deep_it_lies(tmp_path: Path) -> None:
    put(tmp_path, "figures/holidays/beach.png")
    with pytest.raises(StoreError, match=r"holds something else than a report of this version \(figures\)"):
        check_folder(tmp_path)
