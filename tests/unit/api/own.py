"""An experiment of a user's own, for the tests of the Python interface."""

from dataclasses import dataclass
from typing import Any, ClassVar

from harness import Experiment, Item, JudgedAnswer, Probability, Prompt, Subject, graded, metrics, yes_no


@dataclass(frozen=True, kw_only=True)
class Sure(Experiment):
    """A model says that it is sure more often when it is right."""

    shots: int = 0

    outcome: ClassVar = JudgedAnswer
    metrics: ClassVar = metrics.judged()
    texts: ClassVar = {"sure": "Are you sure? Yes or no?"}

    async def protocol(self, item: Item, subject: Subject, fitted: Any) -> JudgedAnswer:
        asked = Prompt.user(f"Question: {item.fields['question']}", "Answer:")
        reply = await subject.generate(asked, max_tokens=item.form.max_tokens, stop=item.form.stop)
        sure = await yes_no(subject, asked.then(reply.text, self.text("sure"), "Answer:"))
        given, p, mass = graded(item, reply), Probability(sure.p["yes"]), Probability(sure.mass)
        return JudgedAnswer(arm="greedy", answer=given.text, correct=given.correct, fate=given.fate, p=p, mass=mass)
