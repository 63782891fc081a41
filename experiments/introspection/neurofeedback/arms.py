"""The arms: reports of a label by the model and by third parties, and control of a score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from experiments.introspection.neurofeedback.fitting import Labels
from harness import Arm, Capability

Reporter = Literal["self", "rival", "words", "all words", "meaning", "length", "majority", "observer", "nobody"]


@dataclass(frozen=True, kw_only=True)
class Way(Arm):
    """An arm.

    Attributes:
        task: "report" the label of a given sentence; "conversation": report every label of one long conversation, as
            the paper does; "implicit": read a given sentence at a wanted score; "explicit":
            write a sentence of a wanted score.
        by: who reports. "words" is a bag of words of the examples shown, "all words" one of all fitted sentences;
            "meaning" knows which sentences are good or true, and has learnt from the examples which of these have label
            1; "length" knows how many words and characters a sentence has, and those of all fitted sentences;
            "majority" says the more frequent label; "observer" fits the activations of the examples shown. "nobody"
            does where the task is control.
        labels: whose labels the examples have.
        asked: whether a model is asked for a label, so that there is a mass on 0 and 1.
        flipped: whether the examples show every label as the other one.
    """

    task: Literal["report", "conversation", "implicit", "explicit"] = "report"
    by: Reporter = "self"
    labels: Labels = "own"
    asked: bool = False
    flipped: bool = False


ARMS: Mapping[str, Way] = {
    "own labels": Way(asked=True),
    "labels of another model": Way(labels="rival", asked=True),
    "bag-of-words labels": Way(labels="words", asked=True),
    "shuffled labels": Way(labels="shuffled", asked=True),
    "another model reports": Way(by="rival", asked=True),
    "rule: bag of words": Way(by="words"),
    "rule: bag of words, all labels": Way(by="all words"),
    "rule: meaning": Way(by="meaning"),
    "rule: length": Way(by="length"),
    "rule: majority": Way(by="majority"),
    "ideal observer": Way(by="observer"),
    "implicit control": Way(task="implicit", by="nobody"),
    "implicit control, flipped": Way(task="implicit", by="nobody", flipped=True),
    "explicit control": Way(task="explicit", by="nobody"),
    "explicit control, flipped": Way(task="explicit", by="nobody", flipped=True),
    "whole conversation": Way(task="conversation", asked=True),
}
DEFAULT = tuple(name for name, way in ARMS.items() if way.task != "conversation")
NEEDS: Mapping[str, frozenset[Capability]] = {
    "report": frozenset({"choose"}),
    "conversation": frozenset({"choose", "choose_at"}),
    "implicit": frozenset(),
    "explicit": frozenset({"generate"}),
}
"""What a task asks of the engine, besides readings, where a model is asked at all."""
