"""The worst that people could type, at any length."""

from generation.typed_text import TypedText

# Each is repeated to the length; what is in a pair stands before and after it.
_REPEATED = {
    "blanks": " ",
    "lines": "\n",
    "opening brackets": "(a",
    "both brackets": "(a,[b",
    "weights": "(a:1.1)",
    "colons": ": ",
    "BREAK": "BREAK ",
    "BREAK and blanks": "BREAK          ",
    "flags": "--no a ",
    "escaped flags": r"\--no a ",
    "unknown flags": "--x ",
    "choices": "{a,b}",
    "open choices": "{a,",
    "empty choices": "{,}",
    "links": "[](",
    "whole links": "[a](https://a.b) ",
    "bare links": "www.a.b discord.gg/a ",
    "markdown": "*_~|`>#-",
    "mentions": "<@1> <t:1> @everyone ",
    "LoRA tags": "<lora:a:1>",
    "open LoRA tags": "<lora:",
    "LoRA list": "a:1:1,",
    "embeddings": "embedding:a, ",
    "digits": "1",
    "fractions": "1.1",
    "aspects": "1:1 ",
    "pans": "left 1 ",
    "settings": "fit=crop ",
    "A1111's settings": 'a b: "c\\" ',
    "names": "a b-",
    "backslashes": "\\",
    "quotes": '"',
    "emoji": "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "flags of tags": "\U0001f3f4\U000e0067\U000e007f",
    "joiners": "\u200d",
    "bidi": "\u202e\u05d0\u0661",
    "ligatures": "\ufdfa",
    "combining": "a\u0301",
}
_FRAMED = {
    "blanks between": ("a", " ", "b"),
    "nested brackets": ("", "(", ")"),
    "nested choices": ("", "{", "}"),
    "nested lists": ("", "[", "]"),
    "JSON": ('{"a":"', "b", '"}'),
    "quoted flags": ('--no "', "--a ", ""),
    "quoted escapes": ('--no "', r"\" ", ""),
    "flag with blanks": ("--seed", " ", "7"),
    "zoom": ("1", ":", "x"),
}


def grammars(length: int) -> dict[str, TypedText]:
    """Returns texts of a length by what they are made of."""
    repeated = {name: _filled("", part, "", length) for name, part in _REPEATED.items()}
    framed = {name: _filled(*frame, length) for name, frame in _FRAMED.items() if not name.startswith("nested")}
    nested = {
        name: opening * (length // 2) + closing * (length // 2)
        for name, (_, opening, closing) in _FRAMED.items()
        if name.startswith("nested")
    }
    deep = {"fifty brackets": _filled("(" * 50, "a: (b) ", ")" * 50, length)}
    return {name: TypedText(text) for name, text in (repeated | framed | nested | deep).items()}


def _filled(before: str, part: str, after: str, length: int) -> str:
    room = length - len(before) - len(after)
    return before + (part * (room // len(part) + 1))[:room] + after
