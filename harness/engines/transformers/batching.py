"""Runs a transformers model for many calls at once: reads prompts in groups, decodes texts in cohorts.

A step is one forward pass that reads a group of waiting sequences, or one that adds a token to every row of each
cohort. Option probabilities, scores and activations are answered by the reading itself; a text joins a cohort, and
leaves it as soon as it ends. So nothing waits for the slowest, and new calls come in between any two passes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.calls.calls import EVERYTHING, Call, Choose, Generate, Logprobs, Read, Reply, Score
from harness.console import log
from harness.engines.transformers.cohort import Cohort
from harness.engines.transformers.decoding import Detokenizer, Draft, next_tokens
from harness.engines.transformers.planning import BLOCK, Group, Limits, Shape, Waiting, block_keys, cohort_of, plan
from harness.engines.worker import Job, Worker
from harness.errors import HarnessError, ItemError
from harness.prompting.tokens import HFTokenizer

if TYPE_CHECKING:
    from torch import Tensor

    from harness.engines.transformers.keys_values import Layout, Prefixes, Window
    from harness.engines.transformers.whitebox import Trace, WhiteBox

PATIENCE = 4
"""How many decoding steps to wait for more prompts before a small group of them is read."""


class TransformersEngine(Worker):
    """A loaded model of transformers, batched by a thread of its own.

    Args:
        model: a causal language model in evaluation mode.
        tokenizer: its tokenizer, of transformers.
        layout: layout of its keys and values in memory.
        limits: the sizes that fit.
    """

    can = EVERYTHING

    def __init__(self, model: Any, tokenizer: Any, identity: dict[str, str], layout: Layout, limits: Limits) -> None:
        import inspect

        from harness.engines.transformers.keys_values import Prefixes
        from harness.engines.transformers.whitebox import WhiteBox

        super().__init__(HFTokenizer(tokenizer), identity, limits.context, limits.rows)
        self._model = model
        self._device = model.get_input_embeddings().weight.device
        self._vocabulary = int(model.get_output_embeddings().weight.shape[0])
        base = model.get_base_model() if hasattr(model, "get_base_model") else model  # inside an adapter
        accepted = inspect.signature(base.forward).parameters
        self._positions = "position_ids" in accepted
        self._keeps = "logits_to_keep" in accepted
        self._layout = layout
        self._limits = limits
        self._detokenizer = Detokenizer(tokenizer, end_tokens(model, tokenizer))
        self._prefixes: Prefixes = Prefixes(limits.prefix_bytes)
        self._white: WhiteBox | HarnessError
        try:
            self._white = WhiteBox(model)
            self.layers, self.heads = self._white.layers, self._white.heads
        except HarnessError as error:  # raised again when somebody wants to look inside
            self._white = error
        self._waiting: dict[tuple[Any, ...], Waiting] = {}
        self._cohorts: list[Cohort] = []
        self._active: Group | Cohort | None = None
        self._patience = 0
        self.start()

    def check(self, call: Call) -> None:
        super().check(call)
        if not call.prompt:
            raise ItemError("an empty prompt has no next token; begin it with a BOS token or a word")
        ids = set(call.prompt) | set(getattr(call, "tokens", ())) | set(getattr(call, "continuation", ()))
        if max(ids) >= self._vocabulary or min(ids) < 0:
            raise ItemError(f"token {max(ids)} is not one of the model's {self._vocabulary}")
        if call.interventions or isinstance(call, Read):
            self._whitebox().check(call)

    def working(self) -> list[Job]:
        waiting = [job for w in self._waiting.values() for job in (*w.jobs, *(draft.job for draft in w.drafts))]
        return waiting + [draft.job for cohort in self._cohorts for draft in cohort.drafts]

    def shutdown(self) -> None:
        import torch

        self._waiting.clear()
        self._cohorts.clear()
        self._prefixes.clear()
        self._active = None
        self._model = None
        self._white = HarnessError("the engine is closed")
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def step(self, arrived: Sequence[Job]) -> None:
        import torch

        for job in arrived:
            self._accept(job)
        with torch.inference_mode():
            try:
                self._work()
            except torch.OutOfMemoryError:
                self._shrink()

    def _accept(self, job: Job) -> None:
        if isinstance(job.call, Generate):
            self._enqueue(Draft(job, job.call, self._detokenizer))
        else:
            call = job.call
            ids = call.prompt + getattr(call, "continuation", ())
            waiting = self._waiting.setdefault((call,), Waiting.of(call, ids))
            waiting.jobs.append(job)

    def _enqueue(self, draft: Draft) -> None:
        ids = draft.ids
        key = (ids, len(draft.call.prompt), draft.call.interventions)
        if key not in self._waiting:
            self._waiting[key] = Waiting.of(draft.call, ids)
        self._waiting[key].drafts.append(draft)

    def _work(self) -> None:
        self._cohorts = [cohort for cohort in self._cohorts if cohort.drafts]
        rows = sum(cohort.size for cohort in self._cohorts)
        self._patience += 1
        if self._waiting and (8 * len(self._waiting) >= rows or self._patience > PATIENCE):
            running = [Shape(cohort.size, cohort.width) for cohort in self._cohorts]
            group = plan(self._waiting.values(), self._prefixes.matched, self._limits, running)
            if group is not None:
                self._patience = 0
                self._active = group
                self._read(group)
                return
        for cohort in tuple(self._cohorts):
            self._active = cohort
            self._decode(cohort)

    def _read(self, group: Group) -> None:
        """Reads the sequences of a group, answers what they answer, and lets their texts join the cohorts."""
        import torch

        from harness.engines.transformers.keys_values import Window

        rows = [w for w, _ in group.rows]
        columns, new = group.columns, group.new
        window = Window(self._layout, len(rows), columns)
        window.end = columns - new
        ids = torch.zeros((len(rows), new), dtype=torch.long)
        fetched: dict[tuple[bytes, ...], list[Tensor]] = {}
        for i, w in enumerate(rows):
            tail = w.ids[-new:]
            ids[i, new - len(tail) :] = torch.tensor(tail)
            if (known := len(w.ids) - new) > 0:
                keys = tuple(w.keys[: -(-known // BLOCK)])
                if keys not in fetched:
                    fetched[keys] = self._prefixes.fetch(keys)
                window.put(i, [plane[:, :, :known] for plane in fetched[keys]], window.end)
        pads = [columns - len(w.ids) for w in rows]
        keep = max(w.scored for w in rows) + 1
        logits, activations = self._forward(window, ids, pads, [w.call for w in rows], keep)
        replies = _replies(rows, logits, activations)
        starting = [
            _Start(w, i, draft, max(len(w.ids) - new, 0) if k == 0 else len(w.ids))
            for i, (w, n) in enumerate(group.rows)
            for k, draft in enumerate(w.drafts[:n])
        ]
        tokens = next_tokens(logits[:, -1], [start.draft for start in starting], [start.row for start in starting])
        self._join(starting, tokens, window)
        for i, w in enumerate(rows):
            if w.keys:
                self._prefixes.keep(w.keys, window, i, pads[i])
            for job in w.jobs:
                reply = replies[i]
                if isinstance(reply, ItemError):
                    job.fail(reply)
                else:
                    self.finish(job, reply, max(len(w.ids) - new, 0))
            w.jobs.clear()
        self._waiting = {key: w for key, w in self._waiting.items() if w.jobs or w.drafts}

    def _join(self, starting: Sequence[_Start], tokens: Sequence[tuple[int, float]], window: Window) -> None:
        """Gives drafts their first token; those that go on join a cohort of about their width."""
        joining: dict[int, tuple[Cohort, list[int]]] = {}
        for k, start in enumerate(starting):
            cohort = self._cohort(start.draft.width)
            joining.setdefault(id(cohort), (cohort, []))[1].append(k)
        for cohort, places in joining.values():
            drafts = [starting[k].draft for k in places]
            cohort.make_room(len(drafts), max(d.length for d in drafts), max(d.width for d in drafts))
            for k in places:
                start, (token, logprob) = starting[k], tokens[k]
                start.waiting.drafts.remove(start.draft)
                start.draft.cached = min(start.cached, len(start.draft.call.prompt))
                if not self._add(start.draft, token, logprob):
                    cohort.join(start.draft, window, start.row)

    def _cohort(self, width: int) -> Cohort:
        """One of texts of about this width, or a new one."""
        place = cohort_of([cohort.width for cohort in self._cohorts], width)
        if place is None:
            self._cohorts.append(Cohort(self._layout, width))
            return self._cohorts[-1]
        return self._cohorts[place]

    def _decode(self, cohort: Cohort) -> None:
        """Adds a token to every text of a cohort."""
        import torch

        cohort.make_room(0, 0, 0)
        window, drafts = cohort.window, tuple(cohort.drafts)
        assert window is not None
        past = window.end - window.begin
        ids = torch.tensor([[draft.tokens[-1]] for draft in drafts])
        pads = [past + 1 - draft.length for draft in drafts]
        logits, _ = self._forward(window, ids, pads, [draft.call for draft in drafts], 1)
        tokens = next_tokens(logits[:, -1], drafts, range(len(drafts)))
        # Every draft takes its token before any leaves: the window is as long as its drafts.
        ended = [row for row, draft in enumerate(drafts) if self._add(draft, *tokens[row])]
        for row in reversed(ended):
            draft = drafts[row]
            if not draft.call.interventions:
                read = draft.ids[:-1]
                self._prefixes.keep(block_keys(read), window, row, window.end - len(read))
            cohort.leave(row)

    def _add(self, draft: Draft, token: int, logprob: float) -> bool:
        """Takes a token over; whether the text has ended."""
        if math.isnan(logprob):
            draft.job.fail(_no_numbers())
            return True
        reply = draft.add(token, logprob)
        if reply is not None:
            self.finish(draft.job, reply, draft.cached)
        return reply is not None

    def _forward(
        self, window: Window, ids: Tensor, pads: Sequence[int], calls: Sequence[Call], keep: int
    ) -> tuple[Tensor, dict[int, Reply | ItemError]]:
        """One forward pass behind what a window holds.

        Args:
            ids: [rows, new], right-aligned.
            pads: columns at the left of each row that are padding, those of the window included.
            keep: positions, from the last one back, whose logits are needed.

        Returns:
            Logits [rows, keep, vocabulary], and what was read inside the model, by row.
        """
        import torch

        past, new = window.end - window.begin, ids.shape[1]
        padding = torch.tensor(pads)[:, None]
        inputs = {"input_ids": ids, "attention_mask": (torch.arange(past + new)[None] >= padding).long()}
        if self._positions:
            inputs["position_ids"] = (torch.arange(past, past + new)[None] - padding).clamp(min=0)
        arguments: dict[str, Any] = {name: tensor.to(self._device) for name, tensor in inputs.items()}
        if self._keeps:
            arguments["logits_to_keep"] = keep
        arguments |= {"past_key_values": window.cache(), "use_cache": True}
        found: dict[int, Reply | ItemError] = {}
        if any(call.interventions or isinstance(call, Read) for call in calls):
            from harness.engines.transformers.whitebox import Row

            rows = [Row(call, pad) for call, pad in zip(calls, pads, strict=True)]
            with self._whitebox().forward(rows, past, new) as trace:
                logits = self._model(**arguments).logits
                for i, call in enumerate(calls):
                    if isinstance(call, Read):
                        found[i] = _activations(trace, i)
        else:
            logits = self._model(**arguments).logits
        window.end += new
        self.usage.steps += 1
        return logits[:, -keep:], found

    def _whitebox(self) -> WhiteBox:
        if isinstance(self._white, HarnessError):
            raise self._white
        return self._white

    def _shrink(self) -> None:
        """The GPU's memory did not suffice: frees what can be computed again, and tries less at a time."""
        import torch

        torch.cuda.empty_cache()
        self._prefixes.clear()
        active, limits = self._active, self._limits
        self._cohorts = [cohort for cohort in self._cohorts if cohort.drafts]
        cohort = active if isinstance(active, Cohort) else max(self._cohorts, key=lambda c: c.size, default=None)
        if isinstance(active, Group) and len(active.rows) > 1:
            limits.batch_tokens = max(1, len(active.rows) * active.new // 2)
            told = f"reading {limits.batch_tokens} tokens at once"
        elif cohort is not None and (cohort.size > 1 or active is not cohort):
            limits.rows = max(1, cohort.size // 2)
            told = f"writing {limits.rows} texts at once"
            self._cohorts.remove(cohort)
            for draft in cohort.drafts:  # what they hold is computed again
                self._enqueue(draft)
        elif isinstance(active, Group) and active.rows[0][1] > 1:
            limits.rows = active.rows[0][1] // 2
            told = f"writing {limits.rows} texts at once"
        else:
            told = "the other calls"
            self._give_up(active)
        log(f"out of GPU memory: going on with {told}")

    def _give_up(self, active: Group | Cohort | None) -> None:
        """Fails the one call that does not fit even alone."""
        error = ItemError("the GPU's memory does not suffice for this call alone; use a smaller dtype or a larger GPU")
        if isinstance(active, Cohort):
            self._cohorts.remove(active)
            jobs = [draft.job for draft in active.drafts]
        else:
            assert active is not None
            alone = active.rows[0][0]
            self._waiting = {key: w for key, w in self._waiting.items() if w is not alone}
            jobs = [*alone.jobs, *(draft.job for draft in alone.drafts)]
        for job in jobs:
            job.fail(error)


@dataclass(frozen=True, slots=True)
class _Start:
    """A draft about to begin: the row that it was read in, and how many of its tokens were not computed for it."""

    waiting: Waiting
    row: int
    draft: Draft
    cached: int


def _replies(rows: Sequence[Waiting], logits: Tensor, found: dict[int, Reply | ItemError]) -> list[Reply | ItemError]:
    """The replies of a forward pass to all but drafts, [rows, kept positions, vocabulary]; of those, a stand-in."""
    import torch

    replies: list[Reply | ItemError] = [found.get(i, _no_numbers()) for i in range(len(rows))]
    asked = [(i, w.call) for i, w in enumerate(rows) if isinstance(w.call, Choose)]
    if asked:
        # One row of logits a position: columns count from the right end, where the prompts end.
        places = [(i, p - len(call.prompt)) for i, call in asked for p in call.positions or (len(call.prompt) - 1,)]
        index = torch.tensor(places, device=logits.device)
        table = logits[index[:, 0], index[:, 1]].float().log_softmax(-1)
        named = [call.tokens for _, call in asked for _ in call.positions or (0,)]
        cells = [(k, token) for k, tokens in enumerate(named) for token in tokens]
        values = iter(table[[k for k, _ in cells], [token for _, token in cells]].tolist())
        for i, call in asked:
            replies[i] = _logprobs([next(values) for _ in call.tokens * max(1, len(call.positions))])
    for i, w in enumerate(rows):
        if isinstance(w.call, Score):
            table = logits[i, -w.scored - 1 : -1].float()
            given = torch.tensor(w.call.continuation, device=table.device)[:, None]
            replies[i] = _logprobs((table.gather(1, given)[:, 0] - table.logsumexp(-1)).tolist())
    return replies


def _activations(trace: Trace, row: int) -> Reply | ItemError:
    try:
        return trace.activations(row)
    except ValueError as error:
        return ItemError(f"activations: {error}")


def _logprobs(values: Sequence[float]) -> Reply | ItemError:
    return _no_numbers() if any(map(math.isnan, values)) else Logprobs(tuple(values))


def _no_numbers() -> ItemError:
    return ItemError("the model's log-probabilities are not numbers; try another dtype, or a weaker intervention")


def end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """Every token that ends a text: of the generation config and of the tokenizer."""
    given = getattr(model.generation_config, "eos_token_id", None)
    ends = set(given if isinstance(given, list | tuple) else [given])
    return frozenset((ends | {tokenizer.eos_token_id}) - {None})
