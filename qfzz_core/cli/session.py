"""One run of the command line: which configuration, which store, and the engine over them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import attrs

from qfzz_core.config import Config, load_config
from qfzz_core.errors import StoreUnavailableError

if TYPE_CHECKING:
    from qfzz_core.engine import Engine

STORE_VARIABLE = "QFZZ_STORE"
CONFIG_VARIABLE = "QFZZ_CONFIG"
_SQLITE = "sqlite:///"


@attrs.frozen
class Choice:
    """What was chosen, None for nothing, and what chose it."""

    value: str | None
    origin: str


@attrs.define
class Session:
    """What was given on the command line; plugins' commands get it too (`click.pass_obj`)."""

    store: str | None = None
    config: str | None = None
    debug: bool = False

    def config_file(self) -> Choice:
        """Return the path of the configuration file: the option's, the environment's, or the user's if there is one."""
        given = _given(self.config, "--config", CONFIG_VARIABLE)
        if given is not None:
            return given
        path = user_config_file()
        return Choice(str(path), "the default") if path.exists() else Choice(None, f"there is no {path}")

    def configuration(self) -> Config:
        """Return the configuration in effect; raises `ConfigError`."""
        path = self.config_file().value
        return Config() if path is None else load_config(path)

    def store_url(self, config: Config) -> Choice:
        """Return the URL of the store: the option's, the environment's, the configuration's, or the user's own file."""
        given = _given(self.store, "--store", STORE_VARIABLE)
        if given is not None:
            return given
        if config.store_url is not None:
            return Choice(config.store_url, "the configuration")
        return Choice(self.default_store_url(), "the default")

    def default_store_url(self) -> str:
        """Return the URL of the user's own file."""
        return _SQLITE + quote(user_store_file().as_posix(), safe="/:")

    def cache_directory(self, config: Config) -> Choice:
        """Return the directory where catalogues are kept: the configuration's or the user's own; None for none."""
        if config.cache is None:
            return Choice(str(user_cache_directory()), "the default")
        return Choice(str(config.cache) if config.cache else None, "the configuration")

    @contextmanager
    def engine(self, *, seed: int | None = None) -> Iterator[Engine]:
        """Give the engine over the store and the configuration in effect, and close it; raises `QfzzError`."""
        from qfzz_core.engine import Engine

        config = self.configuration()
        chosen = self.store_url(config)
        if chosen.origin == "the default":
            _make_directory(user_store_file().parent)
        config = attrs.evolve(config, cache=self.cache_directory(config).value)
        with Engine(store=chosen.value, config=config, seed=seed) as engine:
            yield engine


@contextmanager
def storeless_engine(config: Config) -> Iterator[Engine]:
    """Give an engine that touches no store of the user's, to ask about plugins and settings."""
    from qfzz_core.engine import Engine

    with Engine(store="memory:", config=attrs.evolve(config, store_url=None, store_options={}, cache=None)) as engine:
        yield engine


def user_config_file() -> Path:
    """Return where the user's configuration is looked for."""
    import platformdirs

    return platformdirs.user_config_path("qfzz", appauthor=False) / "qfzz.toml"


def user_store_file() -> Path:
    """Return where the user's own store lies."""
    import platformdirs

    return platformdirs.user_data_path("qfzz", appauthor=False) / "qfzz.db"


def user_cache_directory() -> Path:
    """Return where the user's catalogues are kept, so that large stores open quickly."""
    import platformdirs

    return platformdirs.user_cache_path("qfzz", appauthor=False)


def _given(option: str | None, name: str, variable: str) -> Choice | None:
    if option is not None:
        return Choice(option, f"the option {name}")
    value = os.environ.get(variable)
    return Choice(value, f"the environment variable {variable}") if value else None


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailableError(
            f"the directory {path} cannot be made: {error.strerror}; choose another place with --store"
        ) from error
