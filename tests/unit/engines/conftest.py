"""A model whose tokens are bytes, and the server that stands in for a real one."""

from collections.abc import Iterator

import pytest

from harness.models.model import Model
from tests.support.loopback import FakeVLLM, save_byte_tokenizer


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return Model(source=str(save_byte_tokenizer(tmp_path_factory.mktemp("bytes"))), name="bytes")


@pytest.fixture
def server() -> Iterator[FakeVLLM]:
    with FakeVLLM() as fake:
        yield fake
