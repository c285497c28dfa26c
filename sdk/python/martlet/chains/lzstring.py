"""Undoes LZString's compression to text that is safe in an address: clients put a configuration into a path with it.

The text is a stream of bits, six to a character. A code of growing width names an entry of a dictionary that both sides
build alike: codes 0 and 1 bring a new character of 8 or 16 bits, 2 is the end, all others stand for what was seen.
"""

from typing import List

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-"
_VALUES = {character: number for number, character in enumerate(_ALPHABET)}
_END = 2
MAX_CHARACTERS = 1 << 20
"""A few thousand characters may stand for many more; a configuration is no longer than this."""


class _Bits:
    """Bits of the text, the highest of each character first; numbers have their lowest bit first."""

    def __init__(self, text: str):
        self._values = [_VALUES.get(character, -1) for character in text.replace(" ", "+")]
        self._position = 0

    def number(self, width: int) -> int:
        found = 0
        for power in range(width):
            index, bit = divmod(self._position, 6)
            if index >= len(self._values) or self._values[index] < 0:
                raise ValueError("compressed text ends too early")
            found |= (self._values[index] >> (5 - bit) & 1) << power
            self._position += 1
        return found


def decompress(text: str) -> str:
    """Raises `ValueError` where the text is not compressed text, or stands for more than `MAX_CHARACTERS`."""
    bits = _Bits(text)
    first = bits.number(2)
    if first == _END:
        return ""
    if first > _END:
        raise ValueError("compressed text begins with an unknown code")
    previous = chr(bits.number(16 if first else 8))
    entries: List[str] = ["", "", "", previous]
    parts, length = [previous], 1
    width, room = 3, 4
    while True:
        code = bits.number(width)
        if code == _END:
            # The other side works with UTF-16; characters beyond its first plane came in halves.
            return "".join(parts).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        if code < _END:
            entries.append(chr(bits.number(16 if code else 8)))
            code = len(entries) - 1
            room -= 1
            if room == 0:
                room, width = 1 << width, width + 1
        if code < len(entries):
            entry = entries[code]
        elif code == len(entries):
            entry = previous + previous[0]
        else:
            raise ValueError("compressed text names an entry that it has not made")
        parts.append(entry)
        length += len(entry)
        if length > MAX_CHARACTERS:
            raise ValueError("compressed text stands for too much")
        entries.append(previous + entry[0])
        previous = entry
        room -= 1
        if room == 0:
            room, width = 1 << width, width + 1
