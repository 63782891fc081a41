"""Texts of the critic's role, after the release of AutoMathCritique (Xi et al. 2024), with shorter answers."""

from __future__ import annotations

from collections.abc import Mapping

_ENDING = "Please also give your final answer in the format of 'The answer is [your answer].'"

TEXTS: Mapping[str, str] = {
    "answer": f"$question Solve it step by step, each step on a line of its own. {_ENDING}",
    "critique": "For a given question, there is a step-by-step solution, where each line is a step. Check each step, "
    "and then the final answer. For each step, write:\n\n"
    "Step sentence: [the step]\nCorrectness of the step: [Correct/Wrong]\nExplanation: [why]\n\n"
    "After the last step, always write:\n\n"
    "Correctness of the final answer: [Correct/Wrong]\nExplanation: [why]\n\n"
    "Question:\n$question\n\nSolution:\n$solution",
    "refine": "I have made a step-by-step critique of your solution. Read it, and use it as a reference to write a new "
    f"step-by-step solution. {_ENDING}\n\n$critique",
    "again": f"Please solve it again. {_ENDING}",
    "verdict_lead": "Correctness of the final answer:",
}
"""again is the request without any critique; verdict_lead begins a verdict, be it read or given."""
