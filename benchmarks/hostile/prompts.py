"""Fifty prompts, all of which Discord lets people type, made to be expensive to read, expand, escape or encode."""

from dataclasses import dataclass, field
from typing import Any

from generation.request.validation import MAX_PROMPT_CHARACTERS as LIMIT

TEMPLATE = "{prompt}" * 125  # as many as fit into a preset's 1,000 characters
TEMPLATES = 5
MODEL, LORA, EMBEDDING = "tiny", "fur", "grain"  # files that are in the models folder


@dataclass(frozen=True)
class Hostile:
    """A prompt and the command's other options.

    Attributes:
        name: What is hostile about it.
        prompt: What is typed.
        options: The command's other options.
    """

    name: str
    prompt: str
    options: dict[str, Any] = field(default_factory=dict)


def repeated(piece: str, times: int = LIMIT, before: str = "a ") -> str:
    """Repeats a piece, at most up to the longest prompt that Discord takes."""
    return (before + piece * min(times, LIMIT))[:LIMIT]


def hostile_prompts() -> list[Hostile]:
    """Returns all fifty, in the order in which they are sent."""
    return [*_brackets(), *_blanks(), *_breaks(), *_markdown(), *_flags(), *_choices(), *_extras(), *_letters()]


def ordinary_prompts() -> list[Hostile]:
    """Returns as many prompts as people usually type."""
    return [Hostile(f"ordinary {number}", f"a red apple, number {number}") for number in range(len(hostile_prompts()))]


def _brackets() -> list[Hostile]:
    a1111 = {"extra": "weights=a1111"}
    return [
        Hostile("900 nested brackets", "(" * 900 + "a" + ")" * 900),
        Hostile("2,999 nested brackets", "(" * 2999 + "a" + ")" * 2999),
        Hostile("open brackets", repeated("(a", before="")),
        Hostile("open brackets, a1111", repeated("(a", before=""), a1111),
        Hostile("mixed brackets, a1111", repeated("(a[b", before=""), a1111),
        Hostile("closed weights, a1111", repeated("(a:1.1)", before=""), a1111),
        Hostile("closing brackets", repeated(")", before="a")),
        Hostile("escaped brackets", repeated("\\(", before="")),
    ]


def _blanks() -> list[Hostile]:
    return [
        Hostile("blanks", "a" + " " * (LIMIT - 2) + "b"),
        Hostile("new lines", "a" + "\n" * (LIMIT - 2) + "b"),
        Hostile("tabs and blanks", "a" + "\t " * (LIMIT // 2 - 1) + "b"),
        Hostile("wide blanks", "a" + "\u3000" * (LIMIT - 2) + "b"),
        Hostile("blanks and commas", repeated("   ,")),
    ]


def _breaks() -> list[Hostile]:
    return [
        Hostile("1,000 breaks", repeated("BREAK ", 1000, before="")),
        Hostile("1,000 breaks beside 999", repeated("BREAK ", 1000, ""), {"negative": repeated("BREAK ", 999, "")}),
        Hostile("60 breaks beside 61", repeated("x BREAK ", 60, ""), {"negative": repeated("x BREAK ", 61, "")}),
        Hostile("20 breaks beside 19", repeated("x BREAK ", 19, "x "), {"negative": repeated("x BREAK ", 18, "x ")}),
        Hostile("breaks and blanks", repeated("BREAK" + " " * 55, before="")),
        Hostile("breaks, a1111", repeated("BREAK ", 1000, before=""), {"extra": "weights=a1111"}),
    ]


def _markdown() -> list[Hostile]:
    return [
        Hostile("2,000 links without an end", repeated("[](", 2000, before="")),
        Hostile("links", repeated("[a](b)", before="")),
        Hostile("one link without an end", "[" * 3000 + "a](" + "(" * 2900),
        Hostile("stars", repeated("**", before="")),
        Hostile("marks of all kinds", repeated("*_~`|>", before="")),
        Hostile("code", repeated("```", before="a ")),
        Hostile("a spoofed state", "[**](x) - 100 % (cancelled) **[x](y)" * 100),
        Hostile("mentions and times", repeated("<@1><#2><t:3:R></a:4>", before="")),
        Hostile("invitations", repeated("discord.gg/a www.b.c ", before="")),
        Hostile("headings", repeated("# a\n> b\n-# c\n", before="")),
    ]


def _flags() -> list[Hostile]:
    return [
        Hostile("flags in a quote", '--no "' + "--a " * 1498),
        Hostile("open quotes", repeated('"a ', before="")),
        Hostile("escaped quotes in a quote", '--no "' + '\\"' * 2990),
        Hostile("escaped flags", repeated("\\--a ", before="")),
        Hostile("dashes", repeated("--", before="a ")),
        Hostile("one flag often", repeated(" --seed 1")),
        Hostile("a long number", "a --seed " + "9" * 5900),
    ]


def _choices() -> list[Hostile]:
    return [
        Hostile("12 choices of blanks", "a" + " " * 5900 + "{" + "," * 11 + "}"),
        Hostile("100 choices of open brackets", "(a" * 2900 + "{" + "," * 99 + "}", {"extra": "weights=a1111"}),
        Hostile("nested choices", repeated("{a,", before="")),
        Hostile("choices of choices", repeated("{a,b}", before="")),
    ]


def _extras() -> list[Hostile]:
    presets = "".join(f" --p{number}" for number in range(TEMPLATES))
    return [
        Hostile("presets that multiply", "a" + presets),
        Hostile("the same LoRA 400 times", repeated(f"<lora:{LORA}:0.01>", 400)),
        Hostile("LoRA tags without an end", repeated("<lora:", before="")),
        Hostile("embeddings", repeated(f"embedding:{EMBEDDING} ", 300)),
        Hostile("embeddings without a name", repeated("embedding:", before="")),
    ]


def _letters() -> list[Hostile]:
    return [
        Hostile("digits", repeated("9", before="")),
        Hostile("a weight of digits", "(a:" + "9" * 5900 + ")"),
        Hostile("right to left", repeated("\u202e\u2066a\u2069", before="")),
        Hostile("combining marks", "a" + "\u0301\u0489" * 2900),
        Hostile("joined emoji", repeated("\U0001f468\u200d\U0001f469", before="")),
    ]
