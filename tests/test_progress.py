"""Progress is shown or told, and changes nothing else."""

import io
import os
import subprocess
import sys
import time

import numpy as np
import pytest

from libtilt import GaussianBlobs, Projector, TiltGeometry, progress
from libtilt.backends import PlannedBackend, SciPyBackend
from libtilt.backends.threads import run_all, run_each
from libtilt.progress import counting_iterations, counting_pieces, reporting
from libtilt.reconstruction import Method, reconstruct, sirt, wbp

VOLUME = GaussianBlobs.random((12, 16, 16), n=5, seed=0).volume((12, 16, 16)).astype("float32")
GEOMETRY = TiltGeometry.from_tilt_angles(range(-60, 61, 10), tilt_axis_angle=85)


class Screen(io.StringIO):
    def __init__(self, *, terminal):
        super().__init__()
        self.isatty = lambda: terminal


@pytest.fixture
def screen(monkeypatch):
    """A stderr that is a terminal or not, with or without tqdm, and a clock to set."""

    def make(*, terminal, tqdm=True, clock=None):
        stream = Screen(terminal=terminal)
        monkeypatch.setattr(sys, "stderr", stream)
        if not tqdm:
            monkeypatch.setitem(sys.modules, "tqdm.auto", None)
        if clock is not None:
            monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
        return stream

    return make


def tell(told):
    return lambda done, total: told.append((done, total))


@pytest.mark.parametrize("backend", ["scipy", SciPyBackend(order=3), "numba", "auto", "fourier"])
@pytest.mark.parametrize("driven", ["ray", "voxel"])
def test_counts_rise_to_the_whole_and_results_keep_their_bits(backend, driven):
    projector = Projector(GEOMETRY, volume_shape=VOLUME.shape, driven=driven, backend=backend)
    series = projector.forward(VOLUME)
    for call, data in ((projector.forward, VOLUME), (projector.adjoint, series)):
        told = []
        assert np.array_equal(call(data, progress=tell(told)), call(data))
        done, total = np.array(told).T
        assert (np.diff(done) > 0).all()
        assert (np.diff(total) >= 0).all()
        assert (done[:-1] < total[:-1]).all()
        assert done[-1] == total[-1]


def test_an_override_that_calls_the_method_it_replaces_is_counted():
    class Doubled(Projector):
        def _forward(self, volume):
            return 2 * super()._forward(volume)

        def _adjoint(self, images):
            return 2 * super()._adjoint(images)

    told = []
    Doubled(GEOMETRY, backend="scipy").forward(VOLUME, progress=tell(told))
    assert told == [(tilt + 1, 13) for tilt in range(13)]


def test_a_backend_that_shares_out_no_work_is_one_piece():
    class Zeros(PlannedBackend):
        name = "zeros"

        def plan(self, spec):
            return self

        nbytes = 0

        def forward(self, volume):
            return np.zeros((13, 16, 16), np.float32)

        adjoint = None

    told = []
    Projector(GEOMETRY, backend=Zeros()).forward(VOLUME, progress=tell(told))
    assert told == [(1, 1)]


def test_iterations_are_counted_and_pieces_of_a_direct_method():
    series = Projector(GEOMETRY).forward(VOLUME)
    told = []
    sirt(series, volume_shape=VOLUME.shape, iterations=3, progress=tell(told))
    assert told == [(1, 3), (2, 3), (3, 3)]
    told.clear()
    wbp(series, volume_shape=VOLUME.shape, progress=tell(told))
    assert told[-1][0] == told[-1][1] > 13
    told.clear()

    class Backprojection(Method):
        supports = ()

        def _solve(self, problem, progress):
            progress.stop_reason = "direct"
            return problem.adjoint(problem.images)

    reconstruct(series, Backprojection(), volume_shape=VOLUME.shape, margin=0, progress=tell(told))
    assert told[-1][0] == told[-1][1] > 1


