"""One run of the command line: which configuration, which store, and the engine over them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import attrs

from qfzz_core.config import Config, load_config
from qfzz_core.errors import StoreUnavailableError
from qfzz_core.model.files import make_directory

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
        if given := _given(self.config, "--config", CONFIG_VARIABLE):
            return given
        path = _user_directory("config") / "qfzz.toml"
        return Choice(str(path), "the default") if path.exists() else Choice(None, f"there is no {path}")

    def configuration(self) -> Config:
        """Return the configuration in effect; raises `ConfigError`."""
        path = self.config_file().value
        return Config() if path is None else load_config(path)

    def store_url(self, config: Config) -> Choice:
        """Return the URL of the store: the option's, the environment's, the configuration's, or the user's own file."""
        if given := _given(self.store, "--store", STORE_VARIABLE):
            return given
        if config.store_url is not None:
            return Choice(config.store_url, "the configuration")
        return Choice(self.default_store_url(), "the default")

    def default_store_url(self) -> str:
        """Return the URL of the user's own file."""
        return _SQLITE + quote(_user_store_file().as_posix(), safe="/:")

    def cache_directory(self, config: Config) -> Choice:
        """Return the directory where catalogues are kept: the configuration's or the user's own; None for none."""
        if config.cache is None:
            return Choice(str(_user_directory("cache")), "the default")
        return Choice(str(config.cache) if config.cache else None, "the configuration")

    def engine(self, *, seed: int | None = None) -> Engine:
        """Return the engine over the store and the configuration in effect, for `with`; raises `QfzzError`."""
        from qfzz_core.engine import Engine

        config = self.configuration()
        chosen = self.store_url(config)
        # only the user's own: a mistyped --store must not leave directories behind
        if chosen.origin == "the default":
            _make_directory(_user_store_file().parent)
        config = attrs.evolve(config, cache=self.cache_directory(config).value)
        return Engine(store=chosen.value, config=config, seed=seed)

    def existing_store(self) -> Engine:
        """Return the engine as `engine` does; raises `StoreUnavailableError` if the store would have to be made."""
        refuse_missing(self.store_url(self.configuration()).value or "")
        return self.engine()


def storeless_engine(config: Config, *, lenient: bool = False) -> Engine:
    """Return an engine that touches no store of the user's, for what plugins and settings are.

    If `lenient`, it starts even where the configuration is strict and a plugin fails.
    """
    from qfzz_core.engine import Engine

    aside: dict[str, Any] = {"store_url": None, "store_options": {}, "cache": None}
    config = attrs.evolve(config, **aside, strict=config.strict and not lenient)
    return Engine(store="memory:", config=config)


def _user_store_file() -> Path:
    return _user_directory("data") / "qfzz.db"


def _user_directory(kind: str) -> Path:
    """Return the user's directory for "config", "data" or "cache"."""
    import platformdirs

    return Path(getattr(platformdirs, f"user_{kind}_path")("qfzz", appauthor=False))


def _given(option: str | None, name: str, variable: str) -> Choice | None:
    if option is not None:
        return Choice(option, f"the option {name}")
    value = os.environ.get(variable)
    return Choice(value, f"the environment variable {variable}") if value else None


def _make_directory(path: Path) -> None:
    try:
        make_directory(path)
    except OSError as error:
        raise StoreUnavailableError(
            f"the directory {path} cannot be made: {error.strerror}; choose another place with --store"
        ) from error


# ---- URLs of stores -------------------------------------------------------------------------------------------------


def store_file(url: str) -> Path | None:
    """Return the file of a store, None for one that is no single file."""
    path = unquote(url.removeprefix(_SQLITE), errors="surrogateescape")
    return Path(path) if url.startswith(_SQLITE) and path and "\0" not in path else None


def refuse_missing(url: str) -> None:
    """Raise `StoreUnavailableError` if the store is a file that does not exist: opening it would make a new one."""
    file = store_file(url)
    if file is not None and not os.path.lexists(file):
        raise StoreUnavailableError(f"there is no store {file}; check the path")
