"""The configuration: TOML into frozen classes, with errors that name file, line, table and key.

What plugins own is kept as plain tables until the plugins are loaded and call for `Config.structure`. cattrs takes
38 ms to import, so it and tomllib are imported when a configuration is read: a program without one does not wait.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import attrs
from attrs import evolve

from qfzz_core.config.places import KeyPath, Places, dotted, too_deep
from qfzz_core.errors import ConfigError, InvalidInput, shown
from qfzz_core.model.files import open_ordinary
from qfzz_core.model.names import text_of
from qfzz_core.model.plain import MAX_DEPTH, mapping_of, number_or_nan

if TYPE_CHECKING:
    from qfzz_core.config.structuring import Problem
    from qfzz_core.contracts.columns import Column

# 4,000 tables of plugins have 80 KB and take 0.15 s to read; a device or a data set by mistake would never end
_MOST_BYTES = 10_000_000

_POSITION = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


@attrs.frozen
class FactorConfig:
    """A table `[factors.NAME]`: the weight, finite and >= 0, None for the factor's own; and the factor's options."""

    weight: float | None = attrs.field(default=None)
    options: Mapping[str, Any] = attrs.field(factory=dict, metadata={"rest": True})

    @weight.validator
    def _check_weight(self, _: Any, weight: Any) -> None:
        if weight is not None and not 0 <= number_or_nan(weight) <= sys.float_info.max:
            raise InvalidInput(f"weight must be a finite number of at least 0, got {shown(weight)}")


@attrs.frozen(kw_only=True)
class Config:
    """A configuration; `Config()` is the empty one. `load_config`, `parse_config` and `from_dict` make valid ones.

    None means that the configuration does not say; `path` is the file it was read from. `strategy_options` are the keys
    of `[discovery]` but `strategy`: options of the chosen strategy, and tables of strategies by name. `cache` is the
    directory where the catalogue in memory is kept on disk, False for nowhere, which is also what None means to the
    library. `files` are single-file plugins, relative to that file. `give_up_after` is how many requests in a row a
    plugin may fail before it is switched off, 0 for any number; `factor_seconds` how long a factor may take for one
    request before it is reported as slow.
    """

    store_url: str | None = None
    store_options: Mapping[str, Any] = attrs.field(factory=dict)
    cache: str | Literal[False] | None = None
    seed: int | None = None
    strict: bool = False
    factors: Mapping[str, FactorConfig] = attrs.field(factory=dict)
    strategy: str | None = None
    strategy_options: Mapping[str, Any] = attrs.field(factory=dict)
    rules: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)
    genre_aliases: Mapping[str, str] = attrs.field(factory=dict)
    similarity: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)
    columns: tuple[Column, ...] = ()
    disabled: frozenset[str] = frozenset()
    files: tuple[str, ...] = ()
    # A request that begins again without a failed factor takes three times as long (14 ms for 4 at 20,000 tracks): ten
    # in a row are no accident, and too few to slow a session down.
    give_up_after: int = 10
    # A factor that is a Python function of each track takes 0.15 s at 20,000 tracks: that is usual, and 1 s is not.
    factor_seconds: float = 1.0
    plugins: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)
    path: Path | None = None
    name: str = attrs.field(default="configuration", eq=False, repr=False)
    places: Places | None = attrs.field(default=None, eq=False, repr=False)

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any]) -> Config:
        """Return the configuration that a mapping of the file's keys says; raises `ConfigError`."""
        return _filled(cls(), _copied(mapping))

    def structure(
        self,
        table: tuple[str, ...],
        raw: Mapping[str, Any],
        cls: type | None,
        *,
        own_keys: Collection[str] = (),
        outer_keys: Collection[str] = (),
    ) -> Any:
        """Return the options `raw` of a table as an object of the attrs class `cls`, which a plugin registered.

        Class None takes no options and gives None. `own_keys` are known names of this table that are not in `raw`,
        for suggestions; `outer_keys` are keys of `raw` that stand in the table around this one. Raises `ConfigError`
        with a line for everything that is wrong with `raw`. What is wrong with the class itself raises as it is: a
        type that nothing can be structured into, an annotation that is no type.
        """
        if not raw and has_defaults(cls):
            return cls and cls()  # without waiting for cattrs, which most programs then never need
        from qfzz_core.config.structuring import StructuringError, structure

        try:
            return structure(raw, cls, own_keys=own_keys)
        except StructuringError as error:
            raise self._refusal(table, error.problems, outer_keys) from None

    def error(self, table: tuple[str, ...], key: str | None, message: str) -> ConfigError:
        """Return the error that says a message of a key, or of a whole table, with its place before it."""
        return ConfigError(self._sentence(table, () if key is None else (key,), message))

    def line(self, path: KeyPath) -> int | None:
        """Return the line of the key or table at a path, or of the nearest table around it; None without a text."""
        return None if self.places is None else self.places.line(path)

    def place(self, path: KeyPath = ()) -> str:
        """Return where the key or table at a path stands: `qfzz.toml:14`; without a text the name alone."""
        line = self.line(path)
        return self.name if line is None else f"{self.name}:{line}"

    def _sentence(self, table: KeyPath, key: KeyPath, message: str) -> str:
        header = f"[{dotted(table)}] " if table else ""
        return f"{self.place((*table, *key))}: {header}{message}"

    def _refusal(self, table: KeyPath, problems: Iterable[Problem], outer_keys: Collection[str] = ()) -> ConfigError:
        """Return one error of all problems below a table, a line for each, in the order of the text."""
        whole = []
        for problem in problems:
            outer = next(iter((*problem.table, *problem.key)), None) in outer_keys
            whole.append(evolve(problem, table=(*(table[:-1] if outer else table), *problem.table)))
        # cattrs reports by attribute of the class; whoever mends a file reads it from top to bottom
        whole.sort(key=lambda problem: self.line((*problem.table, *problem.key)) or 0)
        return ConfigError("\n".join(self._sentence(item.table, item.key, item.sentence) for item in whole))


