"""What Discord's clients find in a message: an independent reading of its markdown, for tests of our escaping.

The rules are those of Discord's own parser (a simple-markdown grammar) and of its search for invites and links, which
looks at the source of a message, backslashes included.
"""

import re

_ESCAPE = re.compile(r"\\([^0-9A-Za-z\s])")
_LIVE = {
    "code": re.compile(r"(`+)[\s\S]*?[^`]\1(?!`)"),
    "link": re.compile(r"\[[^\]]*\]\([^)]*\)"),
    "url": re.compile(r"<?(?:https?|steam|discord)://[^\s<]+", re.IGNORECASE),
    "mention": re.compile(r"<(?:@[!&]?|#|/[-\w ]+:|a?:\w+:|t:-?)\d+(?::\w)?>|<id:\w+>"),
    "everyone": re.compile(r"@(?:everyone|here)"),
    "emoji": re.compile(r":[\w+-]+:"),
    "bold": re.compile(r"\*\*(?:\\[\s\S]|[^\\])+?\*\*(?!\*)"),
    "underline": re.compile(r"__(?:\\[\s\S]|[^\\])+?__(?!_)"),
    "italic": re.compile(r"\b_(?:__|\\[\s\S]|[^\\_])+?_\b|\*(?=\S)(?:\*\*|\\[\s\S]|[^*\\])+?\*(?!\*)"),
    "strike": re.compile(r"~~[\s\S]+?~~(?!_)"),
    "spoiler": re.compile(r"\|\|[\s\S]+?\|\|"),
}
_AT_START = re.compile(r"#{1,3} |-# |>>> |> |[-*] +\S|\d+\. +\S")
_INVITE = re.compile(r"discord(?:\.gg|(?:app)?\.com/invite|\.new)|www\.\w", re.IGNORECASE)


def live(source: str) -> list[str]:
    """Names what a client would make of a line besides text."""
    found = ["block"] if _AT_START.match(source) else []
    found += ["invite"] if _INVITE.search(source) else []
    at = 0
    while at < len(source):
        escaped = _ESCAPE.match(source, at)
        match = None
        if escaped is None:
            matches = ((name, rule.match(source, at)) for name, rule in _LIVE.items())
            name, match = next(((name, match) for name, match in matches if match), ("", None))
            found += [name] if match else []
        at = (escaped or match).end() if escaped or match else at + 1  # type: ignore[union-attr]
    return found


def shown(source: str) -> str:
    """Returns the text that a client shows for a line in which nothing is live."""
    return _ESCAPE.sub(r"\1", source)
