"""Small valid files, changed at random, and read: `python -m benchmarks.robustness.mutations SEED COUNT DIRECTORY`.

It prints one line of JSON, with how many were read, how many were refused by an error of the library, and what other
exceptions there were.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.robustness import foreign_files
from qfzz_core import Engine
from qfzz_core.cli.files import read_document
from qfzz_core.config import Config, load_config
from qfzz_core.engine import UTC_NOW
from qfzz_core.errors import PluginError, QfzzError
from qfzz_core.formats.files import Readers
from qfzz_core.formats.histories import Histories
from qfzz_core.formats.playlists import PlaylistReaders
from qfzz_core.importing.history import HistoryImport
from qfzz_core.importing.job import Import
from qfzz_core.importing.mapping import FieldMapping
from qfzz_core.matching.matcher import Match
from qfzz_core.storage.copies import profile_document, record_from_document

TRACKS = [
    {
        "track_id": f"t{number}",
        "title": f'Títle, "{number}"\n',
        "artist": "A",
        "genre": "jazz",
        "mood": "calm",
        "energy": 0.5,
        "tempo": "medium",
        "duration": 180,
        "tags": ["x", {"y": 1.5e3}],
    }
    for number in range(4)
]
CONFIGURATION = """
seed = 7
store = "memory:"
[factors.energy]
weight = 0.5
[genres.aliases]
jass = "jazz"

[similarity]
"hip hop" = ["rap", 'trip-hop']
[columns.year]
kind = "number"
[plugins]
disable = ["m3u"]
[plugins.mine]
a.b = { c = [1, 2.5, 1979-05-27], d = \"\"\"x
y\"\"\" }
"""
PLAYLISTS = {".m3u8", ".m3u", ".pls", ".xspf", ".jspf"}
# what is put in: bytes that mean something to one of the formats, and some that mean nothing
PARTS = [*b"\"'\\,;:[]{}=#.\r\n\t\0 -+eE059tnN", 0x80, 0xC3, 0xED, 0xFF]
WORDS = [b"NaN", b"1e999999", b"9" * 5_000, b"[" * 2_000, b'{"a":' * 500, b"\\ud800", b"\xed\xa0\x80", b"null", b"true"]


def samples() -> dict[str, bytes]:
    """Return the content of a valid file of each kind, by its name."""
    header = ",".join(TRACKS[0])
    rows = "".join(f't{n},"a\n{n}",A,jazz,calm,0.5,medium,180,"[""x""]"\n' for n in range(4))
    lines = "".join(f"{json.dumps(each)}\n" for each in TRACKS).encode()
    whole = json.dumps({"title": "mine", "tracks": TRACKS}, indent=1).encode()
    return {
        "a.csv": f"{header}\n{rows}".encode(),
        "a.json": whole,
        "b.json": json.dumps(TRACKS, ensure_ascii=False).encode(),
        "a.jsonl": lines,
        "a.jsonl.gz": gzip.compress(lines, mtime=0),
        "a.json.gz": gzip.compress(whole, mtime=0),
        "qfzz.toml": CONFIGURATION.encode(),
        "profile": _document(),
        **foreign_files.playlists(),
        **foreign_files.histories(),
        **foreign_files.libraries(),
        **foreign_files.audio(),
    }


def _document() -> bytes:
    with Engine(store="memory:", installed=()) as engine:
        engine.add_content(TRACKS)
        engine.get_or_create_profile("u", {"genres": {"jazz": 0.5}}).add_interaction({"track_id": "x", "type": "seen"})
        engine.record_many([{"user_id": "u", "track_id": "t1", "interaction_type": "like", "event_id": "e"}])
        record = engine.store.record("u")
        return json.dumps(profile_document(record)).encode() if record else b""


def mutated(content: bytes, other: bytes, random: Random) -> bytes:
    """Return a content with one to four changes; `other` is what parts can be taken from."""
    for _ in range(random.randint(1, 4)):
        place, length = random.randrange(len(content) + 1), random.choice((0, 1, 1, 2, 8, 64))
        kind = random.randrange(5)
        put = b""
        if kind == 0:
            put = bytes(random.choices(PARTS, k=random.randint(1, 3)))
        elif kind == 1:
            put = random.choice(WORDS)
        elif kind == 2:
            begin = random.randrange(len(other))
            put = other[begin : begin + random.randint(1, 200)]
        elif kind == 3 and place < len(content):
            put, length = bytes([content[place] ^ (1 << random.randrange(8))]), 1
        else:
            length = len(content) if random.random() < 0.2 else length  # cut off
        content = content[:place] + put + content[place + length :]
    return content


def readings(engine: Engine) -> Callable[[Path], Any]:
    """Return what reads a file, as its name says that it is one."""
    registry, report = engine.registry, engine.faults.report
    readers, playlists, histories = (each.of(registry, report) for each in (Readers, PlaylistReaders, Histories))
    mapping = FieldMapping()

    def read(path: Path) -> Any:
        if path.name.startswith("history "):
            job = HistoryImport([path], histories, lambda heard: Match(), UTC_NOW)
            job.read()
            return list(job.feedback("u", {name: each.value for name, each in registry.interaction_types.items()}))
        if path.suffix in PLAYLISTS:
            return playlists.read(path)
        if path.suffix == ".toml":
            return load_config(path)
        if path.suffix:
            return engine.write_tracks(Import([path], mapping, readers))
        return record_from_document(read_document(path))

    return read


def main(seed: int, count: int, directory: Path) -> None:
    """Read so many mutated files, and print what came of it."""
    random, contents, found = Random(seed), samples(), Counter[str]()
    foreign: dict[str, str] = {}
    with Engine(store="memory:", installed=(), config=Config(strict=True)) as engine:
        read = readings(engine)
        for number in range(count):
            name = list(contents)[number % len(contents)]
            path = directory / name
            path.write_bytes(mutated(contents[name], random.choice(list(contents.values())), random))
            try:
                read(path)
                found["read"] += 1
            except Exception as error:  # noqa: BLE001 - any but the library's own is what is looked for
                # what a built-in reader does wrong becomes an error of the plugin
                if isinstance(error, QfzzError) and not isinstance(error, PluginError):
                    found["refused"] += 1
                    continue
                found["foreign"] += 1
                kept = directory / f"foreign {len(foreign)} {name}"
                if foreign.setdefault(f"{name}: {error!r}"[:200], str(kept)) == str(kept):
                    kept.write_bytes(path.read_bytes())
    print(json.dumps({**found, "what": foreign}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
