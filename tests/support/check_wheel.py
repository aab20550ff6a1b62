"""Builds sdist and wheel and tries the wheel in a clean environment: `python tests/support/check_wheel.py DIRECTORY`.

The environment is left in DIRECTORY/clean.
"""

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).parents[2]
PACKAGES = {"qfzz", "qfzz_core", "qfzz_plugins"}
TESTING = {"pytest", "hypothesis", "coverage", "hatchling"}  # what the tests need must not be missed by the library


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command as a user would, and return what it prints."""
    print("$", *command, flush=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("QFZZ_", "PYTHON"))}
    environment["HOME"] = environment["XDG_DATA_HOME"] = environment["XDG_CACHE_HOME"] = str(cwd)
    done = subprocess.run(command, cwd=cwd, env=environment, stdout=subprocess.PIPE, text=True, check=True, timeout=600)
    return done.stdout


def built(directory: Path) -> Path:
    """Build an sdist, and the wheel from that."""
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", directory, ROOT, cwd=directory)
    assert len(list(directory.glob("qfzz-*.tar.gz"))) == 1
    (wheel,) = directory.glob("qfzz-*.whl")
    return wheel


def check_contents(wheel: Path) -> None:
    """Check the top levels, and that every package says that it is typed."""
    with ZipFile(wheel) as archive:
        names = archive.namelist()
    information = f"{wheel.name.rsplit('-', 3)[0]}.dist-info"
    assert {name.partition("/")[0] for name in names} == {*PACKAGES, information}, names
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names), names
    assert f"{information}/licenses/LICENSE" in names, names


def check_commands(binaries: Path, directory: Path) -> None:
    """Check that the library works with nothing but what it requires, seen from another directory."""
    loadable = "import importlib.util as u, sys; print([name for name in sys.argv[1:] if u.find_spec(name)])"
    assert run(binaries / "python", "-c", loadable, *sorted(TESTING), cwd=directory).strip() == "[]"
    assert run(binaries / "qfzz", "--version", cwd=directory).strip()
    demo = run(binaries / "qfzz", "demo", cwd=directory)
    assert len(demo.splitlines()) > 10, demo
    used = run(binaries / "python", "-c", "import qfzz; print(qfzz.__file__)", cwd=directory).strip()
    assert not Path(used).is_relative_to(ROOT / "qfzz"), used


def main(directory: Path) -> None:
    """Do all of it."""
    for name in ("dist", "clean", "elsewhere"):
        (directory / name).mkdir(parents=True)
    wheel = built(directory / "dist")
    check_contents(wheel)
    run(sys.executable, "-m", "virtualenv", "--quiet", directory / "clean", cwd=directory)
    binaries = directory / "clean" / "bin"
    run(binaries / "python", "-m", "pip", "install", "--quiet", wheel, cwd=directory)
    check_commands(binaries, directory / "elsewhere")
    print(f"{wheel.name} works in a clean environment")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
