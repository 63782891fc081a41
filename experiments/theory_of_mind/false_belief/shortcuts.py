"""Rules that answer questions about a story without any idea of minds: baselines for every score.

Each rule names a place. Asked whether somebody knows of a move, or where the thing is, it says yes if that is the place
where the thing is. In stories about a label, the place of a container is what is in it, and before that what its label
says.

These are the expected shares of right answers, in percent, over the stories that are asked about by default
(`plan.SPARING`); guessing gives 33.3 for beliefs and 50 for awareness. "most frequent place" and "longest option" hang
on the words of a family; they get about a third of first-order beliefs. Who knows where the thing is, of the three
persons of FB and TB, is told by "who left" for all, and by "last place" (yes to everything) for two thirds. Of the
first-order beliefs about the balanced stories (`plan.TOGETHER`) no rule gets more than half.

    rule             order 1  order 2  order 3  order 4  awareness
    first place         25.0     25.0     37.5     35.9       50.0
    last place          56.2     50.0     25.0     28.1       50.0
    place before        40.6     50.0     75.0     71.9       50.0
    last mention        62.5     50.0     25.0     28.1       50.0
    near agent          68.8     50.0     62.5     53.1       50.0
    last two places     48.4     50.0     50.0     50.0       50.0
    any place held      42.7     41.7     41.7     41.7       50.0
    who left            53.1     75.0     62.5     71.9       50.0
    near who left       81.2     75.0     50.0     53.1       50.0
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Probe = Mapping[str, Any]
Rule = Callable[[Probe, random.Random], str]
"""Takes a probe (`questions.probe`) and random numbers; gives a place."""


def first_place(probe: Probe, rng: random.Random) -> str:
    """The first place of the thing."""
    return str(probe["places"][0])


def last_place(probe: Probe, rng: random.Random) -> str:
    """The present place of the thing. It says yes to everything."""
    return str(probe["places"][-1])


def place_before(probe: Probe, rng: random.Random) -> str:
    """The place of the thing before its last move."""
    return str(probe["places"][-2:][0])


def last_mention(probe: Probe, rng: random.Random) -> str:
    """The last place in which the story puts the thing, even in the words of somebody who lies."""
    return _named(probe, rf"\b{probe['thing']}\b[^.]*?\b(%s)\b", probe["story"])


def near_agent(probe: Probe, rng: random.Random) -> str:
    """The place that was named last when the story speaks of the agent for the last time."""
    *_, last = re.finditer(rf"\b{probe['agent']}\b", probe["story"], re.IGNORECASE)
    return _named(probe, r"\b(%s)\b", probe["story"][: last.start()])


def most_frequent(probe: Probe, rng: random.Random) -> str:
    """The place that the story names most often; of equals, the one that it names first."""
    named = Counter(re.findall(rf"\b(?:{'|'.join(probe['containers'])})\b", probe["story"]))
    return str(named.most_common(1)[0][0])


def last_two_places(probe: Probe, rng: random.Random) -> str:
    """The present place or the one before, at random; reality and the beginning are known.

    This rule follows every move, and does not know who saw it. It answers FB and TB alike, and so gets both of them
    right in a quarter of the families. No rule that answers them alike can do better: when p is the chance to name the
    old place, both are right with p (1 - p).
    """
    return _fact(probe) or str(rng.choice(probe["places"][-2:]))


def any_place(probe: Probe, rng: random.Random) -> str:
    """Any place in which the thing has been, at random; reality and the beginning are known."""
    return _fact(probe) or str(rng.choice(sorted(set(probe["places"]))))


def who_left(probe: Probe, rng: random.Random) -> str:
    """The place before the last move if the agent leaves the room at any time, else the present one; reality and the
    beginning are known.

    It answers a single word of the story, and is right on FB and on TB, at any order. So neither of them alone nor both
    together show a reader of minds; this is why agents come back, peek, are told and notice nothing.
    """
    return _fact(probe) or str(probe["places"][-2:][0] if _left(probe) else probe["places"][-1])


def near_who_left(probe: Probe, rng: random.Random) -> str:
    """The place by `near_agent` if the agent leaves the room at any time, else the present one; reality and the
    beginning are known.

    It follows who is in the room, by words alone, and is right on FB, TB and BACK_OPEN. It does not ask whether the
    agent could see anything: BACK_CLOSED, DIST and PEEK show it up.
    """
    return _fact(probe) or (near_agent(probe, rng) if _left(probe) else str(probe["places"][-1]))


def longest_option(probe: Probe, rng: random.Random) -> str:
    """The place with the longest name; of equals, the one that is listed first."""
    return str(max(probe["containers"], key=len))


def _left(probe: Probe) -> bool:
    """Whether the agent leaves the room at any time."""
    words = rf"\b{probe['agent']} (?:left the room|went out|walked out)"
    return re.search(words, probe["story"], re.IGNORECASE) is not None


def _fact(probe: Probe) -> str:
    """The answer to a question about facts; "" to others."""
    places: Sequence[str] = probe["places"]
    return {"reality": places[-1], "memory": places[0]}.get(probe["kind"], "")


def _named(probe: Probe, pattern: str, text: str) -> str:
    """The place in the last match of a pattern that has %s in the stead of its name; the first listed without one."""
    found = re.findall(pattern % "|".join(probe["containers"]), text)
    return str(found[-1] if found else probe["containers"][0])


RULES: Mapping[str, Rule] = {
    "first place": first_place,
    "last place": last_place,
    "place before": place_before,
    "last mention": last_mention,
    "near agent": near_agent,
    "most frequent place": most_frequent,
    "last two places": last_two_places,
    "any place held": any_place,
    "who left": who_left,
    "near who left": near_who_left,
    "longest option": longest_option,
}


def by_rule(name: str, probe: Probe, rng: random.Random) -> str:
    """The answer of a rule: a place, or yes or no."""
    place = RULES[name](probe, rng)
    return place if not probe["claimed"] else "yes" if place == probe["claimed"] else "no"
