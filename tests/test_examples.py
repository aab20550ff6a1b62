"""The examples are distributions that stand on their own: built, installed, and tested beside the library."""

import importlib.util
import shutil
from pathlib import Path

import pytest
from installing import Distribution, install, run

pytestmark = pytest.mark.installed

EXAMPLES = Path(__file__).parents[1] / "plugins" / "examples"


class Example(Distribution):
    """A project that is there already."""

    def write(self, directory: Path) -> None:
        built = shutil.ignore_patterns("dist", "build", ".*", "__pycache__")
        shutil.copytree(EXAMPLES / self.name, directory, ignore=built)


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize(("name", "needs"), [("qfzz-store-duckdb", "duckdb")])
@pytest.mark.exhaustive
def test_an_example_passes_its_own_tests(name: str, needs: str, tmp_path: Path) -> None:
    if not (EXAMPLES / name).is_dir():
        pytest.skip("the examples are not here: run the tests in a checkout or an unpacked sdist")
    if importlib.util.find_spec(needs) is None:
        pytest.skip(f"the example {name} needs the package {needs}: pip install {needs}")
    installed = install(Example(name, "", "", ""), tmp_path)
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--basetemp", str(tmp_path / "tests")]
    done = run([installed], "-m", "pytest", *options, cwd=tmp_path / "project")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout
