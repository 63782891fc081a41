"""Records: every number comes back equal, every flipped bit is noticed, merging keeps what can be read."""

import math
import random
import struct
from pathlib import Path

import pytest

from harness.calls.calls import Logprobs, Reply, Text
from harness.cli.main import main
from harness.errors import ItemError
from harness.store import records
from harness.store.maintenance import merge, survey, verify
from harness.store.packing import pack_reply, unpack_reply
from harness.store.segments import Origin, seal
from harness.store.store import Store
from tests.unit.store.test_store import ORIGIN, filled, key, reply, segment

OTHER = Origin("fedcba9876543210", "large", "selfCorrection", {"engine": "vllm"})


def float32(value: float) -> float:
    (rounded,) = struct.unpack("f", struct.pack("f", value))
    return float(rounded)


def text(rng: random.Random, tokens: int, vocabulary: int, *, exact: bool = False) -> Text:
    """A text as an engine gives it; with `exact`, numbers that float32 cannot hold."""
    words = "".join(rng.choice(("the ", "Antwort é", "\n", "\x1b", "\x1b\x01\x1b\x02", "中")) for _ in range(tokens))
    logprobs = [-rng.expovariate(1.0) for _ in range(tokens)]
    return Text(
        words,
        tuple(rng.randrange(vocabulary) for _ in range(tokens)),
        tuple(logprobs if exact else map(float32, logprobs)),
        rng.choice(("stop", "length")),
    )


@pytest.mark.parametrize("tokens", [0, 1, 7, 60, 300, 2000])
@pytest.mark.parametrize("vocabulary", [1, 256, 65_536, 1 << 24, 1 << 32])
def test_a_reply_comes_back_equal_in_every_bit(tokens: int, vocabulary: int) -> None:
    rng = random.Random(tokens + vocabulary)
    for exact in (False, True):
        given = text(rng, tokens, vocabulary, exact=exact)
        line = records.pack(key(7), pack_reply(given))
        assert line.count(b"\n") == 1
        record = records.parse(line)
        assert record == (key(7), pack_reply(given), True)
        assert records.unpack_body(record.body, b"") == given
        values = Logprobs(given.logprobs)
        assert unpack_reply(pack_reply(values)) == values


@pytest.mark.parametrize("values", [(), (0.0, -0.0), (-math.inf, -1e-45, -3.4e38), (-1e300, -0.1), (5e-324, -math.inf)])
def test_numbers_at_the_edges_come_back_with_their_sign(values: tuple[float, ...]) -> None:
    back = unpack_reply(pack_reply(Logprobs(values)))
    assert isinstance(back, Logprobs)
    assert list(map(repr, back.values)) == list(map(repr, values))


def test_a_token_takes_eight_bytes_with_its_text_and_log_probability() -> None:
    rng = random.Random(0)
    words = " ".join(rng.choice(("the", "answer", "because", "number", "of", "Paris")) for _ in range(800))
    tokens = tuple(min(151_000, int(rng.paretovariate(0.5) * 5)) for _ in range(1024))
    given = Text(words, tokens, tuple(float32(-rng.expovariate(1.0)) for _ in tokens), "stop")
    assert len(pack_reply(given)) / 1024 < 8
    assert unpack_reply(pack_reply(given)) == given


def test_a_short_text_takes_eight_bytes_a_token_too() -> None:
    rng = random.Random(0)
    texts = []
    for _ in range(50):
        words = " ".join(rng.choice(("the", "answer", "because", "number", "of", "Paris")) for _ in range(48))
        tokens = tuple(min(49_000, int(rng.paretovariate(0.5) * 5)) for _ in range(60))
        texts.append(Text(words, tokens, tuple(float32(-rng.expovariate(1.0)) for _ in tokens), "stop"))
    assert sum(len(records.pack(rng.randbytes(16), pack_reply(given))) for given in texts) / (50 * 60) < 8


def test_the_probabilities_of_two_options_take_a_line_of_32_bytes() -> None:
    rng = random.Random(0)
    values = [Logprobs((float32(-rng.random()), float32(-rng.random()))) for _ in range(200)]
    assert sum(len(records.pack(rng.randbytes(16), pack_reply(given))) for given in values) / 200 < 32


@pytest.mark.parametrize("special", [b"\x1b", b"\n", b"\r", b"="])
def test_a_key_and_a_body_may_hold_any_bytes(special: bytes) -> None:
    for name, body in (
        (special * 16, b"x"),
        (key(1), special),
        (special * 16, special * 5 + b"\x01\x02\x03" + special),
    ):
        line = records.pack(name, body)
        assert (line.count(b"\n"), b"\r" in line) == (1, False)
        assert records.parse(line) == (name, body, True)
        assert records.parse(line[:-1]) is None
        assert all(records.sound_key(line[:i] + bytes([line[i] ^ 4]) + line[i + 1 :]) is None for i in range(len(line)))


