"""The bytes of a source, given a chunk at a time and as often as they are asked for, so that memory stays small."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import os
import re
import stat
import sys
import zlib
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final, Protocol

from importer.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from importer.model import Doing

LARGEST: Final = 4 << 30  # bytes of a source
SMALL: Final = 64 << 20  # bytes that anything may unpack to
THICKEST: Final = 200  # times that a larger source may be larger than it is packed
LONGEST_LINE: Final = 32 << 20  # bytes without a line's end in a text, all in all
LOOK: Final = 4096  # bytes that tell the format
CHUNK: Final = 1 << 21  # bytes, few enough for a processor's cache; an even number, as the signs of UTF-16 have
GZIP: Final = b"\x1f\x8b"
WORKBOOK: Final = (b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0")  # a text may begin with PK as well
CHANGED: Final = "changed while it was read; wait until it is written, and try again."
LOOKING, READING = "Looking at", "Reading"  # a source is read several times


class Source(Protocol):
    """Bytes that can be read several times."""

    @property
    def start(self) -> bytes:
        """The first bytes, which tell the format."""

    def chunks(self, doing: str = LOOKING) -> Iterator[bytes]:
        """Read all from the beginning, and say what that is for; each chunk but the last is of `CHUNK` bytes.

        Raises:
            SourceError: They cannot be read, or are not what they were.
        """


class Plain:
    """The bytes of a file, or those that were taken from standard input.

    Attributes:
        size: Bytes.
        start: The first of them.
    """

    def __init__(self, opens: Callable[[], BinaryIO], told: Doing | None = None) -> None:
        """Take what *opens* the bytes; *told* gets to know which share of them each chunk ends at."""
        self._opens = opens
        self._told = told
        with opens() as file:
            self._state = _state(file)
            self.size = file.seek(0, io.SEEK_END)
            file.seek(0)
            self.start = file.read(LOOK)

    def chunks(self, doing: str = LOOKING) -> Iterator[bytes]:
        """Read all from the beginning; see `Source`."""
        with self.open() as file:
            while chunk := file.read(CHUNK):
                self.tell(doing, file)
                yield chunk
            if _state(file) != self._state:
                raise SourceError(CHANGED)

    def open(self) -> BinaryIO:
        """Open what has not changed since it was first seen."""
        file = self._opens()
        if _state(file) != self._state:
            file.close()
            raise SourceError(CHANGED)
        return file

    def tell(self, doing: str, file: BinaryIO) -> None:
        """Say how far *file* was read."""
        if self._told:
            self._told(doing, file.tell() / self.size)

    def digest(self) -> str:
        """Hash the bytes.

        Raises:
            SourceError: All of them are blank, or a text has a line that is out of sight.
        """
        found = hashlib.sha256()
        blank = True
        is_text = not self.start.startswith((*WORKBOOK, GZIP))
        line = 0
        for chunk in self.chunks():
            found.update(chunk)
            blank = blank and chunk.isspace()
            line = line + len(chunk) if is_text and not _LINE_END.search(chunk) else 0
            if line > LONGEST_LINE:
                raise SourceError(f"has a line of more than {LONGEST_LINE >> 20} MiB: no table has; export it again.")
        if blank:
            raise SourceError("is empty.")
        return found.hexdigest()


class Packed:
    """What a gzip file unpacks to."""

    def __init__(self, packed: Plain) -> None:
        self._packed = packed
        self._most = min(LARGEST, max(SMALL, packed.size * THICKEST))
        self.start = b""
        self.start = next(self.chunks())[:LOOK]
        if self.start.startswith(GZIP):
            raise SourceError("is packed with gzip twice; unpack it once.")

    def chunks(self, doing: str = LOOKING) -> Iterator[bytes]:
        """Unpack all from the beginning; see `Source`."""
        length = 0
        blank = True
        try:
            with self._packed.open() as file, gzip.open(file) as unpacked:
                while chunk := unpacked.read(CHUNK):
                    length += len(chunk)
                    if length > self._most:
                        raise SourceError(
                            "unpacks to far more than a source should; unpack it yourself and look into it."
                        )
                    blank = blank and chunk.isspace()
                    self._packed.tell(doing, file)
                    yield chunk
        except (OSError, EOFError, zlib.error) as error:
            raise SourceError(f"is damaged: {error}. Pack it again with gzip.") from None
        if blank:
            raise SourceError("is empty.")


@dataclass(frozen=True, slots=True)
class Text:
    """What a source's bytes say; a mark of the encoding is no part of it.

    Attributes:
        source: The bytes.
        encoding: As Python decodes it.
        name: As people are told.
        nul: Whether there are NUL characters in it.
    """

    source: Source
    encoding: str
    name: str
    nul: bool = False

    def pieces(self, errors: str = "strict", doing: str = LOOKING) -> Iterator[str]:
        """Decode the source, a piece at a time.

        Raises:
            UnicodeDecodeError: Some bytes mean nothing in the encoding.
        """
        decoder = codecs.getincrementaldecoder(self.encoding)(errors)
        first = True
        for chunk in chain(self.source.chunks(doing), [None]):
            piece = decoder.decode(chunk or b"", final=chunk is None)
            if piece:
                yield piece.removeprefix("\ufeff") if first else piece
                first = False

    def marked(self) -> Iterator[str]:
        """Decode what can be decoded, with a surrogate or U+FFFD for what cannot."""
        try:
            for _ in self.pieces("surrogateescape"):
                pass
        except UnicodeDecodeError:  # of UTF-16 and its like no single byte can stand for itself
            return self.pieces("replace")
        return self.pieces("surrogateescape")

    def utf8(self) -> Iterator[bytes]:
        """Give the text as UTF-8, a chunk at a time."""
        if self.encoding == "utf-8":
            mark = len(codecs.BOM_UTF8) if self.source.start.startswith(codecs.BOM_UTF8) else 0
            for chunk in self.source.chunks(READING):
                yield chunk[mark:]
                mark = max(0, mark - len(chunk))
        else:
            yield from (piece.encode() for piece in self.pieces(doing=READING))


_LINE_END: Final = re.compile(b"[\r\n]")
_SOMETHING: Final = re.compile(rb"\S")
# What became a pipe since it was looked at is not waited for.
_READ_ONLY: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def _state(file: BinaryIO) -> tuple[int, ...]:
    """Tell what changes with a file; what is in memory does not."""
    if isinstance(file, io.BytesIO):
        return ()
    found = os.fstat(file.fileno())
    if not stat.S_ISREG(found.st_mode):
        raise SourceError(CHANGED)
    return found.st_ino, found.st_size, found.st_mtime_ns


def _take(stream: BinaryIO) -> bytes:
    """Read standard input to its end, unless that is out of sight: then what was read tells enough."""
    taken = io.BytesIO()
    while part := stream.read(LONGEST_LINE):
        if not taken.tell():
            is_text = not part.startswith((*WORKBOOK, GZIP))
        if is_text and len(part) == LONGEST_LINE and not _LINE_END.search(part):
            raise SourceError(
                f"Standard input has a line of more than {LONGEST_LINE >> 20} MiB: no table has; export it again."
            )
        taken.write(part)
        if taken.tell() > LARGEST:
            raise SourceError("Standard input is longer than 4 GiB; split it.")
    if not _SOMETHING.search(taken.getbuffer()):
        raise SourceError("Standard input is empty.")
    return taken.getvalue()


def open_source(path: Path, told: Doing | None = None) -> Plain:
    """Open a file, or standard input for `-`.

    Raises:
        SourceError: It cannot be read, is too large, or empty.
    """
    if str(path) == "-":
        data = _take(sys.stdin.buffer)
        return Plain(lambda: io.BytesIO(data), told)
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise SourceError(f"{path} is a folder; name the file in it.")
        if not stat.S_ISREG(found.st_mode):
            raise SourceError(
                f"{path} is no regular file; save the source as a file first, or give it as - to read it."
            )
        if found.st_size > LARGEST:
            raise SourceError(f"{path} is larger than 4 GiB; split it.")
        return Plain(lambda: os.fdopen(os.open(path, _READ_ONLY), "rb"), told)
    except FileNotFoundError:
        raise SourceError(f"{path} does not exist; check the name and the folder.") from None
    except OSError as error:
        raise SourceError(
            f"{path} cannot be read: {error.strerror}. Close it elsewhere, or ask who may read it."
        ) from None
