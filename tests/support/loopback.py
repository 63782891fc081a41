"""Servers on loopback: one that speaks as `vllm serve` does, with a known distribution, and a proxy that fails."""

from __future__ import annotations

import json
import random
import threading
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import numpy as np

from harness.calls.calls import Call, Choose, Generate, Logprobs, Reply, Score, Text
from tests.support.killable import Killable

BYTES = 256
END = 256
SIZE = 257


class Loopback(Killable):
    """An HTTP server whose `respond` answers (status, headers, body).

    Attributes:
        seen: path, headers and JSON of every request.
        most: the largest number of requests in flight at once.
    """

    request_queue_size = 128

    def __init__(self, port: int = 0) -> None:
        self.seen: list[tuple[str, dict[str, str], Any]] = []
        self.most = self._flying = 0
        self.lock = threading.Lock()
        super().__init__(port, Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def asked(self, path: str = "/v1/completions") -> list[Any]:
        """JSON of the requests to one endpoint."""
        return [body for where, _, body in self.seen if where == path]

    def respond(self, path: str, headers: dict[str, str], body: Any) -> tuple[int, dict[str, str], bytes]:
        raise NotImplementedError

    def deliver(self, handler: Handler, status: int, headers: dict[str, str], body: bytes) -> None:
        """Sends an answer as it should be."""
        handler.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    def enter(self, change: int) -> None:
        with self.lock:
            self._flying += change
            self.most = max(self.most, self._flying)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # header and body are two writes: each answer would wait 40 ms
    server: Loopback

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, body: Any) -> None:
        headers = dict(self.headers.items())
        self.server.seen.append((self.path, headers, body))
        self.server.enter(1)
        try:
            status, extra, answer = self.server.respond(self.path, headers, body)
        finally:
            self.server.enter(-1)
        with suppress(OSError):
            self.server.deliver(self, status, extra, answer)

    def log_message(self, *_: Any) -> None:
        pass


