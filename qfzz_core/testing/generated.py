"""Test modules that are written for a plugin: the contract suites of everything that it registers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qfzz_core.contracts.filters import Filter
from qfzz_core.plugins.faults import answer
from qfzz_core.plugins.record import PluginRecord
from qfzz_core.plugins.registry import Registry

SUITES = {"factor": "FactorContract", "strategy": "StrategyContract", "filter": "FilterContract"}
# One of each kind that filters take: flags, counts, days, names, ranges, mappings. What none of these fits, its author
# tests with a suite of their own.
OPTIONS = (True, False, None, 0, 1, 7, 30, 0.5, "a", "calm", "evening", ["calm"], [1, 2], (0, 1), {"name": "a"})

_HEAD = """from pathlib import Path

from hypothesis import Phase, settings

from qfzz_core.plugins.record import imported_file
from qfzz_core.testing import *

# the same verdict each time, and no time for smaller examples
settings.register_profile("verdict", derandomize=True, phases=[Phase.explicit, Phase.generate])
settings.load_profile("verdict")
"""
_SUITE = """

class Test_{word}__{identifier}({suite}):
    object_name = {name!r}{extra}

    def make_plugin(self):
        return {plugin}
"""
_URL_WANTED = 'give --url, such as "scheme:///{directory}/file"'
_OPTION_WANTED = "no option is known that it takes; subclass FilterContract"
_STORE = """

class Test_store__{identifier}(StoreContract):
    persists = {persists}

    def open_store(self, tmp_path):
        from qfzz_core.testing.engines import opened_by_url

        return opened_by_url({plugin}, {url!r}.replace("{{directory}}", tmp_path.as_posix()))
"""


def suites(records: Iterable[PluginRecord], registry: Registry, url: str | None = None) -> tuple[str, list[str]]:
    """Return the source of a test module, and sentences on what it does not test.

    `url` opens a store that one of the plugins registered, with `{directory}` where it may keep files.
    """
    source, unchecked = [_HEAD], []
    for record in records:
        for described in record.objects:
            word, name = described.split(" ", 1)
            suite = _suite(record, registry, word, name, url)
            if suite:
                source.append(suite)
            elif word in (*SUITES, "store"):
                unchecked.append(f"{described}: not checked, {_URL_WANTED if word == 'store' else _OPTION_WANTED}")
    return "".join(source), unchecked


def _suite(record: PluginRecord, registry: Registry, word: str, name: str, url: str | None) -> str:
    named = {"identifier": "".join(each if each.isalnum() else "_" for each in name), "name": name, "word": word}
    plugin = repr(record.name) if record.origin.file is None else f"imported_file(Path({record.origin.file!r}))"
    if word == "store":
        opens = url is not None and url.partition(":")[0] == name
        persists = "{directory}" in (url or "")
        return _STORE.format(**named, plugin=plugin, url=url, persists=persists) if opens else ""
    if word not in SUITES:
        return ""
    options = [option for option in OPTIONS if _takes(registry.filters[name].value, option)] if word == "filter" else []
    extra = f"\n    right_options = {options!r}" if options else ""
    return _SUITE.format(**named, suite=SUITES[word], plugin=plugin, extra=extra) if word != "filter" or options else ""


def _takes(found: Filter, option: Any) -> bool:
    try:
        answer(found.check, option)
    except Exception:  # noqa: BLE001 - what is no ValueError is found by the suite
        return False
    return True
