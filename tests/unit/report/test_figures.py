"""Figures: the numbers behind them in closed form, and pictures that are the same each time and never fail."""

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, replace

import numpy as np
import pytest

from harness.console import visible
from harness.errors import HarnessError
from harness.figures import Bars, Curve, Figure, Grid, Reliability, RiskCoverage, Transitions, check_figures
from harness.metrics.calibration import ece_equal_width
from harness.metrics.columns import Labels, Probabilities, Scores
from harness.metrics.curves import pass_at
from harness.metrics.metric import Metric
from harness.metrics.ranking import aurc
from harness.outcomes import ItemResult, Kind, Outcome, Probability, Score, Table, column_kinds
from harness.report.curve_figure import curve_lines
from harness.report.curves import gap, moves, oracle_risk, proportion, reliability_bins, risk_coverage, wilson
from harness.report.figures import draw
from harness.report.grid_figure import grid_panels
from harness.report.look import Look
from harness.report.painting import MOST_LEVELS, PALETTE
from harness.report.text import cut, number
from harness.statistics.estimates import Estimate


@dataclass(frozen=True, kw_only=True)
class Row(Outcome):
    p: Probability | None
    rank: Score | None = None
    right: bool | None
    later: bool | None = None
    level: str | None = "1"
    turn: int = 1


FIGURES: tuple[Figure, ...] = (
    Reliability("p", "right"),
    RiskCoverage("rank", "right"),
    RiskCoverage("rank", "right", overlay=True),
    Transitions("right", "later"),
    Bars("right", "level"),
    Bars("right", "arm"),
)
KINDS: dict[str, Kind] = {"item": "text", "group": "text", "error": "text", **column_kinds(Row)}
METRICS = (Metric("pass", pass_at, ("right", "item"), index="draws"),)
HOSTILE = "<script>alert('&')</script>$\\frac{$x^2$\x00\u202e\ud800"


def row(p: float, right: bool, arm: str = "a", *, later: bool = True, level: str = "1", turn: int = 1) -> Row:
    return Row(arm=arm, p=Probability(p), rank=Score(p), right=right, later=later, level=level, turn=turn)


def table(*rows: Row, failed: int = 0) -> Table:
    results = [ItemResult(f"i{i:03}", f"g{i:03}", (r,)) for i, r in enumerate(rows)]
    return Table.build(Row, [*results, *(ItemResult(f"f{i:03}", "g", error="too long") for i in range(failed))])


def estimate(metric: str, level: dict[str, str], value: float, interval: tuple[float, float], n: int) -> Estimate:
    low, high = interval
    return Estimate(
        metric=metric, level=level, value=value, low=low, high=high, n=n, n_groups=n, n_failed=0, method="m", better=""
    )


def words(svg: str) -> list[str]:
    """Every text that the picture shows."""
    texts = ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    return ["".join(t.itertext()) for t in texts]


def test_wilson_is_the_textbook_interval() -> None:
    # Newcombe (1998), table I, 81 of 263: 0.2553 to 0.3662; 0 of 20: 0 to 0.1611; 29 of 29: 0.8830 to 1.
    assert wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0.0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(1.0, 29) == pytest.approx((0.8830, 1.0), abs=5e-5)


def test_rows_of_one_cluster_count_once() -> None:
    labels = np.array([1.0, 1, 0, 0, 1, 0])
    alone = np.array(list("abcdef"), dtype=object)
    assert (proportion(labels, alone).low, proportion(labels, alone).high) == wilson(0.5, 6)
    # Each row four times over in its own cluster says no more than once.
    many = proportion(np.repeat(labels, 4), np.repeat(alone, 4))
    assert (many.value, many.n) == (0.5, 24)
    assert (many.low, many.high) == pytest.approx(wilson(0.5, 6))
    same = proportion(np.ones(8), np.repeat(alone[:2], 4))
    assert (same.low, same.high) == wilson(1.0, 2)


def test_wilson_covers_in_simulations_with_clusters() -> None:
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(60).astype(str).astype(object), 5)
    missed = 0
    for _ in range(400):
        chance = np.repeat(rng.beta(2, 2, 60), 5)
        found = proportion((rng.random(300) < chance).astype(float), groups)
        missed += not found.low <= 0.5 <= found.high
    assert 4 <= missed <= 36  # 5 % of 400, within four standard deviations


