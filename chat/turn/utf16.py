"""Positions in a text as JavaScript counts them, in UTF-16 units, which is how frames name them."""


def utf16_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def utf16_cut(text: str, units: int) -> str:
    """The first so many units of `text`; half a pair at the end is left out."""
    if text.isascii():
        return text[:units]
    return text.encode("utf-16-le")[: units * 2].decode("utf-16-le", "ignore")
