"""Files of arrays that are believed only if every byte is as it was written.

A file is a line that names the format, the length and the CRC-32 of a header, the header, which is JSON and tells the
arrays with their own CRC-32, and the bytes of the arrays one after another. Nothing in it is ever executed.
"""

from __future__ import annotations

import json
import os
import struct
import tempfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]

_FORMAT = b"QFZZ arrays 1\n"
_SIZES = struct.Struct("<QI")  # of the header: its length, its CRC-32
_KINDS = "biuf"  # booleans and numbers
WRITING = ".writing-"  # how the name of a file begins that is not finished yet


class DamagedFileError(Exception):
    """A file is not what was once written."""


def write_arrays(path: Path, about: Mapping[str, Any], arrays: Arrays) -> None:
    """Write a file that readers see whole or not at all; raises `OSError`. `about` is what JSON can say."""
    flat = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    entries = [[name, array.dtype.str, list(array.shape), zlib.crc32(_bytes(array))] for name, array in flat.items()]
    header = json.dumps({"about": about, "arrays": entries}).encode()
    descriptor, name = tempfile.mkstemp(prefix=WRITING, dir=path.parent)
    try:
        with open(descriptor, "wb") as file:
            file.write(_FORMAT + _SIZES.pack(len(header), zlib.crc32(header)) + header)
            for array in flat.values():
                file.write(_bytes(array))
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


def read_arrays(path: Path, about: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return what a file says of itself, and its arrays.

    Raises `DamagedFileError` if a byte is not as it was written, or if what it says of itself is not `about`, as far
    as that goes; and `OSError` if it cannot be read.
    """
    with open(path, "rb") as file:
        header = _header(file)
        said: dict[str, Any] = header["about"]
        if {key: said.get(key) for key in about} != dict(about):
            raise DamagedFileError("it is of something else")
        arrays = {name: _array(file, dtype, shape, crc) for name, dtype, shape, crc in header["arrays"]}
        if file.read(1):
            raise DamagedFileError("it is too long")
    return said, arrays


def _bytes(array: NDArray[Any]) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def _header(file: BinaryIO) -> Any:
    start = file.read(len(_FORMAT) + _SIZES.size)
    if len(start) < len(_FORMAT) + _SIZES.size or not start.startswith(_FORMAT):
        raise DamagedFileError("it begins otherwise")
    length, crc = _SIZES.unpack(start[len(_FORMAT) :])
    if length > os.fstat(file.fileno()).st_size:
        raise DamagedFileError("it is too short")
    header = file.read(length)
    if zlib.crc32(header) != crc:
        raise DamagedFileError("its header is damaged")
    return json.loads(header)


def _array(file: BinaryIO, dtype: str, shape: list[int], crc: int) -> NDArray[Any]:
    if np.dtype(dtype).kind not in _KINDS:
        raise DamagedFileError(f"it has an array of {dtype}")
    array: NDArray[Any] = np.empty(shape, dtype)
    if file.readinto(_bytes(array)) != array.nbytes:  # type: ignore[attr-defined]
        raise DamagedFileError("it is too short")
    if zlib.crc32(_bytes(array)) != crc:
        raise DamagedFileError("an array is damaged")
    return array