def load_config(path: str | os.PathLike[str]) -> Config:
    """Return the configuration in a TOML file.

    Raises `ConfigError` if the file cannot be read, is no TOML or says what is not allowed; it shows the path as given.
    """
    try:
        name = os.fsdecode(path if text_of(path) is None else text_of(path) or "")
    except Exception:  # noqa: BLE001 - a class of somebody else's may call itself a path
        raise ConfigError(f"the configuration must be the path of a file, got {shown(path)}") from None
    return evolve(parse_config(_read(name), name), path=Path(name))


def parse_config(text: str, name: str = "configuration") -> Config:
    """Return the configuration in a TOML text; raises `ConfigError` that calls the text by this name."""
    if text_of(text) is None:
        raise ConfigError(f"the configuration must be TOML text, got {shown(text)}")
    raw = _toml(text, name)
    return _filled(Config(name=name, places=Places(text)), raw)


def _filled(empty: Config, raw: Any) -> Config:
    """Return the configuration with the content that `raw` says."""
    from qfzz_core.config.keys import read_document
    from qfzz_core.config.structuring import StructuringError

    try:
        document = read_document(raw)
    except StructuringError as error:
        raise empty._refusal((), error.problems) from None
    return evolve(
        empty,
        store_url=document.store.url,
        store_options=document.store.options,
        cache=document.catalogue.cache,
        seed=document.seed,
        strict=document.strict,
        factors=document.factors,
        strategy=document.discovery.strategy,
        strategy_options=document.discovery.options,
        rules=document.rules,
        genre_aliases=document.genres.aliases,
        similarity=document.similarity,
        columns=tuple(table.column(name) for name, table in document.columns.items()),
        disabled=document.plugins.disable,
        files=document.plugins.files,
        give_up_after=document.plugins.give_up_after,
        factor_seconds=document.plugins.factor_seconds,
        plugins=document.plugins.tables,
    )


def has_defaults(cls: type | None) -> bool:
    """Return whether no table is enough for the options of an attrs class, or of None, which takes none."""
    return cls is None or (
        attrs.has(cls) and all(field.default is not attrs.NOTHING for field in attrs.fields(cls) if field.init)
    )


def _copied(value: Any, depth: int = 0) -> Any:
    """Return a value whose tables and lists are nobody else's."""
    if depth > MAX_DEPTH:
        raise ConfigError(f"configuration: it is nested deeper than {MAX_DEPTH} levels, or contains itself")
    given = mapping_of(value)
    if given is None and isinstance(value, Mapping):
        raise ConfigError(f"configuration: it holds {shown(value)}, which cannot be read")
    if given is None:
        return [_copied(item, depth + 1) for item in list.__iter__(value)] if isinstance(value, list) else value
    for key in given:
        if text_of(key) is None:
            raise ConfigError(f"configuration: every key must be text, got {shown(key)}")
    return {text_of(key): _copied(item, depth + 1) for key, item in given.items()}


def _read(name: str) -> str:
    try:
        with open_ordinary(name) as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise ConfigError(f"{name}: this is no configuration file: it has more than {_MOST_BYTES:,} bytes")
        return content.decode("utf-8-sig")  # some editors write a byte order mark
    except FileNotFoundError:
        raise ConfigError(f"{name}: there is no such file") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{name}:{line}: this is not UTF-8 text, byte 0x{error.object[error.start]:02x}") from None
    except ConfigError:
        raise
    except (OSError, ValueError) as error:
        raise ConfigError(f"{name}: this cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _toml(text: str, name: str) -> dict[str, Any]:
    import tomllib

    # tomllib looks at every part of a key once for each part after it: 16,000 take 9 s
    if line := too_deep(text, MAX_DEPTH):
        raise ConfigError(f"{name}:{line}: this key has more than {MAX_DEPTH} parts")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_syntax_error(text, name, str(error))) from None
    except RecursionError:
        raise ConfigError(f"{name}: this is nested too deeply") from None
    except ValueError as error:  # an integer of thousands of digits
        raise ConfigError(f"{name}: this cannot be read: {error}") from None


def _syntax_error(text: str, name: str, message: str) -> str:
    position = _POSITION.search(message)
    said = f"{message[:1].lower()}{message[1 : position.start() if position else None]}"
    # Before Python 3.14, the message is the only place where tomllib says the line.
    if position and position[1]:
        return f"{name}:{position[1]}: this is not TOML: {said}, at column {position[2]}"
    return f"{name}:{text.rstrip().count(chr(10)) + 1}: this is not TOML: {said}, at the end"
