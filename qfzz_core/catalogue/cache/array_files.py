"""Files of arrays that are believed only if every byte is as it was written.

A file is a line that names the format, the length and the CRC-32 of a header, the header, which is JSON and lists the
arrays with their own CRC-32, and the bytes of the arrays one after another. Nothing in it is ever executed.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from qfzz_core.model.files import open_ordinary, replacing

Arrays = Mapping[str, NDArray[Any]]

_FORMAT = b"QFZZ arrays 1\n"
_SIZES = struct.Struct("<QI")  # of the header: its length, its CRC-32
_KINDS = "biuf"  # booleans and numbers; reading an array of objects would execute what the file says


class DamagedFileError(Exception):
    """A file is not what was once written."""


def write_arrays(path: Path, about: Mapping[str, Any], arrays: Arrays) -> None:
    """Write a file that readers see whole or not at all; raises `OSError`. `about` is what JSON can say."""
    flat = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    entries = [[name, array.dtype.str, list(array.shape), zlib.crc32(_bytes(array))] for name, array in flat.items()]
    header = json.dumps({"about": about, "arrays": entries}).encode()
    # not synced, which takes seconds for a large catalogue: what a crash left unwritten is seen by its CRC
    with replacing(path, durable=False) as temporary, open(temporary, "wb") as file:
        file.write(_FORMAT + _SIZES.pack(len(header), zlib.crc32(header)) + header)
        for array in flat.values():
            file.write(_bytes(array))


def read_arrays(path: Path, about: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return what a file says of itself, and its arrays.

    Raises `DamagedFileError` if a byte is not as it was written, or if what it says of itself differs from `about`
    under a key of `about`; and `OSError` if it cannot be read.
    """
    with open_ordinary(path) as file:
        start = file.read(len(_FORMAT) + _SIZES.size)
        _require(len(start) == len(_FORMAT) + _SIZES.size and start.startswith(_FORMAT), "it begins otherwise")
        length, crc = _SIZES.unpack(start[len(_FORMAT) :])
        _require(length <= os.fstat(file.fileno()).st_size, "it is too short")
        text = file.read(length)
        _require(zlib.crc32(text) == crc, "its header is damaged")
        header = json.loads(text)
        found: dict[str, Any] = header["about"]
        _require({key: found.get(key) for key in about} == dict(about), "it is of something else")
        arrays = {name: _array(file, dtype, shape, crc) for name, dtype, shape, crc in header["arrays"]}
        _require(not file.read(1), "it is too long")
    return found, arrays


def _require(is_whole: bool, problem: str) -> None:
    if not is_whole:
        raise DamagedFileError(problem)


def _bytes(array: NDArray[Any]) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def _array(file: BinaryIO, dtype: str, shape: list[int], crc: int) -> NDArray[Any]:
    _require(np.dtype(dtype).kind in _KINDS, f"it has an array of {dtype}")
    array: NDArray[Any] = np.empty(shape, dtype)
    _require(file.readinto(_bytes(array)) == array.nbytes, "it is too short")  # type: ignore[attr-defined]
    _require(zlib.crc32(_bytes(array)) == crc, "an array is damaged")
    return array
