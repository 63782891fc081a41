"""Writes the lines about each model's thoughts for the end of a run."""

from __future__ import annotations

from collections.abc import Iterator

from harness.execution.session import Session
from harness.statistics.fates import NOTABLE


def thought_lines(session: Session) -> Iterator[str]:
    """Lines about each model's thoughts, with the setting that gives them more room if many were cut."""
    for role, counts in sorted(session.thoughts.items()):
        told = counts.record()
        who = f" of the {role}" if role else ""
        yield (
            f"thoughts{who}: {counts.tokens} tokens in {counts.replies} replies "
            f"({told['tokens_a_reply']:.1f} a reply); of {counts.thoughts} thoughts "
            f"{told['share_empty']:.1%} empty, {told['share_forced']:.1%} forced, "
            f"{told['share_cut']:.1%} cut"
        )
        if counts.unended > NOTABLE:
            yield (
                f"WARNING: {counts.unended:.0%} of the thoughts{who} had no end of their own ({counts.forced} forced, "
                f"{counts.cut} cut); {_room(session, role)}"
            )


def _room(session: Session, role: str) -> str:
    """The setting that gives the thoughts of a model more room."""
    key = f"roles.{role}.model" if role else "model"
    model = session.job.roles[role].model if role else session.job.model
    style = session.role_styles.get(role) if role else session.prompt_style
    if style is not None and style.thinking is not None:
        return f"{key}.thinking.tokens={2 * model.thinking.tokens} doubles their budget"
    return (
        f"give them a budget of their own by their marks, {key}.thinking.open=... {key}.thinking.close=..., or the "
        "experiment more max_tokens"
    )
