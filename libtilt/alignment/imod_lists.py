"""Lists of views or sections, as IMOD's ``parselist`` reads them."""

from __future__ import annotations

import re

LARGEST = 1_000_000


def parse_list(text: str, where: str) -> list[int] | None:
    """Return the numbers of a list like ``1,3-5``, in its order.

    Commas and blanks keep numbers apart, blanks may stand about a dash, and a range may run
    backward. A slash stands for the program's own default.

    Parameters
    ----------
    text : str
        The list.
    where : str
        File and line, for messages.

    Returns
    -------
    list of int, or None
        None for a slash.

    Raises
    ------
    ValueError
        If there is anything but numbers, commas, blanks and dashes, a number is negative, or the
        list is longer than any series.

    Examples
    --------
    >>> from libtilt.alignment.imod_lists import parse_list
    >>> parse_list("1 4 - 2, 9", "tilt.com, line 3")
    [1, 4, 3, 2, 9]
    """
    if text.startswith("/"):
        return None
    numbers: list[int] = []
    to, apart = False, True
    for token in re.findall(r"\d+|.", text):
        if re.fullmatch(r"\d{1,7}", token, re.ASCII) and int(token) < LARGEST:
            value = int(token)
            if to:
                step = 1 if value >= numbers[-1] else -1
                numbers.extend(range(numbers[-1] + step, value + step, step))
            else:
                numbers.append(value)
            to = apart = False
            if len(numbers) > LARGEST:
                break
        elif token == "-" and numbers and not to and not apart:
            to = True
        elif token in ", \t" and not (to and token == ","):
            apart = apart or token == ","
        else:
            break
    else:
        if numbers and not to:
            return numbers
    raise ValueError(f"{where}: expected numbers from 0 like 1,3-5, got {text[:80]!r}")
