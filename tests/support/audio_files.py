"""Small audio files of every form that is imported, as tools write them: tags and a little sound."""

from __future__ import annotations

import io
import struct
import wave
from collections.abc import Callable, Mapping
from pathlib import Path

Tags = Mapping[str, str | list[str]]

_ID3 = {
    "title": "TIT2",
    "artist": "TPE1",
    "album": "TALB",
    "genre": "TCON",
    "date": "TDRC",
    "tracknumber": "TRCK",
    "bpm": "TBPM",
    "initialkey": "TKEY",
    "isrc": "TSRC",
    "albumartist": "TPE2",
}
_RIFF = {"title": b"INAM", "artist": b"IART", "album": b"IPRD", "genre": b"IGNR", "date": b"ICRD"}
_MP4 = {"title": b"\xa9nam", "artist": b"\xa9ART", "album": b"\xa9alb", "genre": b"\xa9gen", "date": b"\xa9day"}
_RATE = 8000


def _several(tags: Tags) -> list[tuple[str, list[str]]]:
    return [(name, [values] if isinstance(values, str) else values) for name, values in tags.items()]


def _sounds(seconds: float) -> bytes:
    return bytes(2 * int(_RATE * seconds))


def vorbis_comments(tags: Tags) -> bytes:
    lines = [f"{name.upper()}={value}".encode() for name, values in _several(tags) for value in values]
    return b"".join([struct.pack("<I", 4), b"test", struct.pack("<I", len(lines))]) + b"".join(
        struct.pack("<I", len(line)) + line for line in lines
    )


def id3(tags: Tags, *frames: bytes) -> bytes:
    """An ID3v2.4 tag; names that have no frame are those of TXXX frames, `ufid` that of the recording."""
    made = list(frames)
    for name, values in _several(tags):
        text = "\0".join(values).encode()
        if name == "musicbrainz_trackid":
            made.append(_frame(b"UFID", b"http://musicbrainz.org\0" + text))
        elif name in _ID3:
            made.append(_frame(_ID3[name].encode(), b"\x03" + text))
        else:
            made.append(_frame(b"TXXX", b"\x03" + name.encode() + b"\0" + text))
    body = b"".join(made)
    return b"ID3\x04\0\0" + _syncsafe(len(body)) + body


def _frame(name: bytes, content: bytes) -> bytes:
    return name + _syncsafe(len(content)) + b"\0\0" + content


def _syncsafe(size: int) -> bytes:
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))


def cover(size: int) -> bytes:
    """An ID3 frame of a picture."""
    return _frame(b"APIC", b"\0image/png\0\x03\0" + bytes(size))


def mp3(tags: Tags, seconds: float = 2, *frames: bytes) -> bytes:
    frame = b"\xff\xfb\x90\xc0" + bytes(413)  # MPEG 1, layer 3, 128 kbit/s at 44,100 Hz, mono: 1,152 samples
    return id3(tags, *frames) + frame * round(seconds * 44_100 / 1152)


def flac(tags: Tags, seconds: float = 2) -> bytes:
    samples = int(44_100 * seconds)
    packed = (44_100 << 44) | (15 << 36) | samples
    info = struct.pack(">HH", 4096, 4096) + bytes(6) + packed.to_bytes(8, "big") + bytes(16)
    comments = vorbis_comments(tags)
    return b"fLaC" + _block(0, info) + _block(0x84, comments)


def _block(kind: int, content: bytes) -> bytes:
    return bytes([kind]) + len(content).to_bytes(3, "big") + content


def ogg(tags: Tags, seconds: float = 2) -> bytes:
    head = b"\x01vorbis" + struct.pack("<IBIIIIBB", 0, 1, 44_100, 0, 128_000, 0, 0xB8, 1)
    comments = b"\x03vorbis" + vorbis_comments(tags) + b"\x01"
    return _page(head, 0, 0, 2) + _page(comments, 0, 1, 0) + _page(bytes(50), int(44_100 * seconds), 2, 4)


