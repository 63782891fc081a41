"""What stated confidences mean: the parsers on texts that models write."""

import pytest

from experiments.shared.confidence import read_confidence, read_stated
from experiments.shared.tags import tagged

WORDS = {"almost certain": 0.95, "highly likely": 0.85, "likely": 0.65, "unlikely": 0.35, "almost no chance": 0.05}


@pytest.mark.parametrize(
    ("text", "percent", "probability"),
    [
        ("95 %", 0.95, 0.95),
        ("95%", 0.95, 0.95),
        (" 80 % ", 0.8, 0.8),
        ("80", 0.8, 0.8),
        ("0.95", 0.95, 0.95),
        (".5", 0.5, 0.5),
        ("0,8", 0.8, 0.8),
        ("0.5%", 0.005, 0.005),
        ("85.5%", 0.855, 0.855),
        ("[85]%", 0.85, 0.85),
        ("**85**%", 0.85, 0.85),
        ("85 percent", 0.85, 0.85),
        ("85 per cent", 0.85, 0.85),
        ("Confidence: 85%", 0.85, 0.85),
        ("I am 85% confident, so 85%", 0.85, 0.85),
        ("about 80 %", 0.8, 0.8),
        ("\uff11\uff10\uff10\uff05", 1.0, 1.0),
        ("100", 1.0, 1.0),
        ("0", 0.0, 0.0),
        ("0%", 0.0, 0.0),
        ("-0%", 0.0, 0.0),
        ("1.0", 1.0, 1.0),
        ("1%", 0.01, 0.01),
        ("1", 0.01, 1.0),  # the scale decides: one percent among percents, certainty among probabilities
        ("nine out of ten", 0.9, 0.9),
        ("9 out of 10", 0.9, 0.9),
        ("9/10", 0.9, 0.9),
        ("3 in 4", 0.75, 0.75),
        ("ninety percent", 0.9, 0.9),
        ("Ninety-five percent", 0.95, 0.95),
        ("one hundred percent", 1.0, 1.0),
        ("110%", None, None),
        ("110", None, None),
        ("-5%", None, None),
        ("\u22125%", None, None),
        ("11/10", None, None),
        ("1/0", None, None),
        ("80-90%", None, None),
        ("70% or 80%", None, None),
        ("9" * 150, None, None),
        ("high", None, None),
        ("very high", None, None),
        ("likely", None, None),
        ("I don't know", None, None),
        ("N/A", None, None),
        ("%", None, None),
        ("nan", None, None),
        ("inf%", None, None),
        ("1e-3", None, None),
        ("__import__('os').getpid()", None, None),
        ("", None, None),
    ],
)
def test_numbers_are_read_by_the_scale_and_never_clipped(
    text: str, percent: float | None, probability: float | None
) -> None:
    assert read_confidence(text, "percent", {}) == (None if percent is None else pytest.approx(percent))
    assert read_confidence(text, "probability", {}) == (None if probability is None else pytest.approx(probability))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Highly likely", 0.85),
        ('"Almost certain".', 0.95),
        ("likely", 0.65),
        ("It is very likely.", 0.65),
        ("unlikely", 0.35),
        ("likely, I mean highly likely", None),
        ("likely or unlikely", None),
        ("not likely", None),
        ("high", None),
        ("85%", None),
        ("I don't know", None),
        ("", None),
    ],
)
def test_phrases_are_read_by_the_mapping_and_nothing_else(text: str, value: float | None) -> None:
    assert read_confidence(text, "words", WORDS) == value


@pytest.mark.parametrize(
    ("text", "confidence", "uncertainty"),
    [
        ("The answer is yes, and the confidence is 85%", (0.85, True), (None, False)),
        ("The answer is yes, and the uncertainty is 15%.", (None, False), (0.85, True)),
        ("The refined answer is no, and the confidence is [85]%", (0.85, True), (None, False)),
        ("the confidence is 20%. No: the confidence is 85 %", (0.85, True), (None, False)),
        ("The Confidence is nine out of ten", (0.9, True), (None, False)),
        ("the confidence is 110%", (None, False), (None, False)),
        ("the confidence is high", (None, False), (None, False)),
        ("the confidence is high\n50%", (None, False), (None, False)),
        ("Yes. 30% of them, I am 85 % sure", (0.85, False), (None, False)),
        ("Yes, 85", (None, False), (None, False)),
        ("", (None, False), (None, False)),
    ],
)
def test_the_last_statement_counts_then_the_last_percentage(text: str, confidence: object, uncertainty: object) -> None:
    assert read_stated(text, "confidence") == confidence
    assert read_stated(text, "uncertainty") == uncertainty


def test_the_last_tag_counts_and_the_formats_own_words_do_not() -> None:
    reply = "<answer>Rome</answer> no <answer> Paris </answer>\n<Confidence>80%</Confidence>"
    assert tagged(reply, "answer", ended=True) == "Paris"
    assert tagged(reply, "confidence", ended=False) == "80%"
    assert tagged("<answer>final answer here</answer>", "answer", ended=True) is None
    assert tagged("<answer> </answer>", "answer", ended=True) is None
    assert tagged("Paris", "answer", ended=True) is None


def test_an_unclosed_tag_counts_only_in_a_reply_that_ended_by_itself() -> None:
    assert tagged("<confidence>8", "confidence", ended=False) is None
    assert tagged("<confidence>80%", "confidence", ended=True) == "80%"
    assert tagged("<answer>Paris\n<confidence>80%", "answer", ended=True) == "Paris"
    assert tagged("<answer>Paris<confidence>80%", "answer", ended=True) == "Paris"
