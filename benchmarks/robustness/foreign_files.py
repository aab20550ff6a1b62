"""Small valid files of playlists, listening histories, libraries of other programs and audio, by name."""

from __future__ import annotations

import io
import json
import sqlite3
import struct
import wave
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

TITLE, ARTIST = "Títle & <more>", "A"
URI = "file:///music/a%20b.mp3"
_ITUNES = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple Computer//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict><key>Tracks</key><dict>
<key>1</key><dict><key>Track ID</key><integer>1</integer><key>Name</key><string>T</string>
<key>Artist</key><string>A</string><key>Total Time</key><integer>200000</integer><key>BPM</key><integer>120</integer>
<key>Location</key><string>file://localhost/music/a.mp3</string></dict></dict></dict></plist>
"""
_REKORDBOX = """<?xml version="1.0" encoding="UTF-8"?>
<DJ_PLAYLISTS Version="1.0.0"><PRODUCT Name="rekordbox"/><COLLECTION Entries="1">
<TRACK TrackID="1" Name="T" Artist="A" Genre="House" TotalTime="200" AverageBpm="124.00" Tonality="8A" Year="2001"
Location="file://localhost/music/a.mp3"/></COLLECTION></DJ_PLAYLISTS>
"""


def playlists() -> dict[str, bytes]:
    """Return a list in each form."""
    track = f"<track><location>{URI}</location><title>T</title><creator>A</creator><duration>1000</duration></track>"
    xspf = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<playlist version="1" xmlns="http://xspf.org/ns/0/"><title>L</title>'
    )
    jspf = {"playlist": {"title": "L", "track": [{"title": TITLE, "creator": ARTIST, "location": [URI]}]}}
    return {
        "a.m3u8": f"#EXTM3U\n#PLAYLIST:L\n#EXTINF:12,{ARTIST} - {TITLE}\n{URI}\n../b.mp3\n".encode(),
        "a.m3u": f"#EXTM3U\n#EXTINF:12,{ARTIST} - {TITLE}\nC:\\music\\b.mp3\n".encode("cp1252"),
        "a.pls": f"[playlist]\nFile1={URI}\nTitle1={TITLE}\nLength1=12\nNumberOfEntries=1\nVersion=2\n".encode(),
        "a.xspf": f"{xspf}<trackList>{track * 2}</trackList></playlist>".encode(),
        "a.jspf": json.dumps(jspf).encode(),
    }


def histories() -> dict[str, bytes]:
    """Return a history in each form."""
    short = {"endTime": "2021-04-21 05:30", "artistName": ARTIST, "trackName": TITLE, "msPlayed": 215_710}
    extended = {
        "ts": "2021-11-15T13:41:44Z",
        "ms_played": 82_932,
        "master_metadata_track_name": TITLE,
        "master_metadata_album_artist_name": ARTIST,
        "spotify_track_uri": "spotify:track:1",
        "episode_name": None,
        "skipped": None,
        "incognito_mode": False,
    }
    said = {"artist_name": ARTIST, "track_name": TITLE, "additional_info": {"duration_ms": 620_000}}
    listen = json.dumps({"listened_at": 1_600_000_000, "track_metadata": said})
    maloja = {"maloja": {"export_time": 1}, "scrobbles": [{"time": 1, "track": {"artists": [ARTIST], "title": TITLE}}]}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("listens/2020/9.jsonl", f"{listen}\n" * 3)
    return {
        "history StreamingHistory0.json": json.dumps([short] * 2).encode(),
        "history endsong_0.json": json.dumps([extended] * 2).encode(),
        "history a.jsonl": f"{listen}\n{listen}\n".encode(),
        "history a.csv": f"{ARTIST},Album,{TITLE},01 Jan 2020 10:00\n".encode() * 3,
        "history maloja.json": json.dumps(maloja).encode(),
        "history a.zip": archive.getvalue(),
    }


def libraries() -> dict[str, bytes]:
    """Return a library of each program that is one file."""
    return {"a.xml": _ITUNES.encode(), "b.xml": _REKORDBOX.encode(), "a.db": _beets()}


def _beets() -> bytes:
    item: dict[str, Any] = {
        "id": 1,
        "path": b"/music/a.mp3",
        "title": "T",
        "artist": "A",
        "genre": "Rock",
        "length": 200.1,
        "bpm": 120,
        "mb_trackid": "",
        "year": 2001,
    }
    with TemporaryDirectory() as directory:
        path = Path(directory) / "library.db"
        connection = sqlite3.connect(path)
        connection.execute(f"CREATE TABLE items ({', '.join(item)})")
        connection.execute(f"INSERT INTO items VALUES ({', '.join('?' * len(item))})", [*item.values()])
        connection.commit()
        connection.close()
        return path.read_bytes()


def audio() -> dict[str, bytes]:
    """Return a little sound with tags, as WAV, MP3 and FLAC."""
    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(bytes(1_000))
    tags = ((b"TIT2", b"\x03T"), (b"TPE1", b"\x03A"), (b"TBPM", b"\x03120"))
    frames = b"".join(name + struct.pack(">I", len(text)) + b"\0\0" + text for name, text in tags)
    tag = b"ID3\x04\0\0" + bytes(len(frames) >> shift & 0x7F for shift in (21, 14, 7, 0)) + frames
    comments = b"".join(struct.pack("<I", len(text)) + text for text in (b"TITLE=T", b"ARTIST=A"))
    block = struct.pack("<I", 1) + b"t" + struct.pack("<I", 2) + comments
    packed = (44_100 << 44) | (15 << 36) | 44_100
    info = struct.pack(">HH", 4096, 4096) + bytes(6) + packed.to_bytes(8, "big") + bytes(16)
    flac = b"fLaC\0" + len(info).to_bytes(3, "big") + info + b"\x84" + len(block).to_bytes(3, "big") + block
    return {
        "a.wav": sound.getvalue(),
        "a.mp3": tag + (b"\xff\xfb\x90\xc0" + bytes(413)) * 3,
        "a.flac": flac,
    }
