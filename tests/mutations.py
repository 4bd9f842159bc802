"""Changes to sources, at the level of what they are made of: bytes, records and cells, parts of archives, XML, BIFF."""

from __future__ import annotations

import gzip
import io
import re
import struct
import warnings
import zipfile
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

NUMBERS = (
    "-1",
    "0",
    "1",
    "2",
    "7",
    "255",
    "65535",
    "1048576",
    "1048577",
    "16384",
    "99999999999999999999",
    "1e9",
    "NaN",
    "",
)
PLACES = ("A1", "A0", "B2", "XFD1048576", "XFE1", "A1048577", "ZZZZ9", "a1", "1A", "A1:XFD1048576", "")
TEXTS = (
    *("", " ", "\u00a0", "0", "-0", "1.000", "1,000", "1.234,56", "1,234.56", "(5)", "5-", "1e5", "1e400", "12 345,6"),
    *("9" * 20, "9" * 400, "0." + "3" * 40, "1" + ",000" * 9, "--1", "+1", "\u0661\u0662", "\u00bd", "Infinity", "NaN"),
    *(
        "03/08/2026",
        "31.12.2026",
        "2026-02-30",
        "2026-12-31T25:61",
        "0000-00-00",
        "1.1.26",
        "99999-01-01",
        "13/13/2026",
    ),
    *(
        "EUR",
        "eur",
        "\u20ac 5",
        "5 kr",
        "DE",
        "Deutschland",
        "Atlantis",
        "yes",
        "no",
        "Company",
        "B2B",
        "#N/A",
        "#REF!",
    ),
    *(
        "=1+1",
        "@x",
        "Total",
        "Summe:",
        "Page 1",
        "\x1b[31mred",
        "a\x00b",
        "\u202eabc",
        "x" * 5000,
        "a\nb",
        'a"b',
        "'",
        "\ufeff",
    ),
    *(
        "{creditorReference}",
        "{",
        "}",
        "%s",
        "A" * 60 + "@" * 60,
        "a@b.c",
        "+45 12345678",
        "\ud83d".encode("utf-8", "surrogatepass").decode("utf-8", "replace"),
    ),
)
HEADERS = (
    *("creditorReference", "currencyCode", "date", "dueDate", "amountToRecover", "debtor.type", "debtor.name"),
    *("debtor.address", "debtor.city", "debtor.zipCode", "debtor.countryAlpha2", "debtor.country", "debtor.email"),
    *("debtor.phone", "claimDescription", "comments", "Amount", "Total", "Invoice number", "Name", "Country"),
)
ENCODINGS = (
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    "cp1252",
    "cp1250",
    "iso-8859-15",
    "mac-roman",
)
TOKENS = (
    b'"',
    b"'",
    b",",
    b";",
    b"\t",
    b"|",
    b"\r",
    b"\n",
    b"\r\n",
    b"\0",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"sep=;\n",
    b"\x1b",
    b"\xe9",
    b"PK\3\4",
    b"PK\1\2",
    b"\x1f\x8b",
    b"<",
    b"\xd0\xcf\x11\xe0",
)
COMPOUND = b"\xd0\xcf\x11\xe0"


def mutate(data: bytes, random: Random, others: list[bytes]) -> bytes:
    """Change a source in one to four ways."""
    for _ in range(random.choice((1, 1, 2, 4))):
        data = _once(data, random, others)
    return data[: 4 << 20]


def _once(data: bytes, random: Random, others: list[bytes]) -> bytes:
    if random.random() < 0.1:
        return change_bytes(data, random, others)
    if data.startswith(b"\x1f\x8b"):
        try:
            return gzip.compress(mutate(gzip.decompress(data), random, others), 1, mtime=0)
        except (OSError, EOFError, zlib.error):
            return change_bytes(data, random, others)
    if data.startswith(b"PK"):
        return change_archive(data, random, others)
    if data.startswith(COMPOUND):
        return change_compound(data, random)
    if random.random() < 0.02:
        return gzip.compress(data, 1, mtime=0)
    return change_text(data, random, others)


