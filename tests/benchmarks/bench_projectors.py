"""Forward and adjoint of everyone by pytest-benchmark, to keep and compare from change to change.

    pytest tests/benchmarks/bench_projectors.py --benchmark-autosave

For a fair table of everyone against everyone use `compare.py`, which takes turns.
"""

import pytest
from contestants import all_contestants
from jobs import Job

CONTESTANTS = all_contestants(threads=2)


@pytest.fixture(scope="module")
def job(request):
    return Job(size=168, tilt_axis_angle=request.param)


@pytest.mark.parametrize("job", [0.0, 85.0], indirect=True, ids=["axis at 0", "axis at 85"])
@pytest.mark.parametrize("name", CONTESTANTS)
@pytest.mark.parametrize("direction", ["forward", "adjoint"])
def test_speed(benchmark, job, name, direction):
    contestant = CONTESTANTS[name]
    if not contestant.takes(job) or not hasattr(contestant, direction):
        pytest.skip("does not do this")
    contestant.prepare(job)
    benchmark.group = f"{direction}, tilt axis at {job.tilt_axis_angle:g} degrees"
    data = job.volume if direction == "forward" else job.images
    benchmark.pedantic(getattr(contestant, direction), (data,), rounds=3, warmup_rounds=1)