NAN = float("nan")
WRONG: list[tuple[Reply, str]] = [
    (Logprobs((NAN, -1.0)), "a log-probability of nan"),
    (Logprobs((-1.0, math.inf)), "a log-probability of inf"),
    (Text("a", (1, 2), (-0.5, NAN), "stop"), "a log-probability of nan"),
    (Text("a", (-1,), (-0.5,), "stop"), "a token id"),
    (Text("a", (1 << 32,), (-0.5,), "stop"), "a token id"),
    (Text("a\ud800", (1,), (-0.5,), "stop"), "half a surrogate pair"),
    (Text("a", (1,), (-0.5,), "later"), "ended with 'later'"),  # type: ignore[arg-type]
    (Logprobs((None,)), "a log-probability of None"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("given", "message"), WRONG, ids=[str(i) for i in range(len(WRONG))])
def test_what_would_not_come_back_equal_is_refused_and_never_stored(tmp_path: Path, given: Reply, message: str) -> None:
    store = Store(tmp_path)
    with pytest.raises(ItemError, match=message):
        store.put(key(1), ORIGIN, given)
    assert store.get(key(1), ORIGIN) is None
    store.put(key(2), ORIGIN, reply(2))
    store.close()
    again = Store(tmp_path)
    assert (len(again), again.dropped, again.get(key(2), ORIGIN)) == (1, 0, reply(2))


def test_a_flip_of_any_bit_of_a_segment_is_counted_and_never_served(tmp_path: Path) -> None:
    store = Store(tmp_path)
    given: dict[bytes, Reply] = {key(1): reply(1), key(255): Logprobs((-0.5, -math.inf)), key(3): reply(3)}
    for name, one in given.items():
        store.put(name, ORIGIN, one)
    store.close()
    path = segment(tmp_path)
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])
        opened = Store(tmp_path)
        got = {name: opened.get(name, ORIGIN) for name in given}
        assert all(one is None or one == given[name] for name, one in got.items()), at
        assert opened.dropped >= 1, at
        assert any(not flaw.torn for flaw in verify(tmp_path)), at
        assert len(opened) == sum(one is not None for one in got.values()), at  # no other key has come to be
        opened.close()


@pytest.mark.parametrize("upto", [1 + 16, 1 + 16 + 4], ids=["key", "key and checksum"])
def test_two_records_that_exchanged_their_keys_are_noticed(tmp_path: Path, upto: int) -> None:
    filled(tmp_path, range(1, 3))
    path = segment(tmp_path)
    head, one, two, end = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(head + two[:upto] + one[upto:] + one[:upto] + two[upto:] + end)
    store = Store(tmp_path)
    assert [store.get(key(i), ORIGIN) for i in (1, 2)] == [None, None]
    assert store.dropped == 2
    assert len(list(verify(tmp_path))) == 2


def test_a_body_that_holds_a_whole_record_is_never_taken_for_one(tmp_path: Path) -> None:
    filled(tmp_path, range(1, 2))
    forged = records.pack(key(9), pack_reply(Text("forged", (1,), (-0.5,), "stop")))
    holding = records.pack(key(2), b"see:\n" + forged + b"\n")
    with segment(tmp_path).open("ab") as file:
        file.write(holding.replace(b"see:", b"Xee:"))
    opened = Store(tmp_path)
    assert (opened.get(key(9), ORIGIN), len(opened), opened.dropped) == (None, 1, 1)


def test_a_folder_or_a_loop_of_links_named_as_a_segment_closes_the_store_to_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(tmp_path, range(1, 3))
    strange = ["a.replies", "c.arrays", "d.index"]
    for name in strange:
        (tmp_path / name).mkdir()
    (tmp_path / "e.replies").symlink_to("e.replies")
    (tmp_path / "g.replies").symlink_to("nowhere")
    store = Store(tmp_path)
    assert store.get(key(1), ORIGIN) == reply(1)
    store.refresh()
    assert (len(store), store.dropped) == (2, 0)
    store.close()
    assert list(verify(tmp_path)) == []
    assert survey(tmp_path).foreign == [*strange, "e.replies", "g.replies"]
    assert merge(tmp_path) == []
    assert main(["store", "prune", "--model", "small", "--folder", str(tmp_path)]) == 0
    assert "removed 2 calls" in capsys.readouterr().out


def test_merge_keeps_the_readable_one_of_two_records_of_a_call(tmp_path: Path) -> None:
    filled(tmp_path, range(1, 2))
    with segment(tmp_path).open("ab") as file:
        file.write(records.pack(key(2), b"\x00 sound, and no reply"))
    seal(segment(tmp_path))
    segment(tmp_path).rename(tmp_path / "0.replies")  # the unreadable one is met first
    filled(tmp_path, range(2, 3))
    (done,) = merge(tmp_path)
    assert (done.calls, done.duplicates, done.damaged) == (2, 0, 1)
    store = Store(tmp_path)
    assert [store.get(key(i), ORIGIN) for i in (1, 2)] == [reply(1), reply(2)]