def change_bytes(data: bytes, random: Random, others: list[bytes]) -> bytes:
    at = random.randrange(len(data) + 1)
    end = min(len(data), at + random.choice((1, 2, 8, 100, 1000)))
    match random.randrange(7):
        case 0:
            return data[:at] + data[end:]
        case 1:
            return data[:at] + data[at:end] * random.choice((2, 3, 50)) + data[end:]
        case 2:
            return data[:at] + random.randbytes(end - at) + data[end:]
        case 3:
            return data[:at] + random.choice(TOKENS) + data[at:]
        case 4:
            return data[:at]
        case 5:
            other = random.choice(others)
            return data[:at] + other[random.randrange(len(other) + 1) :]
        case _:
            number = struct.pack(random.choice(["<H", "<I", ">I"]), random.choice((0, 1, 0xFF, 0x7FFF, 0xFFFF)))
            return data[:at] + number + data[at + len(number) :]


def change_text(data: bytes, random: Random, others: list[bytes]) -> bytes:
    """Change encoding, delimiter, quotes, line ends, records, or cells."""
    if random.random() < 0.1:
        return change_bytes(data, random, others)
    encoding = "utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8"
    text = data.decode(encoding, "replace") if random.random() < 0.5 else data.decode("latin-1")
    again = encoding if encoding != "latin-1" else "latin-1"
    lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)
    at = random.randrange(len(lines))
    sign = max(",;\t|", key=lines[0].count)
    match random.randrange(11):
        case 0:
            del lines[at]
        case 1:
            lines[at:at] = [lines[at]] * random.choice((1, 2, 300))
        case 2:
            other = random.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        case 3:
            again = random.choice(ENCODINGS)
        case 4:
            new = random.choice(",;\t|:~\u00a7")
            lines = [line.replace(sign, new) for line in lines]
        case 5:
            end = random.choice(("\n", "\r", "\r\n", "\n\n", "\x0b", "\u2028"))
            lines = [line.rstrip("\r\n") + end for line in lines]
        case 6:
            lines[at] = sign.join(f'"{cell}"' for cell in lines[at].rstrip("\r\n").split(sign)) + "\n"
        case 7:
            lines.insert(
                at, random.choice(("\n", "sep=;\n", "Report June\n", f"Total{sign}{sign}5\n", sign * 40 + "\n"))
            )
        case _:
            for _ in range(random.choice((1, 3, len(lines)))):
                at = random.randrange(len(lines))
                body = lines[at].rstrip("\r\n")
                cells = body.split(sign)
                place = random.randrange(len(cells))
                cells[place] = random.choice(HEADERS if at == 0 else TEXTS)
                if random.random() < 0.1:
                    del cells[place]
                if random.random() < 0.1:
                    cells.insert(place, random.choice(TEXTS))
                lines[at] = sign.join(cells) + lines[at][len(body) :]
    try:
        return "".join(lines).encode(again, "replace")
    except UnicodeError:
        return "".join(lines).encode("utf-8", "replace")