def test_the_gap_drawn_is_the_ece() -> None:
    rng = np.random.default_rng(2)
    p = np.concatenate([rng.random(500), np.arange(11) / 10])
    right = (rng.random(len(p)) < p**2).astype(float)
    for bins in (1, 7, 10):
        made = reliability_bins(p, right, np.arange(len(p)).astype(str).astype(object), bins)
        expected = ece_equal_width(Probabilities(p), Labels(right), w=np.ones((1, len(p))), bins=bins)[0]
        assert gap(made) == pytest.approx(expected, abs=1e-12)
    (only,) = reliability_bins(np.array([0.3, 0.25]), np.array([1.0, 0.0]), np.array(["x", "y"], object), 10)
    assert (only.left, only.right, only.confidence) == (0.2, 0.3, 0.275)
    assert (only.observed.value, only.observed.n) == (0.5, 2)


def test_the_risk_coverage_curve_is_that_of_the_aurc() -> None:
    scores = np.array([0.9, 0.8, 0.8, 0.1, -np.inf])
    right = np.array([1.0, 1, 0, 0, 1])
    coverage, risk = risk_coverage(scores, right)
    assert coverage.tolist() == [0.2, 0.4, 0.6, 0.8, 1.0]
    assert risk == pytest.approx([0, 0.5 / 2, 1 / 3, 2 / 4, 2 / 5])  # the tie spreads its error over both
    assert risk.mean() == pytest.approx(aurc(Scores(scores), Labels(right), w=np.ones((1, 5)))[0])
    assert oracle_risk(right) == pytest.approx([0, 0, 0, 1 / 4, 2 / 5])


def test_transitions_are_counted() -> None:
    before, after = np.array([1.0, 1, 1, 0, 0, 0, 0]), np.array([1.0, 1, 0, 1, 0, 0, 0])
    assert moves(before, after) == (2, 1, 1, 3)
    drawing = draw(Transitions("right", "later"), table(row(0.5, True, later=False), row(0.5, False)), [])
    assert "a: right to right 0, wrong to right 1, right to wrong 1, wrong to wrong 0, n = 2." in drawing.alt
    assert "0 / 1 / 1 / 0   n = 2" in words(drawing.svg)


def test_the_same_bytes_each_time_and_names_of_their_own() -> None:
    data = table(*(row(i / 20, i % 3 > 0, arm="ab"[i % 2], level=str(i % 4)) for i in range(20)), failed=2)
    drawings = [draw(f, data, []) for f in FIGURES]
    again = [draw(f, data, []) for f in FIGURES]
    assert drawings == again
    assert [d.png() for d in drawings] == [d.png() for d in again]
    assert len({d.name for d in drawings}) == len(FIGURES)
    assert drawings[0].name == "reliability-p-right-arm-10"
    for d in drawings:
        assert "2 of 22 rows left out: a value is missing or the item failed" in words(d.svg)
        assert d.png().startswith(b"\x89PNG")
        assert "<dc:date>" not in d.svg
        svg = ET.fromstring(d.svg)
        assert svg.findtext("{http://www.w3.org/2000/svg}title") == d.title


def test_an_ece_is_shown_only_over_its_own_points() -> None:
    data = table(row(0.75, True), row(0.75, False), row(0.15, False))
    value = 2 / 3 * 0.25 + 1 / 3 * 0.15
    shown = words(
        draw(Reliability("p", "right"), data, [estimate("ece_equal_width", {"arm": "a"}, value, (0.1, 0.3), 3)]).svg
    )
    assert {"a, n = 3", "ECE, equal-width bins: 0.217 [0.100, 0.300]"} <= set(shown)
    for other in (
        estimate("ece_equal_width", {"arm": "b"}, value, (0.1, 0.3), 3),
        estimate("ece_count", {"arm": "a"}, value + 0.01, (0.1, 0.3), 3),
        estimate("ece_equal_width", {"arm": "a"}, value, (0.1, 0.3), 4),
    ):
        assert not any("ECE" in w for w in words(draw(Reliability("p", "right"), data, [other]).svg))
    assert {"1", "2"} <= set(shown)  # the sizes of the two bins


def test_bars_take_the_interval_of_their_estimate_and_else_wilsons() -> None:
    data = table(*(row(0.5, i < 3, level="easy") for i in range(4)))
    plain = draw(Bars("right", "level"), data, [])
    low, high = wilson(0.75, 4)
    assert f"easy, a: 0.750 [{low:.3f}, {high:.3f}], n = 4." in plain.alt
    assert "Wilson" in plain.alt
    level = {"arm": "a", "level": "easy"}
    other = draw(Bars("right", "level"), data, [estimate("accuracy_by_level", level, 0.75, (0.4, 0.9), 4)])
    assert "easy, a: 0.750 [0.400, 0.900], n = 4." in other.alt
    assert "those of the estimates" in other.alt
    mismatch = draw(Bars("right", "level"), data, [estimate("accuracy", level, 0.7, (0.4, 0.9), 4)])
    assert mismatch.alt == plain.alt


