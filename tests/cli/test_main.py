"""The command line as a process: signals, pipes, exit codes, what nobody foresaw."""

import os
import signal
import subprocess
import sys
import time

import pytest

from libtilt import GaussianBlobs
from libtilt.cli.messages import printable

SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143} | (
    {signal.SIGHUP: 129} if hasattr(signal, "SIGHUP") else {}
)
unix = pytest.mark.skipif(os.name == "nt", reason="sends signals")


def restore_signals():
    """Undo the ignoring of signals that nohup, shells and test runners hand down."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in SIGNALS.keys() - {signal.SIGINT}:
        signal.signal(number, signal.SIG_DFL)


def ignore_hangup():
    restore_signals()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def start(*arguments, command=("-m", "libtilt"), **options):
    return subprocess.Popen(
        [sys.executable, *command, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **({} if os.name == "nt" else {"preexec_fn": restore_signals}) | options,
    )


def run(*arguments, **environment):
    process = start(*arguments, env=os.environ | environment)
    printed = process.communicate(timeout=120)
    return process.returncode, *printed


@pytest.fixture
def volume(tmp_path):
    blobs = GaussianBlobs.random((64, 64, 64), n=5, seed=0)
    return blobs.volume((64, 64, 64)).astype("float32").save(tmp_path / "map.mrc")


@unix
@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_signal_ends_a_command_with_its_exit_code_and_no_partial_file(volume, number):
    process = start(
        *("-v", "project", volume, "--backend", "scipy", "--tilt-range", -60, 60, 0.5),
        *("-o", volume.with_name("tilts.mrc")),
    )
    assert process.stderr.readline().startswith("libtilt: grids to project")
    process.send_signal(number)
    _, printed = process.communicate(timeout=60)
    assert process.returncode == SIGNALS[number]
    assert printed.strip() in ("interrupted", "stopped")
    assert list(volume.parent.iterdir()) == [volume]


# What comes before the entry point is Python's own start, which no program can answer for.
LOADING = """
import sys
from libtilt import __main__ as entry
run = entry._run
def say_so_and_run():
    print("loading", file=sys.stderr, flush=True)
    return run()
entry._run = say_so_and_run
sys.argv = ["libtilt", "info", sys.argv[1]]
entry.main()
"""


@unix
@pytest.mark.parametrize("delay", [0, 0.1, 0.3, 0.8])
def test_ctrl_c_during_loading_prints_no_traceback(volume, delay):
    process = start(volume, command=("-c", LOADING))
    assert process.stderr.readline() == "loading\n"
    time.sleep(delay)
    process.send_signal(signal.SIGINT)
    _, printed = process.communicate(timeout=60)
    # A signal that comes behind the end of Python's own work ends the process as such.
    assert process.returncode in (0, 130, -signal.SIGINT)
    assert "Traceback" not in printed


@unix
def test_a_command_under_nohup_survives_a_hangup(volume):
    process = start(volume, command=("-c", LOADING), preexec_fn=ignore_hangup)
    assert process.stderr.readline() == "loading\n"
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=60)
    assert process.returncode == 0


# As a compiled library does whose import the signal cuts short.
SWALLOWED = """
import os, signal, sys
import libtilt.cli.info
def read(*_, **__):
    try:
        os.kill(os.getpid(), number)
        import time; time.sleep(10)
    except BaseException as error:
        raise ImportError("initialization failed") from error
libtilt.cli.info._rows = read
from libtilt.__main__ import main
number = getattr(signal, sys.argv[1])
sys.argv = ["libtilt", "info", sys.argv[2]]
main()
"""


@unix
@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_signal_that_a_library_makes_an_error_keeps_its_exit_code(volume, number):
    process = start(number.name, volume, command=("-c", SWALLOWED))
    _, printed = process.communicate(timeout=60)
    assert process.returncode == SIGNALS[number], printed
    assert printed.strip() in ("interrupted", "stopped")


# What keys that are pressed repeatedly do to the removal of files, and to a library.
REPEATED = """
import os, signal, sys, time
import libtilt.cli.info
def read(*_, **__):
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(10)
    except KeyboardInterrupt:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
        print("cleaned", flush=True)
    time.sleep(1.1)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(10)
libtilt.cli.info._rows = read
from libtilt.__main__ import main
sys.argv = ["libtilt", "info", sys.argv[1]]
main()
"""


@unix
def test_repeated_keys_let_files_be_removed_and_end_a_command_later(volume):
    started = time.monotonic()
    out, printed = (process := start(volume, command=("-c", REPEATED))).communicate(timeout=60)
    assert (process.returncode, out) == (130, "cleaned\n")
    assert printed.split() == ["stopping", "...", "interrupted"]
    assert time.monotonic() - started < 10


@unix
@pytest.mark.parametrize("closed", ["1", "2"])
def test_a_command_without_stdout_or_stderr_does_its_work(volume, closed):
    target = volume.with_name("tilts.mrc")
    command = f'exec {closed}>&-; exec "$0" -m libtilt project "$1" -o "$2"'
    done = subprocess.run(
        ["/bin/sh", "-c", command, sys.executable, str(volume), str(target)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert target.exists()


# As a pool of threads does, which waits for the pieces at work.
SLOW = """
import sys, time
import libtilt.cli.info
def read(*_, **__):
    try:
        print("working", file=sys.stderr, flush=True)
        time.sleep(10)
    finally:
        time.sleep(1)