def opus(tags: Tags, seconds: float = 2) -> bytes:
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 0, 48_000, 0, 0)
    comments = b"OpusTags" + vorbis_comments(tags)
    return _page(head, 0, 0, 2) + _page(comments, 0, 1, 0) + _page(bytes(50), int(48_000 * seconds), 2, 4)


def _page(packet: bytes, granule: int, number: int, flags: int) -> bytes:
    segments = [255] * (len(packet) // 255) + [len(packet) % 255]
    return b"OggS" + struct.pack("<BBqIIIB", 0, flags, granule, 1, number, 0, len(segments)) + bytes(segments) + packet


def wav(tags: Tags, seconds: float = 2) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(_RATE)
        sound.writeframes(_sounds(seconds))
    listed = b"INFO"
    for name, values in _several(tags):
        if name in _RIFF:
            text = values[0].encode() + b"\0"
            listed += _RIFF[name] + struct.pack("<I", len(text)) + text + b"\0" * (len(text) % 2)
    tagged = file.getvalue() + b"LIST" + struct.pack("<I", len(listed)) + listed
    return tagged[:4] + struct.pack("<I", len(tagged) - 8) + tagged[8:]


def aiff(tags: Tags, seconds: float = 2) -> bytes:
    rate = struct.pack(">HQ", 16383 + 12, _RATE << (63 - 12))  # the 80 bits of an extended number
    common = struct.pack(">hIh", 1, int(_RATE * seconds), 16) + rate
    tag = id3(tags)
    tag += b"\0" * (len(tag) % 2)
    chunks = [(b"COMM", common), (b"ID3 ", tag), (b"SSND", bytes(8) + _sounds(seconds))]
    body = b"AIFF" + b"".join(name + struct.pack(">I", len(content)) + content for name, content in chunks)
    return b"FORM" + struct.pack(">I", len(body)) + body


def m4a(tags: Tags, seconds: float = 2) -> bytes:
    items = b""
    for name, values in _several(tags):
        data = b"".join(_atom(b"data", struct.pack(">II", 1, 0) + value.encode()) for value in values)
        if name in _MP4:
            items += _atom(_MP4[name], data)
        else:
            mean = _atom(b"mean", bytes(4) + b"com.apple.iTunes")
            items += _atom(b"----", mean + _atom(b"name", bytes(4) + name.encode()) + data)
    header = _atom(b"mvhd", bytes(12) + struct.pack(">II", 1000, int(1000 * seconds)) + bytes(80))
    tagged = _atom(b"udta", _atom(b"meta", bytes(4) + _atom(b"ilst", items)))
    return _atom(b"ftyp", b"M4A \0\0\0\0") + _atom(b"moov", header + tagged)


def _atom(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + name + content


def wma(tags: Tags, seconds: float = 2) -> bytes:
    strings = [(tags.get(name, "") + "\0").encode("utf-16-le") for name in ("title", "artist")]  # type: ignore[operator]
    lengths = [len(text) for text in strings] + [0, 0, 0]
    description = _asf("3326B2758E66CF11A6D900AA0062CE6C", struct.pack("<5H", *lengths) + b"".join(strings))
    times = struct.pack("<QQQ", int(seconds * 10_000_000), int(seconds * 10_000_000), 0)
    properties = _asf("A1DCAB8C47A9CF118EE400C00C205365", bytes(40) + times + bytes(16))
    objects = properties + description
    size = struct.pack("<QIBB", 30 + len(objects), 2, 1, 2)
    return bytes.fromhex("3026B2758E66CF11A6D900AA0062CE6C") + size + objects


def _asf(name: str, content: bytes) -> bytes:
    return bytes.fromhex(name) + struct.pack("<Q", len(content) + 24) + content


FORMS: dict[str, Callable[[Tags, float], bytes]] = {
    ".mp3": mp3,
    ".flac": flac,
    ".ogg": ogg,
    ".opus": opus,
    ".wav": wav,
    ".aiff": aiff,
    ".m4a": m4a,
    ".wma": wma,
}


def put(directory: Path, name: str, tags: Tags, seconds: float = 2) -> Path:
    """Write an audio file, of the form of its suffix, and the directories above it."""
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(FORMS[path.suffix](tags, seconds))
    return path
