"""The demonstrations that the paper's question about an answer comes with."""

from experiments.shared.demonstrations import FIXED, TEXTS, fixed
from harness import Grade, Item
from harness.config import load_job
from harness.tasks.texts import normalise

WITHOUT_FILES = (
    "facts",
    "facts_mc",
    "arithmetic",
    "concepts",
    "unanswerable",
    "false_belief",
    "fact_sheets",
    "synthetic_people",
)


def asking(question: str) -> Item:
    return Item({"question": question}, "gold", lambda text, item: Grade(text, text == item.gold))


def test_three_demonstrations_are_true_and_three_false_and_each_judges_one_of_its_ideas() -> None:
    assert [shown.correct for shown in FIXED].count(True) == 3
    assert len(FIXED) == 6
    assert all(shown.answer in shown.ideas for shown in FIXED)
    messages = fixed(TEXTS, asking("What else?"))
    assert [m.content[-4:] for m in messages[1::2]] == [" (A)" if shown.correct else " (B)" for shown in FIXED]
    assert not any("brainstormed" in m.content for m in messages)
    assert all("brainstormed" in m.content for m in fixed(TEXTS, asking("What else?"), ideas=True)[::2])


def test_no_embedded_task_asks_what_a_demonstration_asks() -> None:
    shown = {normalise(one.question) for one in FIXED}
    for name in WITHOUT_FILES:
        items = load_job([f"task={name}", "engine=fake"]).task.load()
        asked = {normalise(str(item.fields.get("stem", item.fields.get("question", "")))) for item in items}
        assert items
        assert not shown & asked, name


def test_a_demonstration_that_asks_the_items_own_question_is_left_out() -> None:
    messages = fixed(TEXTS, asking("how many strings does a  violin have"))
    assert len(messages) == 10
    assert not any("violin" in m.content for m in messages)