def test_stages_add_up_and_work_inside_a_piece_belongs_to_it():
    told = []

    def nested(_):
        run_all(abs, range(5), 1)

    with counting_pieces(tell(told), "work"):
        run_all(nested, iter(range(2)), 1)
        run_all(abs, range(3), 2)
    assert told == [(1, 2), (3, 5), (4, 5), (5, 5)]
    run_all(abs, range(3), 2)
    assert len(told) == 4


def test_without_progress_pieces_are_not_listed_ahead():
    taken = []

    def pieces():
        for piece in range(10):
            taken.append(piece)
            yield piece

    next(run_each(abs, pieces(), 1))
    assert taken == [0]


def test_an_error_of_the_callable_ends_the_call_and_the_counting():
    def stop(done, total):
        raise RuntimeError("enough")

    projector = Projector(GEOMETRY, backend="scipy")
    with pytest.raises(RuntimeError, match="enough"):
        projector.forward(VOLUME, progress=stop)
    projector.forward(VOLUME)


@pytest.mark.parametrize("wrong", ["bar", 1, 0, 2.5])
def test_other_values_are_refused(wrong):
    with pytest.raises(TypeError, match=r"progress must be True, False or a callable .*, got"):
        Projector(GEOMETRY).forward(VOLUME, progress=wrong)


@pytest.mark.parametrize("off", [False, None])
def test_nothing_is_shown_unless_asked_for(screen, off):
    stream = screen(terminal=True)
    with reporting(off, "counting") as report:
        assert report is None
    assert stream.getvalue() == ""


def test_a_terminal_shows_the_bar_of_tqdm(screen):
    pytest.importorskip("tqdm")
    stream = screen(terminal=True)
    with reporting(True, "counting") as report:
        for done in range(1, 5):
            report(done, 4)
    last = stream.getvalue().split("\r")[-1]
    assert last.startswith("counting: 100%")
    assert "4/4" in last


def test_a_terminal_without_tqdm_shows_one_line_that_is_rewritten(screen):
    clock = [0.0]
    stream = screen(terminal=True, tqdm=False, clock=clock)
    with reporting(True, "counting") as report:
        for done in range(1, 5):
            clock[0] += 0.15
            report(done, 4)
    longest, last = "counting: 2 of 4 (50 %), 0 s, about 0 s left", "counting: 4 of 4 (100 %), 1 s"
    assert stream.getvalue() == (f"\rcounting ...\r{longest}\r{last.ljust(len(longest))}\r{last}\n")


@pytest.mark.parametrize("tqdm", [True, False])
def test_without_a_terminal_there_is_a_line_after_five_seconds_then_one_a_minute(screen, tqdm):
    clock = [0.0]
    stream = screen(terminal=False, tqdm=tqdm, clock=clock)
    with reporting(True, "counting") as report:
        for done in range(1, 201):
            clock[0] += 1
            report(done, 200)
    assert stream.getvalue().splitlines() == [
        "counting: 5 of 200 (2 %), 5 s, about 195 s left",
        "counting: 65 of 200 (32 %), 65 s, about 135 s left",
        "counting: 125 of 200 (62 %), 125 s, about 75 s left",
        "counting: 185 of 200 (92 %), 185 s, about 15 s left",
        "counting: 200 of 200 (100 %), 200 s",
    ]


def test_without_a_terminal_a_short_call_prints_nothing(screen):
    clock = [0.0]
    stream = screen(terminal=False, clock=clock)
    with reporting(True, "counting") as report:
        for done in range(1, 5):
            clock[0] += 1.2
            report(done, 4)
    assert stream.getvalue() == ""


def test_without_a_terminal_a_call_that_fails_has_no_last_line(screen):
    clock = [0.0]
    stream = screen(terminal=False, clock=clock)

    def fail():
        with reporting(True, "counting") as report:
            clock[0] += 10
            report(1, 4)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert stream.getvalue() == "counting: 1 of 4 (25 %), 10 s, about 30 s left\n"


