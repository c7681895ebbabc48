"""The fork law: a child computes the bits of its parent, and ends."""

import os
import sys
import time
from collections.abc import Callable

import attrs
import pytest
from helpers import ToyBackend

from libtilt.testing import forked, make_spec

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="forks as on Linux")


@attrs.frozen
class ForkedBackend(ToyBackend):
    """Misbehaves in children of the process that created it, and only there."""

    behave: Callable
    process: int = attrs.field(factory=os.getpid)

    def forward(self, spec, volume):
        images = super().forward(spec, volume)
        return images if os.getpid() == self.process else self.behave(images)


def wait_for_ever(_):
    time.sleep(1000)


def fail(message):
    def behave(_):
        raise RuntimeError(message)

    return behave


@on_linux
@pytest.mark.parametrize(
    ("behave", "complaint"),
    [
        (wait_for_ever, "did not end within 0.3 s and was killed"),
        (lambda images: images + 1, "computes different bits from its parent"),
        (fail("no threads"), "must raise an error that names 'spawn'"),
    ],
)
def test_the_fork_law_reports_backends_that_fail_in_a_child(monkeypatch, behave, complaint):
    monkeypatch.setattr(forked, "TIMEOUT", 0.3 if behave is wait_for_ever else 60)
    with pytest.raises(AssertionError, match=complaint):
        forked.law_fork(ForkedBackend(behave), make_spec("identity"))


@on_linux
def test_a_backend_may_require_spawn_in_a_forked_child():
    forked.law_fork(ForkedBackend(fail("start processes by spawn")), make_spec("identity"))
