"""Small ICC profiles (ICC.1:2001-04), made by hand: of a screen and of a printing press."""

import struct
from collections.abc import Mapping

D50 = (0.9642, 1.0, 0.8249)
# What sRGB's primaries are under D50; a screen's own follow from them.
SRGB_PRIMARIES = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))


def screen(name: str = "A screen", gamma: float = 2.2, *, swapped: bool = False) -> bytes:
    """Makes the profile of an RGB screen with sRGB's primaries; `swapped` takes red for blue."""
    red, green, blue = SRGB_PRIMARIES[::-1] if swapped else SRGB_PRIMARIES
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))
    tags = {"rXYZ": _xyz(red), "gXYZ": _xyz(green), "bXYZ": _xyz(blue), "rTRC": curve, "gTRC": curve, "bTRC": curve}
    return _profile("mntr", "RGB ", "XYZ ", name, tags)


def press(name: str = "A press") -> bytes:
    """Makes the profile of a press whose inks only darken the paper: all four alike, by their sum."""
    corners = b""
    for number in range(16):
        inks = number.bit_count()  # at each corner of the cube of inks
        lightness = round(255 * (1 - inks / 4))
        corners += bytes([lightness, 128, 128])  # L* of 0 to 100, a* and b* of 0
    straight = bytes(range(256))
    unchanged = b"".join(struct.pack(">i", 65536 * (place % 4 == 0)) for place in range(9))
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + unchanged + straight * 4 + corners + straight * 3
    return _profile("prtr", "CMYK", "Lab ", name, {"A2B0": table})


def _xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ " + bytes(4) + b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def _text(name: str) -> bytes:
    return b"desc" + bytes(4) + struct.pack(">I", len(name) + 1) + name.encode() + bytes(1 + 4 + 4 + 2 + 1 + 67)


def _profile(kind: str, space: str, connection: str, name: str, tags: Mapping[str, bytes]) -> bytes:
    everything = {"desc": _text(name), "cprt": b"text" + bytes(4) + b"free\0", "wtpt": _xyz(D50), **tags}
    table, data = struct.pack(">I", len(everything)), b""
    start = 128 + 4 + 12 * len(everything)
    for key, value in everything.items():
        table += key.encode() + struct.pack(">II", start + len(data), len(value))
        data += value + bytes(-len(value) % 4)
    header = struct.pack(">I4sI", start + len(data), b"none", 0x02100000)
    header += kind.encode() + space.encode() + connection.encode() + bytes(12) + b"acsp" + bytes(28)
    header += b"".join(struct.pack(">i", round(value * 65536)) for value in D50) + bytes(128 - 80)
    return header + table + data