@pytest.mark.parametrize("figure", FIGURES)
def test_little_or_odd_data_is_drawn_too(figure: Figure) -> None:
    missing = Row(arm="a", p=None, right=None)
    for data, told in (
        (table(), "No rows"),
        (table(failed=3), "3 of 3 rows left out"),
        (table(missing), "1 of 1 rows left out"),
    ):
        drawing = draw(figure, data, [])
        assert told in drawing.alt
        assert any(told in w for w in words(drawing.svg))
    draw(figure, table(row(0.0, False), row(1.0, False)), [])


def test_a_curve_with_nothing_to_rank_says_so() -> None:
    assert "all right: nothing to rank" in draw(RiskCoverage("p", "right"), table(row(0.5, True)), []).alt
    assert "all wrong: nothing to rank" in draw(RiskCoverage("p", "right"), table(row(0.5, False)), []).alt


def test_curves_in_one_panel_say_what_those_in_several_say() -> None:
    rows = [row(p, p > 0.3, arm) for arm in "abcdefgh" for p in (0.1, 0.2, 0.7, 0.9)]
    several, one = (draw(RiskCoverage("rank", "right", overlay=overlay), table(*rows), []) for overlay in (False, True))
    assert "a: error rate 0.500 of 4, risk 0.000 at coverage 0.25" in one.alt
    assert one.alt.split(". ", 1)[1] == several.alt.split(". ", 1)[1].replace("Risk-coverage curves by arm. ", "")
    assert {f"{arm}, n = 4" for arm in "abcdefgh"} <= set(words(one.svg))
    assert one.name != several.name


@pytest.mark.parametrize("figure", FIGURES)
def test_names_that_come_from_data_are_text_and_nothing_else(figure: Figure) -> None:
    drawing = draw(figure, table(row(0.5, True, arm=HOSTILE, level=HOSTILE)), [])
    assert "<script" not in drawing.svg
    # Long headings are wrapped, each line a text of its own.
    assert "<script>alert('&')</script>$\\frac{$x^2$␀⟨U+202E⟩⟨U+D800⟩" in "".join(words(drawing.svg))


def test_many_levels_are_cut_and_counted_in_their_own_order() -> None:
    data = table(*(row(0.5, i % 2 > 0, level=str(i)) for i in range(30)))
    drawing = draw(Bars("right", "level", hue="level"), data, [])
    assert f"The first {MOST_LEVELS} of 30 values are drawn." in drawing.title
    shown = [w for w in words(drawing.svg) if w.isdecimal()]
    assert shown[-MOST_LEVELS:] == [str(i) for i in range(MOST_LEVELS)]


def fills(svg: str) -> set[str]:
    """The colours of a picture's bars, without white and the grey of lines."""
    return set(re.findall(r"fill: (#[0-9a-f]{6})", svg)) & {colour.lower() for colour in PALETTE}


def data_rows(arms: list[str]) -> list[Row]:
    return [row(0.5, i % 2 > 0, arm=arm, level=level) for level in "xy" for i, arm in enumerate(arms)]


def test_more_bars_than_colours_have_names_of_their_own_below_their_condition() -> None:
    arms = [f"rule {i}" for i in range(len(PALETTE) + 1)]
    drawing = draw(Bars("right", "level"), table(*data_rows(arms)), [])
    shown = words(drawing.svg)
    assert [w for w in shown if w in arms] == arms * 2
    assert [w for w in shown if w.startswith("level ")] == ["level x", "level y"]
    assert len(fills(drawing.svg)) == 1
    few = draw(Bars("right", "level"), table(*data_rows(arms[:-1])), [])
    assert [w for w in words(few.svg) if w in arms] == arms[:-1]  # a legend
    assert len(fills(few.svg)) == len(PALETTE)


