"""The page's last section: everything to beware of."""

from __future__ import annotations

from html import escape

from reports.sections.report import Report, Section


def section(report: Report) -> Section:
    items = "".join(f"<li><b>{escape(caution.kind)}:</b> {escape(caution.text)}.</li>" for caution in report.cautions)
    body = f'<ul class="caution">{items}</ul>' if items else "<p>None.</p>"
    return Section(f'<section id="cautions"><h2>Warnings</h2>{body}</section>')