sys.modules["libtilt.cli.info"]._rows = read
sys.argv = ["libtilt", "info", sys.argv[1]]
from libtilt.__main__ import main
main()
"""


@unix
def test_a_stop_that_takes_time_is_announced(volume):
    process = start(volume, command=("-c", SLOW))
    assert process.stderr.readline() == "working\n"
    process.send_signal(signal.SIGINT)
    _, printed = process.communicate(timeout=60)
    assert (process.returncode, printed.split()) == (130, ["stopping", "...", "interrupted"])


@unix
def test_a_closed_pipe_is_no_error(volume):
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "libtilt", "info", str(volume)]
    result = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(write)
    assert (result.returncode, result.stderr) == (141, "")


CRASH = """
import sys
import libtilt.cli.info
def crash(*_, **__):
    raise RuntimeError("no such state")
sys.modules["libtilt.cli.info"]._rows = crash
sys.argv = ["libtilt", "info", sys.argv[1]]
from libtilt.__main__ import main
main()
"""


def test_an_unexpected_error_is_one_line_and_a_traceback_on_request(volume):
    def crash(**environment):
        command = [sys.executable, "-c", CRASH, str(volume)]
        return subprocess.run(
            command, capture_output=True, text=True, env=os.environ | environment, timeout=60
        )

    result = crash(LIBTILT_DEBUG="")
    assert result.returncode == 1
    assert result.stderr.startswith(
        "error: unexpected RuntimeError: no such state; please report it (LIBTILT_DEBUG=1"
    )
    assert result.stderr.count("\n") == 1
    assert "Traceback" in crash(LIBTILT_DEBUG="1").stderr


def test_usage_errors_exit_with_2_and_other_errors_with_1(volume):
    code, _, printed = run("info")
    assert (code, printed) == (2, "error: missing argument 'FILE' (libtilt info --help)\n")
    code, out, printed = run("info", volume.with_name("absent.mrc"))
    assert (code, out) == (2, "")
    assert printed.startswith("error: invalid value for 'FILE': Path ")
    code, out, printed = run("inform")
    assert (code, out) == (2, "")
    assert printed.startswith("error: no such command 'inform'")
    assert printed.endswith(" (libtilt --help)\n")
    assert printed.count("\n") == 1
    volume.write_bytes(b"no map")
    code, out, printed = run("info", volume)
    assert (code, out) == (1, "")
    assert printed.startswith("error: ")
    assert printed.count("\n") == 1
    assert run("--version")[0] == 0


def test_a_quiet_run_prints_only_results_and_errors(volume):
    code, out, printed = run("-q", "project", volume, "-o", volume.with_name("tilts.mrc"))
    assert (code, printed) == (0, "")
    assert "41 images" in out
    code, _, printed = run("project", volume, "--quiet", "-o", volume.with_name("again.mrc"))
    assert (code, printed) == (0, "")
    code, _, printed = run("project", volume, "-o", volume.with_name("verbose.mrc"), "-v")
    assert "libtilt: grids to project" in printed
    for both in (("-q", "-v", "info", volume), ("-q", "info", volume, "-v")):
        code, _, printed = run(*both)
        assert code == 2
        assert printed.startswith("error: use --quiet or --verbose, not both (libtilt ")


def test_the_threads_option_applies_to_all_commands(volume):
    target = volume.with_name("tilts.mrc")
    code, *_ = run("--threads", 1, "project", volume, "--backend", "scipy", "-o", target)
    assert code == 0
    for told in ("none", "0", "-1", "2.5", "1_0"):
        code, _, printed = run("project", volume, "-o", target, "--overwrite", LIBTILT_THREADS=told)
        assert code == 1
        assert f"LIBTILT_THREADS must be a positive integer, got '{told}'" in printed


def test_control_characters_of_files_do_not_reach_a_terminal(tmp_path):
    assert printable("a\x1b[31mb\x07\u202ec\td\n") == "a\\x1b[31mb\\x07\\u202ec\td\n"
    path = tmp_path / "a.mdoc"
    path.write_text("[ZValue = 0]\nTiltAngle = \x1b]0;owned\x07\n")
    code, out, printed = run("convert", path, tmp_path / "a.tlt")
    assert code == 1
    assert "\x1b" not in out + printed
    star = tmp_path / "a.star"
    star.write_text("data_x\x1b[2J\nloop_\n_rlnTomoYTilt\n3\n")
    _, out, printed = run("convert", star, tmp_path / "b.tlt")
    assert "\x1b" not in out + printed


@pytest.mark.parametrize(
    ("encoding", "printed"),
    [
        ("utf-8", "3°, 2 e/Å²"),
        ("latin-1", "3°, 2 e/Å²"),
        ("cp437", "3°, 2 e/Å²"),
        ("gbk", "3 deg, 2 e/A^2"),
        ("ascii", "3 deg, 2 e/A^2"),
    ],
)
def test_units_reach_a_terminal_of_any_encoding(encoding, printed):
    names, text = "echo, echo_error", "3°, 2 e/Å²"
    code = f"from libtilt.cli.messages import {names}; echo({text!r}); echo_error({text!r})"
    outputs = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONIOENCODING": encoding},
        capture_output=True,
        check=True,
    )
    assert outputs.stdout.decode(encoding) == f"{printed}{os.linesep}"
    assert outputs.stderr.decode(encoding) == f"error: {printed}{os.linesep}"


def test_units_can_be_read_on_a_terminal_of_ascii():
    code = "from libtilt.cli.messages import echo; echo('-60° to 60°, 3 e/Å²')"
    printed = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert printed.stdout == "-60 deg to 60 deg, 3 e/A^2\n"


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_name_of_undecodable_bytes_is_printed_as_escapes(encoding):
    code = "from libtilt.cli.messages import echo; echo('map\\udcff.mrc')"
    printed = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONIOENCODING": encoding},
        capture_output=True,
        check=True,
    )
    assert printed.stdout.decode(encoding).strip() == "map\\udcff.mrc"
