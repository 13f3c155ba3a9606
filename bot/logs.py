"""What the log says, and what it never says."""

import logging
import re

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
OURS = ("bot", "generation")
_TOKEN_IN_ADDRESS = re.compile(r"(/(?:webhooks|interactions)/\d+/)[^/?#\s'\"]+")


class RedactingFormatter(logging.Formatter):
    """Formats records, tracebacks included, without the interaction tokens that are part of Discord's addresses."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the record's text."""
        return _TOKEN_IN_ADDRESS.sub(r"\1***", super().format(record))


def log_to_stderr(level: str) -> None:
    """Sends the log to stderr.

    Args:
        level: The lowest level of Easel's own records. Those of libraries start at INFO at the least: what they say
            at DEBUG holds interaction tokens, payloads and the values of SQL statements.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(RedactingFormatter(FORMAT))
    logging.basicConfig(level=max(logging.getLevelNamesMapping()[level], logging.INFO), handlers=[handler])
    for name in OURS:
        logging.getLogger(name).setLevel(level)