def change_archive(data: bytes, random: Random, others: list[bytes]) -> bytes:
    """Change a part of an archive, or the list of its parts."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            parts = [(name, file.read(name)) for name in file.namelist()]
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError, RuntimeError):
        return change_bytes(data, random, others)
    if not parts:
        return change_bytes(data, random, others)
    at = random.randrange(len(parts))
    name, content = parts[at]
    kind = zipfile.ZIP_DEFLATED
    match random.randrange(14):
        case 0:
            del parts[at]
        case 1:
            parts.append((name, content))
        case 2:
            parts[at] = (random.choice((name.upper(), "/" + name, "../" + name, name.replace("/", "\\"))), content)
        case 3:
            other = random.randrange(len(parts))
            parts[at], parts[other] = (name, parts[other][1]), (parts[other][0], content)
        case 4:
            kind = random.choice((zipfile.ZIP_STORED, zipfile.ZIP_BZIP2))
        case _:
            weighed = [
                number
                for number, part in enumerate(parts)
                if re.search("sheet|content|workbook|Strings|styles", part[0])
            ]
            at = random.choice(weighed or [at])
            name, content = parts[at]
            change = change_records if name.endswith(".bin") else change_xml
            if random.random() < 0.05:
                content = change_bytes(content, random, others)
            else:
                for _ in range(random.choice((1, 1, 3))):
                    content = change(content, random)
            parts[at] = (name, content)
    packed = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(packed, "w", kind) as file:
            for name, content in parts:
                file.writestr(zipfile.ZipInfo(name), content, kind)
    return packed.getvalue()


def change_xml(xml: bytes, random: Random) -> bytes:
    """Change tags, attributes or texts."""
    tokens = re.findall(rb"<[^>]*>|[^<]+|<", xml)
    if not tokens:
        return xml + random.choice(TOKENS)
    at = random.randrange(len(tokens))
    match random.randrange(9):
        case 0:
            del tokens[at]
        case 1:
            tokens.insert(at, tokens[random.randrange(len(tokens))])
        case 2:
            other = random.randrange(len(tokens))
            tokens[at], tokens[other] = tokens[other], tokens[at]
        case 3:
            end = at + random.choice((2, 5, 20))
            tokens[at:at] = tokens[at:end] * random.choice((1, 3, 40))
        case 4:
            del tokens[at : at + random.choice((2, 5, 20))]
        case 5:
            texts = [number for number, token in enumerate(tokens) if not token.startswith(b"<")]
            if texts:
                text = random.choice((*TEXTS, *NUMBERS))
                tokens[random.choice(texts)] = text.replace("&", "&amp;").replace("<", "&lt;").encode(errors="replace")
        case _:
            tags = [number for number, token in enumerate(tokens) if b"=" in token]
            if tags:
                at = random.choice(tags)
                tokens[at] = _change_attribute(tokens[at], random)
    return b"".join(tokens)


def _change_attribute(tag: bytes, random: Random) -> bytes:
    found = list(re.finditer(rb"""\s([\w:]+)=["']([^"']*)["']""", tag))
    if not found:
        return tag
    one = random.choice(found)
    name, value = one[1], one[2]
    match random.randrange(4):
        case 0:
            return tag[: one.start()] + tag[one.end() :]
        case 1:
            other = random.choice(found)
            return tag[: one.start(2)] + other[2] + tag[one.end(2) :]
        case 2:
            extra = (
                b' hidden="1"',
                b' t="e"',
                b' t="s"',
                b' t="b"',
                b' t="d"',
                b' s="1"',
                b' table:number-rows-repeated="3"',
                b' table:visibility="collapse"',
            )
            return tag[: one.end()] + random.choice(extra) + tag[one.end() :]
        case _:
            new = random.choice(
                PLACES
                if re.fullmatch(rb"[A-Z]+[0-9]+(:[A-Z]+[0-9]+)?", value)
                else (*NUMBERS, "true", "e", "s", "date")
            )
            return tag[: one.start()] + b" " + name + b'="' + new.encode() + b'"' + tag[one.end() :]


def change_records(part: bytes, random: Random) -> bytes:
    """Change records of XLSB: a type, a length, and so many bytes."""
    found: list[bytes] = []
    place = 0
    while place < len(part):
        start = place
        place += 2 if part[place] & 0x80 else 1
        length = shift = 0
        while place < len(part):
            byte = part[place]
            place += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80 or shift > 21:
                break
        place = min(place + length, len(part))
        found.append(part[start:place])
    return _change_list(found, random)


def change_compound(data: bytes, random: Random) -> bytes:
    """Change records of an XLS: a type, a length, and so many bytes; they follow each other in the first stream."""
    start = data.find(b"\x09\x08\x10\x00")
    if start < 0 or random.random() < 0.15:
        return change_bytes(data, random, [data])
    found, place = [], start
    while place + 4 <= len(data) and len(found) < 400:
        kind, length = struct.unpack_from("<HH", data, place)
        found.append(data[place : place + 4 + length])
        place += 4 + length
        if kind == 0x0A and data[place : place + 2] == b"\0\0":
            break
    changed = _change_list(found, random)
    # What follows stays where it is: the list of streams says where.
    return data[:start] + changed[: place - start].ljust(place - start, b"\0") + data[place:]


def _change_list(records: list[bytes], random: Random) -> bytes:
    if not records:
        return b""
    at = random.randrange(len(records))
    match random.randrange(6):
        case 0:
            del records[at]
        case 1:
            records.insert(at, records[random.randrange(len(records))])
        case 2:
            other = random.randrange(len(records))
            records[at], records[other] = records[other], records[at]
        case 3:
            records[at] = records[at][: random.randrange(len(records[at]) + 1)]
        case _:
            record = bytearray(records[at])
            place = random.randrange(len(record))
            value = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))
            record[place : place + random.choice((1, 1, 2, 4))] = bytes([value]) * random.choice((1, 1, 2, 4))
            records[at] = bytes(record)
    return b"".join(records)
