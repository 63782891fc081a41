"""Figures for papers: letters that can be read at the width asked for, nothing over another, fonts inside."""

import re
import zlib
from itertools import combinations
from typing import Any

import pytest

from harness.figures import Bars, Curve, Figure, Grid, Reliability, RiskCoverage, Transitions, figure_name
from harness.outcomes import Table
from harness.report import figures as drawing
from harness.report.figures import draw, draw_file, panels
from harness.report.look import PAGE, SMALLEST, Look, paper
from tests.unit.report.test_figures import FIGURES, estimate, row, table

ARMS = ("zero-shot", "few-shot brainstorm", "few-shot shuffled", "huang sampled oracle", "own_thought", "fixed")


def outcomes(arms: int, per_arm: int = 40) -> Table:
    return table(
        *(
            row((i + 0.5) / per_arm, i % 3 > 0, arm=arm, later=i % 4 > 0, level=str(i % 3))
            for arm in ARMS[:arms]
            for i in range(per_arm)
        )
    )


def texts(painted: Any) -> list[Any]:
    """All texts that a picture shows."""
    from matplotlib.text import Text

    found = painted.findobj(lambda one: isinstance(one, Text) and one.get_visible() and one.get_text().strip())
    axis = [one for axes in painted.axes for one in (axes.xaxis, axes.yaxis)]
    drawn = {id(tick.label1) for one in axis for tick in one._update_ticks()}
    beyond = {id(tick.label1) for one in axis for tick in one.get_major_ticks()} - drawn
    return [one for one in found if one.get_window_extent().width > 0 and id(one) not in beyond]


@pytest.mark.parametrize("look", [paper(3.3, None, {}), paper(6.75, None, {}), PAGE], ids=["column", "text", "page"])
@pytest.mark.parametrize("arms", [1, 2, 3, 6])
@pytest.mark.parametrize("figure", FIGURES, ids=figure_name)
def test_labels_are_large_enough_and_none_lies_over_another(figure: Figure, arms: int, look: Look) -> None:
    with drawing._painted(figure, outcomes(arms), [], look) as painted:
        canvas = painted.figure
        canvas.draw_without_rendering()
        found = texts(canvas)
        assert len(found) > 4
        assert min(one.get_fontsize() for one in found) >= SMALLEST
        width, height = canvas.get_size_inches() * canvas.dpi
        boxes = [(one.get_text(), one.get_window_extent()) for one in found]
        for text, box in boxes:
            assert box.x0 > -1, text
            assert box.x1 < width + 1, text
            assert box.y0 > -1, text
            assert box.y1 < height + 1, text
        for (one, a), (two, b) in combinations(boxes, 2):
            across = min(a.x1, b.x1) - max(a.x0, b.x0)
            down = min(a.y1, b.y1) - max(a.y0, b.y0)
            assert across < 1 or down < 1, (one, two)


@pytest.mark.parametrize("arms", [1, 2, 3, 4, 6])
def test_all_pictures_of_a_page_are_as_wide_and_their_panels_fill_them(arms: int) -> None:
    for figure in FIGURES:
        svg = draw(figure, outcomes(arms), []).svg
        assert re.search(r'<svg [^>]*width="([0-9.]+)pt"', svg)[1] == "684"  # type: ignore[index]
        with drawing._painted(figure, outcomes(arms), [], PAGE) as painted:
            painted.figure.draw_without_rendering()
            ends = [axes.get_tightbbox() for axes in painted.figure.axes]
            drawn = max(box.x1 for box in ends) - min(box.x0 for box in ends)
            assert drawn > 0.9 * 9.5 * painted.figure.dpi


def test_a_pdf_holds_its_fonts_as_fonts_and_is_as_wide_as_asked_for() -> None:
    look = paper(3.3, 2.5, {"a": "no hints"})
    pdf = draw_file(Reliability("p", "right"), table(row(0.3, True), row(0.8, False)), [], look, "pdf")
    assert pdf == draw_file(Reliability("p", "right"), table(row(0.3, True), row(0.8, False)), [], look, "pdf")
    whole = pdf.data + b"".join(_streams(pdf.data))
    assert pdf.data.startswith(b"%PDF")
    assert b"/FontFile2" in whole  # TrueType, the "type 42" of PostScript
    assert b"/Type3" not in whole
    assert re.search(rb"/MediaBox \[\s*0 0 237\.6 180\s*\]", whole)  # 3.3 and 2.5 inches in points
    assert pdf.remarks == ("Whiskers: 95 % Wilson intervals, rows of one cluster counted together",)
    svg = draw_file(Reliability("p", "right"), table(row(0.3, True)), [], look, "svg").data.decode()
    assert "no hints, n = 1" in svg
    assert "Whiskers" not in svg.split("</metadata>")[1]  # a remark is for the caption
    assert draw_file(Bars("right", "arm"), table(row(0.3, True)), [], look, "png").data.startswith(b"\x89PNG")


def _streams(data: bytes) -> list[bytes]:
    found = []
    for part in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL):
        try:
            found.append(zlib.decompress(part))
        except zlib.error:
            continue
    return found


def test_names_are_those_of_people_or_of_the_paper() -> None:
    data = table(row(0.75, True, arm="own_thought"), row(0.75, False, arm="own_thought"))
    found = estimate("ece_equal_width", {"arm": "own_thought"}, 0.25, (0.1, 0.3), 2)
    plain = draw_file(Reliability("p", "right"), data, [found], paper(6.0, None, {}), "svg").data.decode()
    assert "own thought, n = 2" in plain
    assert "ECE, equal-width bins: 0.250 [0.100, 0.300]" in plain
    assert "share right" in plain
    assert "mean probability" in plain
    labels = {"own_thought": "with thought", "ece_equal_width": "ECE", "p": "P(True)", "right": "correct"}
    named = draw_file(Reliability("p", "right"), data, [found], paper(6.0, None, labels), "svg").data.decode()
    assert "with thought, n = 2" in named
    assert "ECE: 0.250 [0.100, 0.300]" in named
    assert "share correct" in named
    assert "mean P(True)" in named
    assert not re.search(r"own_thought|ece_equal_width", plain + named)


def test_panels_become_figures_of_their_own() -> None:
    data = outcomes(3)
    several = panels(Reliability("p", "right", where={"later": True}), data)
    assert len({figure_name(one) for one in several}) == 3
    whole = draw(Reliability("p", "right", where={"later": True}), data, []).alt
    for one in several:
        told = draw(one, data, []).alt.removeprefix("Reliability diagram by arm. ").split(" Whiskers")[0]
        assert told in whole
    assert len(panels(RiskCoverage("rank", "right"), data)) == 3
    alone = (Transitions("right", "later"), Curve("pass", x="n"), Grid("pass", "n", "arm"))
    for figure in (RiskCoverage("rank", "right", overlay=True), *alone):
        assert panels(figure, data) == [figure]
    assert panels(Reliability("p", "right"), table()) == [Reliability("p", "right")]
