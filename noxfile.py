"""What must hold before a change lands, one session a step; `.ci/run` runs all of them.

Each session works in a copy of the project, as a clean checkout has it, and in an environment of
its own, so that several can run beside each other.
"""

import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import nox

ROOT = Path(__file__).parent
README = (ROOT / "README.md").read_text(encoding="utf-8")

DISPLAY_PACKAGES = (
    *("xvfb", "xauth", "libegl1", "libgl1", "libopengl0", "libxkbcommon-x11-0"),
    *("libxcb-cursor0", "libxcb-icccm4", "libxcb-image0", "libxcb-keysyms1"),
    *("libxcb-render-util0", "libxcb-xinerama0"),
)

nox.needs_version = ">=2024.4.15"
nox.options.sessions = ["lint", "types", "docs"]
nox.options.error_on_missing_interpreters = True


def enter_copy(session: nox.Session) -> Path:
    """Go to a copy of the files that git tracks or would track, with the public data beside it."""
    copy = Path(session.create_tmp()) / "libtilt"
    shutil.rmtree(copy, ignore_errors=True)
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    data = ROOT.parent / "shared"
    if data.is_dir() and not (copy.parent / "shared").exists():
        (copy.parent / "shared").symlink_to(data)
    session.chdir(copy)
    return copy


def readme_command(marker: str) -> str:
    """Return the one shell line under a marker in the README, as a reader would paste it."""
    found = re.search(rf"^<!-- {marker} -->\n```sh\n(.+)\n```$", README, re.MULTILINE)
    if found is None:
        raise ValueError(f"README.md has no command under <!-- {marker} -->")
    return found[1]


def pytest(session: nox.Session, *arguments: str) -> None:
    """Run tests of the copy."""
    session.run("python", "-m", "pytest", "-q", *arguments, *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check lint and format."""
    enter_copy(session)
    session.install("ruff>=0.8")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    enter_copy(session)
    session.install(".[dev]")
    session.run("mypy")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site, run its tutorials, and check it; a warning is an error."""
    enter_copy(session)
    session.install(".[docs]")
    session.run("sphinx-build", "-W", "--keep-going", "-q", "docs", "site")
    session.run("python", "docs/check_site.py", "site")


@nox.session(tags=["by hand"])
def pictures(session: nox.Session) -> None:
    """Make all pictures of README and pages anew; options go to docs/make_pictures.py."""
    session.install(".[docs]")
    session.run("python", "docs/make_pictures.py", *session.posargs)


@nox.session(venv_backend="none")
def readme_run(session: nox.Session) -> None:
    """Run the README's command that installs and runs, as it stands there."""
    copy = enter_copy(session)
    session.run("bash", "-c", readme_command("run"), external=True)
    for name in ("volume", "tilt_series", "tomogram"):
        if not (copy / "libtilt-demo" / f"{name}.gif").stat().st_size:
            session.error(f"libtilt-demo/{name}.gif is empty")


@nox.session(venv_backend="none")
def readme_test(session: nox.Session) -> None:
    """Run the README's command that installs and tests, as it stands there; count coverage."""
    enter_copy(session)
    counting = {"PYTEST_ADDOPTS": "--cov --cov-report=term"}
    session.run("bash", "-c", readme_command("test"), external=True, env=counting)


@nox.session
def lowest(session: nox.Session) -> None:
    """Test with the lowest versions that pyproject.toml allows."""
    enter_copy(session)
    session.install("-c", ".ci/lowest.txt", ".[test]")
    pytest(session)


@nox.session
def newest_numba(session: nox.Session) -> None:
    """Test compiled kernels with the newest Numba there is, whatever else allows."""
    enter_copy(session)
    session.install(".[test]")
    session.install("-U", "numba")
    session.run("python", "-c", "import numba; print('numba', numba.__version__)")
    pytest(session, "-n", "2", "-k", "numba or kernel")


@nox.session
def interoperability(session: nox.Session) -> None:
    """Test the operator in PyLops, files read by others, and the pictures of the pages."""
    enter_copy(session)
    session.install(".[dev]")
    pytest(session, "-k", "pylops or starfile or mdocfile or pictures_of_the_reconstructions")


def install_display(session: nox.Session) -> None:
    """In CI, install Xvfb and what Qt requires for it."""
    if shutil.which("xvfb-run") or not os.environ.get("CI") or not shutil.which("apt-get"):
        return
    root = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *DISPLAY_PACKAGES]):
        apt = [*root, "apt-get", "--quiet", *command]
        session.run(*apt, external=True, silent=True, success_codes=range(256))


@nox.session
def napari(session: nox.Session) -> None:
    """Open, draw and save in napari itself; windows are drawn where there is Xvfb."""
    install_display(session)
    copy = enter_copy(session)
    session.install(".[napari]", "napari[all]", "hypothesis>=6.80", "pytest>=7.4")
    # Plugins of napari for pytest raise warnings before tests can ignore them.
    env = {
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "NAPARI_CONFIG": os.fspath(copy.parent / "napari-settings.yaml"),
    }
    display = ["xvfb-run", "--auto-servernum", "--server-args=-screen 0 1280x1024x24"]
    if shutil.which(display[0]) is None:
        session.warn("xvfb-run is not installed: layers are opened and saved, but none is drawn")
        display, env["QT_QPA_PLATFORM"] = [], "offscreen"
    tests = ["python", "-m", "pytest", "-q", "tests/napari", "libtilt/napari"]
    session.run(*display, *tests, *session.posargs, env=env, external=bool(display))


@nox.session
def reliability(session: nox.Session) -> None:
    """Try thousands of bad inputs, damaged files, signals and rivals."""
    enter_copy(session)
    session.install(".[test]")
    pytest(session, "-n", "2", "-m", "reliability")


@nox.session
def package(session: nox.Session) -> None:
    """Build sdist and wheel, and see that they hold what they must and can be installed."""
    copy = enter_copy(session)
    session.install("build>=1.2")
    session.run("python", "-m", "build", "--outdir", "dist", ".", silent=True)
    (sdist,), (wheel,) = copy.glob("dist/*.tar.gz"), copy.glob("dist/*.whl")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for name in ("tests/conftest.py", "docs/index.md", "noxfile.py"):
        if name not in names:
            session.error(f"the sdist lacks {name}")
    session.install(str(sdist))
    session.install("--no-deps", "--force-reinstall", str(wheel))
    session.install("npe2>=0.7")
    session.chdir(os.fspath(copy.parent))
    session.run("npe2", "validate", "libtilt")
    marker = "import libtilt, pathlib; assert (pathlib.Path(libtilt.__file__).parent / 'py.typed')"
    session.run("python", "-c", f"{marker}.exists(); libtilt.Projector")