def table(ids: Sequence[int]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The known model: natural log-probabilities of the 257 tokens after the given ones."""
    logits = 2 * np.random.default_rng(zlib.crc32(np.asarray(ids, np.uint32).tobytes())).normal(size=SIZE)
    return np.asarray(logits - np.log(np.exp(logits).sum()))


def written(tokens: Sequence[int]) -> str:
    """Text of generated tokens."""
    return bytes(t for t in tokens if t < BYTES).decode("latin-1")


def expected(call: Call) -> Reply:
    """What the known model answers to a call."""
    if isinstance(call, Choose):
        return Logprobs(tuple(table(call.prompt)[list(call.tokens)]))
    if isinstance(call, Score):
        ids = [*call.prompt, *call.continuation]
        return Logprobs(tuple(table(ids[:i])[ids[i]] for i in range(len(call.prompt), len(ids))))
    assert isinstance(call, Generate)
    s = call.sampling
    tokens, logprobs = continued(call.prompt, s.max_tokens, s.temperature, call.engine_seed(), s.top_k)
    return Text(written(tokens), tokens, logprobs, "stop" if tokens[-1] == END else "length")


def continued(
    prompt: Sequence[int], most: int, temperature: float, seed: int | None, top_k: int = 0
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Tokens that the known model generates, and their raw log-probabilities."""
    tokens: list[int] = []
    logprobs: list[float] = []
    while len(tokens) < most and tokens[-1:] != [END]:
        values = table([*prompt, *tokens])
        if temperature and top_k != 1:
            p = np.exp(values / temperature)
            token = int(np.random.default_rng([seed or 0, len(tokens)]).choice(SIZE, p=p / p.sum()))
        else:
            token = int(values.argmax())
        tokens.append(token)
        logprobs.append(float(values[token]))
    return tuple(tokens), tuple(logprobs)


class FakeVLLM(Loopback):
    """Speaks as `vllm serve` does.

    Attributes:
        key: the bearer token that it wants.
        named, ids, scores: whether it gives log-probabilities of named tokens, token ids, those of prompts.
        processed: gives the log-probabilities of what temperature and top-k leave.
        tokenizer: answers /tokenize; None has no such endpoint.
        poison: a prompt whose requests end with HTTP 500.
        delay: seconds that a request takes.
    """

    def __init__(self, port: int = 0) -> None:
        self.key: str | None = None
        self.named = self.ids = self.scores = True
        self.processed = False
        self.models = [{"id": "small", "root": "/models/small", "max_model_len": 512}]
        self.fingerprint: str | None = "vllm-0.32.0-aaaaaaaa"
        self.answers_as: str | None = None
        self.tokenizer: Any = None
        self.poison: list[int] | None = None
        self.delay = 0.0
        super().__init__(port)

    def respond(self, path: str, headers: dict[str, str], body: Any) -> tuple[int, dict[str, str], bytes]:
        if self.key is not None and headers.get("Authorization") != f"Bearer {self.key}":
            return 401, {}, b'{"error": "Unauthorized"}'
        time.sleep(self.delay)
        status, answer = self._answer(path, body)
        return status, {}, json.dumps(answer).encode()

    def _answer(self, path: str, body: Any) -> tuple[int, Any]:
        if path == "/v1/models":
            return 200, {"object": "list", "data": self.models}
        if path == "/version":
            return 200, {"version": "0.32.0"}
        if path == "/tokenize" and self.tokenizer is not None:
            assert body["add_special_tokens"] is False
            return 200, {"tokens": self.tokenizer.encode(body["prompt"])}
        if path not in ("/v1/completions", "/v1/chat/completions"):
            return 404, {"detail": "Not Found"}
        return self._speak(body)

    def _speak(self, body: Any) -> tuple[int, Any]:
        if body["model"] not in [model["id"] for model in self.models]:
            return 404, {"error": {"message": f"The model `{body['model']}` does not exist.", "code": 404}}
        if "messages" in body:
            return 200, self._chat(body)
        if any(token >= SIZE for token in body["prompt"]):
            return 400, {"error": {"message": "Token id is out of vocabulary", "code": 400}}
        if body["prompt"] == self.poison:
            return 500, {"error": {"message": "illegal memory access", "code": 500}}
        return 200, self._complete(body)

    def _complete(self, body: Any) -> Any:
        prompt, temperature, top_k = body["prompt"], body["temperature"], body["top_k"]
        tokens, logprobs = continued(prompt, body["max_tokens"], temperature, body.get("seed"), top_k)
        if self.processed and top_k == 1:
            logprobs = (0.0,) * len(tokens)
        choice: dict[str, Any] = {
            "text": written(tokens),
            "finish_reason": "stop" if tokens[-1] == END else "length",
            "prompt_logprobs": None,
        }
        if self.ids:
            choice |= {"token_ids": tokens, "prompt_token_ids": prompt}
            values = table(prompt)
            wanted = {tokens[0], *(body["logprob_token_ids"] if self.named else ())}
            top = {f"token_id:{t}": float(max(values[t], -9999.0)) for t in wanted}
            choice["logprobs"] = {"token_logprobs": logprobs, "top_logprobs": [top]}
        if self.scores and body.get("prompt_logprobs") == 0:
            steps = [{str(t): {"logprob": float(table(prompt[:i])[t])}} for i, t in enumerate(prompt) if i]
            choice["prompt_logprobs"] = [None, *steps]
        usage = {"prompt_tokens": len(prompt), "completion_tokens": len(tokens)}
        return {"choices": [choice], "usage": usage, "system_fingerprint": self.fingerprint, "model": self.answers_as}

    def _chat(self, body: Any) -> Any:
        said = body["messages"][-1]
        text = f"{said['role']} said {said['content']!r}"
        choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        return {"choices": [choice], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}


FAULTS = (
    "500",
    "503",
    "429",
    "408",
    "slow",
    "cut",
    "reset",
    "not JSON",
    "empty",
    "no choices",
    "wrong kind",
    "crossed",
)


class FaultyProxy(Loopback):
    """Passes requests on to a server, and spoils a share of the answers.

    Args:
        upstream: the server's address, without a path.
        share: of the answers that are spoiled, in [0, 1].
        slow: seconds that a slow answer takes.
        faults: those it makes, of `FAULTS`.

    Attributes:
        made: how often each fault was made.
    """

    def __init__(self, upstream: str, share: float, slow: float, faults: Sequence[str] = FAULTS, seed: int = 0) -> None:
        self.upstream = upstream
        self.share = share
        self.slow = slow
        self.faults = faults
        self.made = dict.fromkeys(faults, 0)
        self._random = random.Random(seed)
        self._last = b"{}"
        super().__init__()

    def respond(self, path: str, headers: dict[str, str], body: Any) -> tuple[int, dict[str, str], bytes]:
        with self.lock:
            fault = self._random.choice(self.faults) if self._random.random() < self.share else ""
            if fault:
                self.made[fault] += 1
        if fault in ("500", "503", "429", "408"):
            return int(fault), {"Retry-After": "0.01"} if fault in ("429", "503") else {}, b"no"
        status, answer = pass_on(self.upstream + path, headers, body)
        if fault == "slow":
            time.sleep(self.slow)
        spoiled = {
            "not JSON": answer[: len(answer) // 2],
            "empty": b"",
            "no choices": b'{"choices": [], "data": 3}',
            "wrong kind": b'[{"choices": null}]',
            "crossed": self._last,
        }
        if path.endswith("/completions") and not fault:
            self._last = answer
        return status, {"X-Fault": fault} if fault in ("cut", "reset") else {}, spoiled.get(fault, answer)

    def deliver(self, handler: Handler, status: int, headers: dict[str, str], body: bytes) -> None:
        if headers.get("X-Fault") == "cut":
            handler.close_connection = True
            handler.wfile.write(
                f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body[: len(body) // 2]
            )
        elif headers.get("X-Fault") == "reset":
            handler.close_connection = True
        else:
            super().deliver(handler, status, headers, body)


def pass_on(address: str, headers: dict[str, str], body: Any) -> tuple[int, bytes]:
    """Status and body of a server's answer to a request that came to another one."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
    if key := headers.get("Authorization"):
        request.add_header("Authorization", key)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError:
        return 502, b"bad gateway"


class Balancer(Loopback):
    """Passes each request on to the next of several servers, as a balancer before replicas does.

    Attributes:
        passed: how many requests each server got.
    """

    def __init__(self, upstreams: Sequence[str]) -> None:
        self.upstreams, self.passed = upstreams, [0] * len(upstreams)
        super().__init__()

    def respond(self, path: str, headers: dict[str, str], body: Any) -> tuple[int, dict[str, str], bytes]:
        with self.lock:
            turn = sum(self.passed) % len(self.upstreams)
            self.passed[turn] += 1
        status, answer = pass_on(self.upstreams[turn] + path, headers, body)
        return status, {}, answer


def save_byte_tokenizer(folder: Path) -> Path:
    """A model folder without weights, whose tokens are bytes."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(letters)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>").save_pretrained(folder)
    (folder / "config.json").write_text('{"model_type": "llama"}')
    return folder
