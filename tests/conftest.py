"""What holds for every test: nothing of the machine's settings comes in."""

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="session")
def no_settings_of_the_machine() -> Iterator[None]:
    """Hide the variables that the library or its command line reads."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("QFZZ_DISABLE_PLUGINS", "QFZZ_STORE", "QFZZ_CONFIG"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let processes that a test starts import nothing for coverage, which a test of what they import would count."""
    for name in [name for name in os.environ if name.startswith("COVERAGE_PROCESS_")]:
        monkeypatch.delenv(name)