def test_bars_that_belong_to_one_condition_each_stand_close_together_below_it() -> None:
    data = table(row(0.5, True, arm="a", level="x"), row(0.5, True, arm="b", level="y"), row(0.5, True, arm="c"))
    drawing = draw(Bars("right", "level"), data, [])
    assert [w for w in words(drawing.svg) if w[0] in "abcl"] == ["level 1", "c", "level x", "a", "level y", "b"]
    both = table(*(row(0.5, True, arm=arm, level=level) for arm in "ab" for level in "xy"), row(0.5, True, arm="c"))
    assert {"a", "b", "c", "level"} <= set(words(draw(Bars("right", "level"), both, []).svg))  # colours


def test_an_interval_in_a_heading_is_never_broken() -> None:
    look = Look(width=3.3, font=8.0)
    told = "ECE, equal-width bins: 0.518 [0.411, 0.626]"
    for width in (1.0, 1.2, 1.5, 3.0):
        lines = look.wrapped(width, told).splitlines()
        assert [line for line in lines if "[0.411, 0.626]" in line]
        assert " ".join(lines) == told


def test_a_figure_is_checked_against_the_outcomes() -> None:
    check_figures(
        (
            *FIGURES,
            Curve("pass", x="draws"),
            Grid("pass", "draws", "arm"),
            Bars("right", by="turn", where={"later": True}),
        ),
        KINDS,
        METRICS,
    )
    with pytest.raises(HarnessError, match=r"no column 'wrong'"):
        draw(Transitions("wrong", "later"), table(row(0.5, True)), [])


