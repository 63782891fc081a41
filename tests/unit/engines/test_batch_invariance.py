"""The switch of vLLM's batch-invariant kernels: set before vLLM is imported, never against what the run says."""

import sys
from types import ModuleType

import pytest

from harness.engines.vllm.invariance import VARIABLE, check_device, switch
from harness.errors import HarnessError


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "0")  # so that what a test sets is taken back
    monkeypatch.delitem(sys.modules, "vllm", raising=False)


def test_the_variable_is_set_when_asked_for_only() -> None:
    import os

    switch(False)
    assert os.environ[VARIABLE] == "0"
    switch(True)
    assert os.environ[VARIABLE] == "1"
    switch(True)


@pytest.mark.parametrize("value", ["1", "2"])
def test_a_variable_set_by_hand_must_stand_in_the_settings(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(HarnessError, match=r"write engine\.batch_invariant=true"):
        switch(False)
    switch(True)


def test_a_vllm_that_was_imported_without_it_cannot_be_switched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", ModuleType("vllm"))
    switch(False)
    with pytest.raises(HarnessError, match="commands of their own"):
        switch(True)


def test_cpus_have_no_such_kernels() -> None:
    check_device(True, cuda=True)
    check_device(False, cuda=False)
    with pytest.raises(HarnessError, match="needs a GPU"):
        check_device(True, cuda=False)