def test_a_notebook_without_tqdm_rewrites_one_line(screen, monkeypatch):
    clock = [0.0]
    stream = screen(terminal=False, tqdm=False, clock=clock)
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    with reporting(True, "counting") as report:
        for done in (1, 2):
            clock[0] += 60
            report(done, 2)
    longest = "counting: 1 of 2 (50 %), 60 s, about 60 s left"
    last = "counting: 2 of 2 (100 %), 120 s"
    assert stream.getvalue() == (f"\rcounting ...\r{longest}\r{last.ljust(len(longest))}\r{last}\n")


def test_iterations_show_the_pieces_of_the_next_and_the_time_left(screen):
    clock = [0.0]
    stream = screen(terminal=False, clock=clock)

    def work(piece):
        clock[0] += 20

    with counting_iterations(True, "solving", 3) as report:
        for done in (1, 2, 3):
            run_all(work, range(4), 1)
            report(done)
    assert stream.getvalue().splitlines() == [
        "solving: 0 of 3 (0 %), 20 s, 1 piece of the next",
        "solving: 1 of 3 (33 %), 80 s, about 160 s left",
        "solving: 1 of 3 (33 %), 140 s, about 100 s left, 3 pieces of the next",
        "solving: 2 of 3 (66 %), 200 s, about 40 s left, 2 pieces of the next",
        "solving: 3 of 3 (100 %), 240 s",
    ]


def test_the_bar_of_iterations_shows_the_pieces_of_the_next(screen):
    pytest.importorskip("tqdm")
    stream = screen(terminal=True)
    with counting_iterations(True, "solving", 2) as report:
        run_all(lambda piece: time.sleep(0.15), range(2), 1)
        report(1)
        run_all(abs, range(2), 1)
        report(2)
    assert "1 piece of the next" in stream.getvalue()
    last = stream.getvalue().split("\r")[-1]
    assert "2/2" in last
    assert "piece" not in last


def test_iterations_are_told_without_their_pieces():
    told = []
    with counting_iterations(tell(told), "solving", 2) as report:
        for done in (1, 2):
            run_all(abs, range(3), 1)
            report(done)
    assert told == [(1, 2), (2, 2)]


def test_a_process_without_stderr_works(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    with reporting(True, "counting") as report:
        report(1, 1)


class Closed(Screen):
    def write(self, text):
        raise BrokenPipeError


def closed_file():
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize(
    "stream",
    [Closed(terminal=False), Closed(terminal=True), closed_file(), object()],
    ids=["pipe", "terminal", "file", "no stream"],
)
@pytest.mark.parametrize("tqdm", [True, False])
def test_a_stderr_that_cannot_be_written_to_does_not_lose_the_work(monkeypatch, stream, tqdm):
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    if not tqdm:
        monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with reporting(True, "counting") as report:
        report(1, 2)
        report(2, 2)


def test_animations_show_and_tell_their_frames(tmp_path, screen):
    told = []
    VOLUME.to_gif(tmp_path / "a.gif", progress=tell(told))
    assert told[-1][0] == told[-1][1] == len(told)
    stream = screen(terminal=False)
    VOLUME.to_gif(tmp_path / "b.gif", progress=True)
    assert stream.getvalue() == ""
    stream = screen(terminal=True, tqdm=False)
    VOLUME.to_gif(tmp_path / "c.gif", progress=True)
    assert f"frames: {len(told)} of {len(told)} (100 %)" in stream.getvalue()


@pytest.mark.skipif(os.name == "nt", reason="opens a pseudo-terminal")
@pytest.mark.parametrize("rows", [0, 24])
def test_a_terminal_that_does_not_know_its_size_shows_a_bar_too(rows):
    pytest.importorskip("tqdm")
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, 3 * rows, 0, 0))
    code = "from libtilt.progress import reporting\nwith reporting(True, 'work') as r: r(1, 1)"
    subprocess.run([sys.executable, "-c", code], stderr=theirs, check=True)
    os.close(theirs)
    shown = os.read(ours, 4096).decode()
    os.close(ours)
    assert "work: 100%" in shown