@pytest.mark.parametrize(
    ("figures", "message"),
    [
        ([Reliability("rank", "right")], "Reliability: column 'rank' is a score, but a probability is needed"),
        ([Bars("wrong", "level")], r"Bars: no column 'wrong' \(there are: "),
        ([Bars("right", "levle")], "Bars: no column 'levle', did you mean 'level'"),
        ([Bars("right", by="p")], "column 'p' is a probability, but a text or label or number is needed"),
        ([Bars("right", "level", where={"later": "yes"})], "'where' has later='yes', but the column is a label"),
        (
            [Transitions("right", "later")] * 2,
            "two figures are called 'transitions-right-later-arm'; leave one of them",
        ),
        ([Curve("passs", x="draws")], "Curve: no metric 'passs', did you mean 'pass'"),
        ([Curve("pass", x="draw")], "metric 'pass' has no level key 'draw', did you mean 'draws'"),
        ([Grid("passs", "draws", "arm")], "Grid: no metric 'passs', did you mean 'pass'"),
        ([Grid("pass", "draws", "arms")], "Grid: metric 'pass' has no level key 'arms', did you mean 'arm'"),
        ([Grid("pass", "draws", "draws")], "Grid: x and y are both 'draws'; draw a Curve, or give y another key"),
    ],
)
def test_a_wrong_figure_is_refused(figures: list[Figure], message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        check_figures(figures, KINDS, METRICS)


def test_rows_are_chosen_and_told_apart_by_labels_and_numbers() -> None:
    rows = [row(0.5, i % 4 == 0, later=i % 2 == 0, turn=i % 3) for i in range(24)]
    data = table(*rows, failed=1)
    drawing = draw(Bars("right", by="turn", hue="later"), data, [])
    # Of the even rows half are right, of the odd ones none; 4 rows in each of the six bars.
    for turn in "012":
        assert f"{turn}, true: 0.500" in drawing.alt
        assert f"{turn}, false: 0.000" in drawing.alt
    chosen = draw(Bars("right", by="turn", where={"later": True}), data, [])
    assert chosen.name == "bars-right-turn-arm-later-true"
    assert "0, a: 0.500" in chosen.alt
    assert {"Only rows with later true", "1 of 13 rows left out: a value is missing or the item failed"} <= set(
        words(chosen.svg)
    )
    same = draw(Bars("right", by="turn"), table(*(r for r in rows if r.later)), [])
    assert chosen.alt.split(" 95 %")[0] == same.alt.split(" 95 %")[0]
    assert (
        "0, n = 8. 0.4 to 0.5: mean 0.500, observed 0.250" in draw(Reliability("p", "right", by="turn"), data, []).alt
    )
    assert "true: error rate 0.500 of 12" in draw(RiskCoverage("rank", "right", by="later"), data, []).alt
    # The estimate of a level that is a number is found under its text.
    found = estimate("accuracy", {"turn": "0", "arm": "a"}, 0.25, (0.1, 0.4), 8)
    assert "0, a: 0.250 [0.100, 0.400], n = 8." in draw(Bars("right", by="turn"), data, [found]).alt


def test_a_curve_has_its_estimates_and_their_intervals() -> None:
    values = {"1": 0.25, "2": 0.5, "10": 0.75}
    points = [
        estimate("pass", {"arm": arm, "draws": n}, value + shift, (value + shift - 0.1, value + shift + 0.1), 8)
        for arm, shift in (("b", 0.1), ("a", 0.0))
        for n, value in reversed(values.items())
    ]
    drawing = draw(Curve("pass", x="draws"), table(), points)
    assert drawing.name == "curve-pass-draws"
    assert "a: 0.250 [0.150, 0.350] at 1, 0.500 [0.400, 0.600] at 2, 0.750 [0.650, 0.850] at 10." in drawing.alt
    assert "b: 0.350" in drawing.alt
    assert {"a", "b", "draws", "pass", "Bands: 95 % intervals"} <= set(words(drawing.svg))
    assert draw(Curve("pass", x="draws"), table(), points) == drawing
    lines, ticks = curve_lines(Curve("pass", x="draws"), points)
    assert (ticks, {line.name: line.x for line in lines}) == ([], {"b": (1, 2, 10), "a": (1, 2, 10)})
    named = [estimate("pass", {"form": form}, 0.5, (0.4, 0.6), 8) for form in ("open", "closed")]
    assert curve_lines(Curve("pass", x="form"), named)[1] == ["open", "closed"]
    assert "0.500 [0.400, 0.600] at open" in draw(Curve("pass", x="form"), table(), named).alt
    assert "The run has no pass by draws" in draw(Curve("pass", x="draws"), table(), named).alt


def test_a_grid_has_its_estimates_in_cells_by_two_keys() -> None:
    points = [
        estimate("pass", {"arm": arm, "layer": layer, "strength": strength}, value, (value - 0.1, value + 0.1), 8)
        for arm, sign in (("b", -1), ("a", 1))
        for layer, strength, value in (("10", "4", sign * 0.5), ("2", "4", sign * 0.25), ("2", "1", sign * 0.125))
    ]
    undefined = replace(points[0], level={"arm": "a", "layer": "10", "strength": "1"}, value=None, low=None, high=None)
    figure = Grid("pass", "layer", "strength")
    drawing = draw(figure, table(), [*points, undefined])
    assert drawing.name == "grid-pass-layer-strength"
    assert (
        "a: strength 1: 0.125 [0.025, 0.225] at layer 2; "
        "strength 4: 0.250 [0.150, 0.350] at layer 2, 0.500 [0.400, 0.600] at layer 10." in drawing.alt
    )
    shown = words(drawing.svg)
    assert {"a", "b", "layer", "strength", "0.50", "\N{MINUS SIGN}0.25", "Blank cells have no estimate"} <= set(shown)
    assert draw(figure, table(), [*points, undefined]) == drawing
    panels, xs, ys = grid_panels(figure, [*points, undefined])
    assert (xs, ys) == (["2", "10"], ["1", "4"])
    assert [(panel.name, np.isnan(panel.values).tolist()) for panel in panels] == [
        (name, [[False, True], [False, False]]) for name in "ba"
    ]
    assert "The run has no pass by layer and turn" in draw(Grid("pass", "layer", "turn"), table(), points).alt
    assert "The run has no pass by layer and strength" in draw(figure, table(), [undefined]).alt


def test_a_grid_of_many_cells_keeps_to_colours_and_of_one_value_has_a_scale() -> None:
    many = [estimate("pass", {"layer": str(i), "kind": "open"}, i / 40, (0, 1), 8) for i in range(40)]
    drawing = draw(Grid("pass", "layer", "kind"), table(), many)
    assert "0.05" not in words(drawing.svg)
    assert "0.050 [0.000, 1.000] at layer 2," in drawing.alt
    assert "0.50" in words(draw(Grid("pass", "layer", "kind"), table(), many[20:21]).svg)


def test_texts_are_made_visible() -> None:
    assert visible("a\r\nb\tc\rd\x1b[0m\x7f\u200b\u2066") == "a\nb\tc␍d␛[0m⟨U+007F⟩⟨U+200B⟩⟨U+2066⟩"
    assert visible("naïve 漢字 👩\u200d🔬 שלום") == "naïve 漢字 👩\u200d🔬 שלום"
    assert cut("abcdef", 4) == "abcd … [2 more characters not shown]"
    assert cut("abcd", 4) == "abcd"
    assert [number(v) for v in (None, 0.12345, -0.0001, -1.5, 123456.7)] == [
        "undefined", "0.123", "0.000", "\N{MINUS SIGN}1.500", "123,457"
    ]  # fmt: skip
