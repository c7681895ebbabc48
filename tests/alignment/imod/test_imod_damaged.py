"""IMOD's files with bytes exchanged, lost and added: read, or refused by name."""

import random

import numpy as np
import pytest
from imod_by_hand import COMMAND, NEWSTACK, SIZES, files

from libtilt.alignment import ImodAlignment

# What stands in such files more often than bytes by chance.
WORDS = "$ # - , / = ' \" 0 9 1e9 . nan 1- tilt $newstack EXCLUDELIST bin xf -1 IN SLICE"
LINES = ("\n", "$tilt\n", "DONE\n", "SLICE 3\n", "ANGLES 1 2\n", "bin 3\n", "-StandardInput ", "\0")
PIECES = [b"", b" ", b"\xff", *(word.encode() for word in (*WORDS.split(), *LINES))]


@pytest.mark.parametrize("name", ["tilt.com", "newst.com", "a.xf", "a.tlt", "a.xtilt"])
def test_a_thousand_damages_are_read_or_refused_by_name(tmp_path, name):
    files(tmp_path, np.random.default_rng(1), command=COMMAND, newstack=NEWSTACK + "bin 1\n")
    whole = (tmp_path / name).read_bytes()
    chance = random.Random(20)
    read = 0
    for _ in range(1000):
        content = whole
        for _ in range(chance.randint(1, 3)):
            place = chance.randrange(len(content) + 1)
            end = place + chance.choice([0, 0, 1, 2, 8])
            piece = chance.choice([*PIECES, content[: chance.randrange(60)], chance.randbytes(2)])
            content = content[:place] + piece + content[end:]
        (tmp_path / name).write_bytes(content)
        message = None
        try:
            ImodAlignment.read(tmp_path).alignment(SIZES)
        except (ValueError, FileNotFoundError) as error:
            message = str(error)
        read += message is None
        assert message is None or str(tmp_path) in message
    assert 0 < read < 1000
