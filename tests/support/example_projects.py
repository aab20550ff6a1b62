"""The example distributions of the project, for tests that install them."""

import shutil
import sys
import sysconfig
from pathlib import Path

import pytest

from support.installing import PYTHON, Distribution, install

EXAMPLES = Path(__file__).parents[2] / "plugins" / "examples"


class Example(Distribution):
    """A project that is there already."""

    def write(self, directory: Path) -> None:
        built = shutil.ignore_patterns("dist", "build", ".*", "__pycache__")
        shutil.copytree(EXAMPLES / self.name, directory, ignore=built)


def install_example(name: str, directory: Path) -> Path:
    """Build an example and install it into `directory`/installed; the copy it is built from is `directory`/project."""
    if not (EXAMPLES / name).is_dir():
        pytest.skip("the examples are not here: run the tests in a checkout or an unpacked sdist")
    return install(Example(name, "", "", ""), directory)


def with_test_packages(installed: Path) -> list[Path]:
    """Return where an example's tests find what they import, in an environment that has only the library too."""
    return [installed] if sys.executable == PYTHON else [installed, Path(sysconfig.get_path("purelib"))]
