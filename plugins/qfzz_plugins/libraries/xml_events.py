"""A document of XML, an element at a time, which declares nothing of its own and stays within limits."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from xml.parsers import expat

from attrs import Factory, frozen

from qfzz_core.contracts.formats import ImportFileError, TrackFile

_PIECE = 1 << 16  # bytes
_DEEPEST = 100  # elements within each other: libraries have 6, and folders of playlists within folders


@frozen
class Element:
    """The start or the end of an element, with its text at its end; `line` is where it stands."""

    name: str
    line: int
    ends: bool = False
    attributes: Mapping[str, str] = Factory(dict)
    text: str = ""


def elements(file: TrackFile) -> Iterator[Element]:
    """Yield the starts and the ends of the elements of a file.

    Raises `ImportFileError` for what is no XML, declares entities or a DTD within itself, or asks for too much. A DTD
    elsewhere may be named, as property lists do; it is not looked at.
    """
    document = _Document(file)
    while piece := file.content.read(_PIECE):
        yield from document.after(piece)
    yield from document.after(b"", is_last=True)


class _Document:
    """What an expat parser says, kept until it is taken."""

    def __init__(self, file: TrackFile) -> None:
        self._file = file
        self._found: deque[Element] = deque()
        self._written: list[list[str]] = []
        self._size = 0
        self._parser = parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._entity
        parser.UnparsedEntityDeclHandler = self._entity

    def after(self, piece: bytes, *, is_last: bool = False) -> Iterator[Element]:
        """Yield what one more piece of the file completes."""
        try:
            self._parser.Parse(piece, is_last)
        except expat.ExpatError as error:
            yield from self._taken()  # what stands before the damage is good
            raise self._file.unusable(f"not valid XML: {expat.ErrorString(error.code)}", error.lineno) from None
        except ImportFileError:
            raise
        except (ValueError, LookupError) as error:  # an encoding that Python does not know, or not as one of text
            raise self._file.unusable(f"not valid XML: {error}") from None
        yield from self._taken()

    def _taken(self) -> Iterator[Element]:
        while self._found:
            yield self._found.popleft()

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._written) >= _DEEPEST:
            raise self._refusal(f"elements are nested deeper than {_DEEPEST} levels")
        if sum(map(len, attributes.values())) > self._file.limits.line:
            raise self._file.too_long("an element", self._parser.CurrentLineNumber)
        self._written.append([])
        self._size = 0
        self._found.append(Element(name, self._parser.CurrentLineNumber, attributes=attributes))

    def _end(self, name: str) -> None:
        text = "".join(self._written.pop())
        self._found.append(Element(name, self._parser.CurrentLineNumber, ends=True, text=text))

    def _characters(self, text: str) -> None:
        self._size += len(text)
        if self._size > self._file.limits.line:
            raise self._file.too_long("an element", self._parser.CurrentLineNumber)
        if self._written:
            self._written[-1].append(text)

    def _doctype(self, name: str, system: str | None, public: str | None, has_subset: int) -> None:
        if has_subset:
            raise self._refusal("the document declares a DTD of its own, which can expand without end: it is refused")

    def _entity(self, *declared: object) -> None:
        raise self._refusal("the document declares entities, which can expand without end: it is refused")

    def _refusal(self, reason: str) -> ImportFileError:
        return self._file.unusable(reason, self._parser.CurrentLineNumber)
