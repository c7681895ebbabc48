"""Bad inputs, damaged files, signals, rivals, forks and long runs: a part of each, then all."""

import os
import sys

import bad_inputs
import forks
import known
import long_runs
import mutations
import pytest
import rivals
import stops

BACKENDS = ("auto", "scipy", "sparse", "numba", "fourier")

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="forks, pipes with a name, signals"),
    pytest.mark.usefixtures("ctrl_c_is_heard"),
]
at_length = pytest.mark.reliability
linux = pytest.mark.skipif(sys.platform != "linux", reason="counts in /proc")


def backend(name, threads):
    case = f"{name} with {threads} threads"
    reason = known.FORKS.get(case)
    marks = [at_length] if name not in ("scipy", "sparse") else []
    if reason:
        marks.append(pytest.mark.xfail(strict=True, reason=reason))
    return pytest.param(name, threads, id=case.replace(" ", "-"), marks=marks)


@pytest.mark.parametrize("every", [20, pytest.param(1, marks=at_length)])
def test_bad_inputs_are_refused_in_one_line_that_names_them(tmp_path, every):
    tally = bad_inputs.run(tmp_path, slice(None, None, every))
    assert tally.tried >= 331 // every
    tally.require_clean(known.BAD_INPUTS)


@pytest.mark.parametrize("every", [500, pytest.param(60, marks=at_length)])
def test_bad_inputs_end_alike_as_processes_and_as_forked_children(tmp_path, every):
    bad_inputs.as_process(tmp_path, slice(7, None, every)).require_clean()


@pytest.mark.parametrize("count", [15, pytest.param(580, marks=at_length)])
def test_damaged_files_are_read_or_refused_by_name(tmp_path, count):
    tally = mutations.run(tmp_path, count)
    assert tally.tried >= count * 18
    tally.require_clean()


@pytest.mark.parametrize(
    ("count", "names"),
    [(3, ("project",)), pytest.param(90, tuple(stops.WRITERS), marks=at_length)],
    ids=["part", "all"],
)
def test_signals_end_commands_with_nothing_half_done(tmp_path, count, names):
    stops.run(tmp_path, count, names=names).require_clean()


@pytest.mark.parametrize("rounds", [4, pytest.param(40, marks=at_length)])
def test_rivals_never_both_win_and_never_mix_a_series(tmp_path, rounds):
    rivals.compete(tmp_path, rounds).require_clean()


@pytest.mark.parametrize("reads", [20, pytest.param(300, marks=at_length)])
def test_reads_beside_a_writer_get_one_series_whole(tmp_path, reads):
    rivals.read_beside(tmp_path, reads).require_clean()


@pytest.mark.parametrize(
    ("name", "threads"), [backend(name, threads) for name in BACKENDS for threads in (1, 2)]
)
def test_backends_work_in_a_forked_child(name, threads):
    pytest.importorskip({"auto": "numba", "fourier": "finufft"}.get(name, "numpy"))
    forks.run((name,), (threads,), seconds=20).require_clean()


@linux
@pytest.mark.parametrize("calls", [40, pytest.param(1000, marks=at_length)])
def test_calls_leave_no_memory_files_or_threads_behind(tmp_path, calls):
    long_runs.run(tmp_path, calls).require_clean()
