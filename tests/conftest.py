"""What the tests share."""

import signal
from pathlib import Path

import numpy as np
import pytest

# Run by hand, and needs an extra of its own.
collect_ignore = ["mutation"]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the public data files are not in ../shared/data")
    return folder


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture
def ctrl_c_is_heard():
    """Interrupts end this process and those it starts, also where a shell has them ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def no_screen():
    """Figures are drawn in memory, and closed."""
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    yield
    pyplot.close("all")
