"""A table that differs from what was written in a single bit is not whole, wherever the bit is."""

import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from study.ledger import results, seals
from study.ledger.folder import Folder
from study.ledger.state import State
from tests.support import table, trials

TABLE = pa.table({"text": ["a", seals.MARK.decode() + "00000000"], "value": [1.5, 2.5]}).replace_schema_metadata(
    {"facts": "{}"}
)


def test_every_changed_byte_and_every_missing_end_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    content = seals.sealed(TABLE)
    path.write_bytes(content)
    assert seals.whole(path)
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        assert not seals.whole(path), f"byte {place} of {len(content)}"
    for end in range(len(content)):
        path.write_bytes(content[:end])
        assert not seals.whole(path), f"{end} of {len(content)} bytes"


def test_a_sealed_table_is_a_parquet_table_that_anyone_reads(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(seals.sealed(TABLE))
    read = pq.read_table(path)
    assert read.equals(TABLE)
    stored = pq.read_metadata(path).metadata
    seal = stored[b"seal"]
    assert stored[b"facts"] == b"{}" and seal.startswith(seals.MARK)
    content, checksum = path.read_bytes(), seal[-8:]
    assert int(checksum, 16) == zlib.crc32(content.replace(checksum, b"00000000"))


def test_a_table_without_a_seal_is_whole_if_its_ends_are(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    assert not seals.whole(path)
    pq.write_table(TABLE.select(["value"]), path)
    assert seals.whole(path)
    path.write_bytes(path.read_bytes()[:-1])
    assert not seals.whole(path)


def test_trials_are_written_sealed_and_a_changed_number_makes_one_unfinished(tmp_path: Path) -> None:
    (trial,) = trials("sigma_sweep", seeds=1)[:1]
    folder = Folder(tmp_path)
    table([trial], folder.trials_path)
    place = folder.trial(trial.key)
    path = place.mark(State.FINISHED)
    assert place.test is State.FINISHED and results.rows(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)
    assert place.test is State.PENDING and place.damaged == [path]
