"""Our reading of brackets against the code of the tools whose brackets they are, to the last digit."""

import re

from hypothesis import given
from hypothesis import strategies as st

from generation.prompt.parser import weigh

MARKS = [*"ab ()[]:., ", "(a:1.2)", "(b:0.35)", ":1.3)", r"\\(", r"\\)"]
texts = st.lists(st.sampled_from(MARKS), max_size=40).map("".join)


@given(texts)
def test_comfyuis_brackets_weigh_what_comfyui_says(text: str) -> None:
    coded = text.replace("\\)", "\0\1").replace("\\(", "\0\2")

    expected = [(each.replace("\0\1", ")").replace("\0\2", "("), weight) for each, weight in comfyui(coded, 1.0)]

    assert [(piece.text, piece.weight) for piece in weigh(text)] == expected


@given(texts)
def test_a1111s_brackets_weigh_what_a1111_says(text: str) -> None:
    assert [(piece.text, piece.weight) for piece in weigh(text, "a1111")] == a1111(text)


def comfyui(text: str, current: float) -> list[tuple[str, float]]:
    """`token_weights` of comfy/sd1_clip.py."""
    found: list[tuple[str, float]] = []
    for part in parentheses(text):
        weight = current
        if len(part) >= 2 and part[-1] == ")" and part[0] == "(":
            inner = part[1:-1]
            colon = inner.rfind(":")
            weight *= 1.1
            if colon > 0:
                try:
                    weight = float(inner[colon + 1 :])
                    inner = inner[:colon]
                except ValueError:
                    pass
            found += comfyui(inner, weight)
        else:
            found.append((part, current))
    return found


def parentheses(text: str) -> list[str]:
    """`parse_parentheses` of comfy/sd1_clip.py."""
    result, current, nesting = [], "", 0
    for character in text:
        if character == "(":
            if nesting == 0:
                if current:
                    result.append(current)
                current = "("
            else:
                current += character
            nesting += 1
        elif character == ")":
            nesting -= 1
            if nesting == 0:
                result.append(current + ")")
                current = ""
            else:
                current += character
        else:
            current += character
    return [*result, current] if current else result


ATTENTION = re.compile(r"\\\(|\\\)|\\\[|\\]|\\\\|\\|\(|\[|:\s*([+-]?[.\d]+)\s*\)|\)|]|[^\\()\[\]:]+|:", re.VERBOSE)
FACTORS = {"(": 1.1, "[": 1 / 1.1}
CLOSED = {")": "(", "]": "["}


def a1111(text: str) -> list[tuple[str, float]]:
    """`parse_prompt_attention` of modules/prompt_parser.py, without BREAK."""
    found: list[tuple[str, float]] = []
    opened: dict[str, list[int]] = {"(": [], "[": []}

    def multiply(start: int, factor: float) -> None:
        found[start:] = [(part, weight * factor) for part, weight in found[start:]]

    for match in ATTENTION.finditer(text):
        part, bracket = match[0], "(" if match[1] else CLOSED.get(match[0], "")
        if part in FACTORS:
            opened[part].append(len(found))
        elif bracket and opened[bracket]:
            multiply(opened[bracket].pop(), float(match[1]) if match[1] else FACTORS[bracket])
        else:
            found.append((part[1:] if part.startswith("\\") else part, 1.0))
    for bracket, starts in opened.items():
        for start in starts:
            multiply(start, FACTORS[bracket])
    merged: list[tuple[str, float]] = []
    for part, weight in found:
        same = merged and merged[-1][1] == weight
        merged[-1:] = [(merged[-1][0] + part, weight)] if same else [*merged[-1:], (part, weight)]
    return merged
