"""Parquet tables that tell whether they are as they were written: a checksum of all their bytes, among their metadata.

Parquet's own checksums cover the pages of values alone, and a file's footer says how to read them.
"""

import io
import zlib
from functools import reduce
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

MAGIC = b"PAR1"
"""The first and the last bytes of a Parquet file."""
MARK = b"crc32 of this file with 00000000 here: "
OPEN = b"00000000"


def sealed(table: pa.Table) -> bytes:
    """Returns a table as the bytes of a Parquet file whose metadata holds their checksum, under "seal"."""
    buffer = io.BytesIO()
    metadata = {**(table.schema.metadata or {}), b"seal": MARK + OPEN}
    pq.write_table(table.replace_schema_metadata(metadata), buffer)
    content = buffer.getvalue()
    place = content.rindex(MARK + OPEN) + len(MARK)
    return content[:place] + _checksum(content) + content[place + len(OPEN) :]


def whole(path: Path) -> bool:
    """Whether a file is there and, if a table, as it was written. Of a table without a seal the ends are checked."""
    if path.suffix != ".parquet":
        return path.exists()
    try:
        content = path.read_bytes()
    except OSError:
        return False
    if len(content) < 2 * len(MAGIC) or not (content.startswith(MAGIC) and content.endswith(MAGIC)):
        return False
    place = content.rfind(MARK) + len(MARK)
    if place < len(MARK):  # an older version's, or somebody else's
        return True
    end = place + len(OPEN)
    return content[place:end] == _checksum(content[:place], OPEN, content[end:])


def _checksum(*parts: bytes) -> bytes:
    return b"%08x" % reduce(lambda checksum, part: zlib.crc32(part, checksum), parts, 0)
