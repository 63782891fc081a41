"""The plan of one step of vLLM: which rows are changed and read, whatever pieces of the calls the step holds."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from harness.calls.arrays import Array
from harness.calls.calls import Call, Choose, Generate, Read, Sampling, Score, steering_digest
from harness.calls.interventions import Ablate, Add, Intervention, Replace
from harness.engines.transformers.edits import Editor
from harness.engines.vllm.plan import Plan, Span, Watched, plan

WIDTH = 4
V, W = (Array.of(np.arange(WIDTH) + n) for n in (1.0, 7.0))
PROMPT = tuple(range(10, 20))


def choose(*interventions: Intervention) -> Choose:
    return Choose(PROMPT, (1,), interventions)


def touched(made: Plan, layer: int) -> list[tuple[str, list[int]]]:
    """Edits at a layer's resid_post, in their order, with the rows of the step that they are about."""
    point = made[layer, "resid_post"]
    return [(type(e.what).__name__, point.rows[e.columns].tolist()) for edits in point.rounds for e in edits]


def in_pieces(call: Call, lengths: Sequence[int], first: int = 0, row: int = 3) -> list[list[Span]]:
    """One call whose tokens come in several steps, from a position on, always behind other calls' rows."""
    watched, steps = Watched(call), []
    for length in lengths:
        steps.append([Span(watched, row, first, length)])
        first += length
    return steps


def test_rows_are_positions_less_the_first_of_the_step() -> None:
    (step,) = in_pieces(choose(Add(1, "resid_post", V, 1.0, (2, 9))), [10])
    assert touched(plan(step), 1) == [("Add", [5, 12])]
    assert plan(step)[1, "resid_post"].rows.tolist() == [5, 12], "no other row is touched"


@pytest.mark.parametrize("lengths", [[10], [4, 6], [1] * 10, [3, 3, 3, 1]], ids=str)
def test_a_prompt_in_pieces_is_changed_at_the_same_positions(lengths: list[int]) -> None:
    call = choose(Add(1, "resid_post", V, 1.0, (2, 5, 9)))
    found = []
    for (span,) in in_pieces(call, lengths):
        made = plan([span])
        found += [row - span.row + span.position for _, rows in (touched(made, 1) if made else []) for row in rows]
    assert found == [2, 5, 9]


def test_positions_before_a_cached_prefix_ends_are_no_rows_of_another_call() -> None:
    (step,) = in_pieces(choose(Add(1, "resid_post", V, 1.0, (2, 5, 9))), [4], first=6)
    assert touched(plan(step), 1) == [("Add", [6])]


def test_what_comes_after_the_prompt_is_changed_where_it_is_asked_for_and_replaced_never() -> None:
    steer = (Add(1, "resid_post", V, 1.0, (9,), decode=True), Replace(1, "resid_post", Array.of([[0.0] * WIDTH]), (9,)))
    call = Generate(PROMPT, Sampling(4), interventions=steer)
    first, second = in_pieces(call, [10, 1])
    assert touched(plan(first), 1) == [("Add", [12]), ("Replace", [12])]
    assert touched(plan(second), 1) == [("Add", [3])]
    silent = Generate(PROMPT, Sampling(4), interventions=(Add(1, "resid_post", V, 1.0, (9,)),))
    assert plan(in_pieces(silent, [10, 1])[1]) == {}


def test_the_continuation_of_a_score_counts_as_after_the_prompt() -> None:
    call = Score(PROMPT, (1, 2, 3), (Add(0, "resid_post", V, 1.0, (), decode=True),))
    (step,) = in_pieces(call, [13], row=0)
    assert touched(plan(step), 0) == [("Add", [10, 11, 12])]


def test_one_site_under_two_names_is_one_point() -> None:
    call = Read(PROMPT, (0, 1), (4,), "resid_pre", (Add(0, "resid_post", V, 1.0, (4,)),))
    made = plan([Span(Watched(call), 0, 0, 10)])
    assert set(made) == {(0, "resid_pre"), (0, "resid_post")}
    assert len(made[0, "resid_post"].rounds) == 1
    assert [reading.layer for reading in made[0, "resid_post"].readings] == [1]


def test_a_round_holds_one_edit_of_each_call_so_that_formulas_apply_in_order() -> None:
    ones, twos = np.ones((3, WIDTH), np.float32), 2 * np.ones((3, WIDTH), np.float32)
    first = choose(Add(1, "resid_post", V, 1.0, (0,)), Ablate(1, "resid_post", (0, 1)))
    second = choose(Ablate(1, "resid_post", (0,)), Add(1, "resid_post", W, 2.0, (0,)))
    made = plan([Span(Watched(first), 0, 0, 3), Span(Watched(choose()), 3, 0, 2), Span(Watched(second), 5, 0, 3)])
    point = made[1, "resid_post"]
    assert [[type(e.what).__name__ for e in edits] for edits in point.rounds] == [["Add", "Ablate"], ["Ablate", "Add"]]
    stream = torch.tensor(np.concatenate([ones, ones[:2], twos]))
    changed = stream[torch.from_numpy(point.rows)]
    for edits in point.rounds:
        Editor(0).apply(changed[None], edits)
    stream[torch.from_numpy(point.rows)] = changed
    expected = np.concatenate([ones, ones[:2], twos])
    expected[:2], expected[5] = 0.0, 2 * W.numpy()
    np.testing.assert_array_equal(stream.numpy(), expected)


def test_what_is_read_twice_is_kept_once_and_what_is_lacking_is_an_error() -> None:
    call = Read(PROMPT, (0, 2), (1, 5, 9))
    watched = Watched(call)
    rng = np.random.default_rng(0)
    stream = rng.normal(size=(3, 10, WIDTH)).astype(np.float32)

    def step(position: int, length: int) -> None:
        for (layer, _), point in plan([Span(watched, 0, position, length)]).items():
            for reading in point.readings:
                rows = point.rows[reading.columns]
                watched.keep(reading.layer, reading.which, stream[layer, position + rows])
        watched.reached = max(watched.reached, position + length)

    with pytest.raises(RuntimeError, match="of which the hooks saw 0"):
        watched.check(10)
    step(0, 6)
    step(0, 4)  # thrown out and begun again
    watched.reached = 10
    with pytest.raises(RuntimeError, match="not read whole"):
        watched.check(10)
    step(4, 6)
    watched.check(10)
    np.testing.assert_array_equal(watched.read, stream[[0, 2]][:, [1, 5, 9]])


def test_a_step_without_anything_to_do_has_no_plan() -> None:
    assert plan([]) == {}
    assert plan([Span(Watched(choose(Add(1, "resid_post", V, 1.0, (2,)))), 0, 3, 7)]) == {}


def test_prompts_share_a_prefix_where_the_same_is_done_to_its_positions() -> None:
    longer = (*PROMPT, 99)
    at = Add(1, "resid_post", V, 1.0, (2,))
    on = Add(1, "resid_post", V, 1.0, (2,), decode=True)
    base = steering_digest(choose(at))
    assert steering_digest(Choose(longer, (5,), (at,))) == base, "the same edits, whatever is asked"
    assert steering_digest(Generate(PROMPT, Sampling(3), interventions=(at,))) == base
    others = [choose(), choose(at, at), choose(Add(1, "resid_post", W, 1.0, (2,))), choose(on)]
    assert len({base, *map(steering_digest, others)}) == 5
    # A text steered while it was written holds other keys and values than the same tokens in a longer prompt.
    assert steering_digest(Choose(longer, (1,), (on,))) != steering_digest(choose(on))
