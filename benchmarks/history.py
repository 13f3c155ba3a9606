"""How long /history, /find and the completion of presets wait for SQLite, with many rows.

    python -m benchmarks.history --rows 1000000 --people 5000

Makes a database by itself in a temporary folder, or keeps it with --keep FILE to be measured again.
"""

import argparse
import asyncio
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event

from bot.domain import Owner, Scope, Search
from bot.persistence.choices import SqlChoices, SqlPresets
from bot.persistence.database import Database, upgrade
from bot.persistence.history import SqlHistory
from bot.persistence.jobs import terms_of
from bot.services.people.history import PAGE
from bot.services.requests.preferences import PreferenceReader, RequestContext
from generation import GenerationRequest, metadata

_COMMON = """
a the red blue green old small castle forest river cat dog fox owl portrait of in on under with light night morning film
photo painting watercolour detailed misty golden winter city street robot dragon ship ocean mountain garden
"""
WORDS = _COMMON.split()
FIRST_PERSON = 10**17
PRESETS_EACH = 10
_START = datetime(2026, 1, 1, tzinfo=UTC)


def prompts(source: random.Random) -> Iterator[str]:
    """Gives prompts of 5 to 15 words; a few words are in most of them, as in life."""
    while True:
        common = source.choices(WORDS, weights=[1 / rank for rank in range(1, len(WORDS) + 1)], k=source.randint(4, 14))
        yield " ".join([*common, f"word{source.randrange(20000)}"])


def fill(path: Path, rows: int, people: int) -> None:
    """Writes jobs, their pictures and their history, and then the search index, as its triggers would have kept it."""
    source = random.Random(7)  # noqa: S311 - nothing secret
    texts = prompts(source)
    request = metadata.to_json(GenerationRequest(prompt="PROMPT", model="sdxl", seed=7))
    with closing(sqlite3.connect(path)) as database, database:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-500000", "locking_mode=EXCLUSIVE"):
            database.execute(f"PRAGMA {pragma}")
        trigger = database.execute("SELECT sql FROM sqlite_master WHERE name = 'history_found'").fetchone()[0]
        database.execute("DROP TRIGGER history_found")
        seen = [(FIRST_PERSON + number, _START) for number in range(people)]
        database.executemany("INSERT INTO users VALUES (?, ?)", [(person, str(at)[:26]) for person, at in seen])
        for start in range(0, rows, 10000):
            jobs, images, entries = [], [], []
            for number in range(start, min(start + 10000, rows)):
                person, job = FIRST_PERSON + source.randrange(people), f"{number:010d}"
                text, at = next(texts), str(_START + timedelta(seconds=number))[:19]
                jobs.append((job, person, request.replace("PROMPT", text), at, at, at, number + 1))
                images.append((job, f"{number:064d}"))
                entries.append((job, person, terms_of(person, text), at))
            database.executemany(
                "INSERT INTO jobs (id, user_id, channel_id, application_id, token, file_limit, state, seconds, notes,"
                " request, asked_at, created_at, rendered_at, message_id)"
                " VALUES (?, ?, 1, 1, 'token', 1, 'posted', 1, '', ?, ?, ?, ?, ?)",
                jobs,
            )
            database.executemany("INSERT INTO images VALUES (?, 0, ?, 'image/png', 1000, 7)", images)
            database.executemany(
                "INSERT INTO history (job_id, user_id, model, terms, created_at) VALUES (?, ?, 'sdxl', ?, ?)", entries
            )
            print(f"\r{start:,} rows", end="", flush=True)
        database.execute("INSERT INTO history_search(history_search) VALUES ('rebuild')")
        database.execute(trigger)
        saved = [
            ("person", person, f"preset{number}", '{"steps": 20, "cfg": 5}')
            for person, _ in seen
            for number in range(PRESETS_EACH)
        ]
        database.executemany("INSERT INTO presets (scope, owner_id, name, content) VALUES (?, ?, ?, ?)", saved)
        print(f"\r{rows:,} rows, {len(saved):,} presets")


class Watch:
    """Takes the time of questions: as a whole, and what SQLite itself takes for their statements, repeated alone."""

    def __init__(self, database: Database, path: Path) -> None:
        self._asked: list[tuple[str, Any]] = []
        self._plain = sqlite3.connect(path)
        self._plain.execute("PRAGMA query_only=ON")
        event.listen(database._engine.sync_engine, "before_cursor_execute", self._note)

    def _note(self, _connection: object, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:
        self._asked.append((statement, parameters))

    async def measure(self, name: str, ask: Callable[[], Awaitable[object]], calls: int) -> None:
        """Asks again and again; prints medians and 99th percentiles."""
        whole, alone = [], []
        for _ in range(calls):
            self._asked.clear()
            begun = time.perf_counter()
            await ask()
            whole.append((time.perf_counter() - begun) * 1000)
            begun = time.perf_counter()
            for statement, parameters in self._asked:
                self._plain.execute(statement, parameters).fetchall()
            alone.append((time.perf_counter() - begun) * 1000)
        shown = [f"median {cuts[49]:6.2f} p99 {cuts[98]:6.2f}" for cuts in (quantiles(alone), quantiles(whole))]
        print(f"{name:36} database: {shown[0]} ms   with all of Python: {shown[1]} ms")


def quantiles(taken: list[float]) -> list[float]:
    """Returns the 99 percentiles."""
    return statistics.quantiles(taken, n=100)


async def run(path: Path, rows: int, people: int, calls: int) -> None:
    """Measures what is asked for people by lot."""
    database = Database(f"sqlite+aiosqlite:///{path}")
    watch = Watch(database, path)
    history = SqlHistory(database)
    presets = SqlPresets(database)
    preferences = PreferenceReader(SqlChoices(database), presets)
    lot = random.Random(11)  # noqa: S311

    def person() -> int:
        return FIRST_PERSON + lot.randrange(people)

    def search(*words: str) -> Awaitable[object]:
        return history.older(person(), Search(words=words), None, PAGE + 1)

    questions: dict[str, Callable[[], Awaitable[object]]] = {
        "/history": lambda: history.older(person(), Search(), None, PAGE + 1),
        "/history, an older page": lambda: history.older(person(), Search(), lot.randrange(rows), PAGE + 1),
        "/history starred, none": lambda: history.older(person(), Search(starred=True), None, PAGE + 1),
        "/history by model, none": lambda: history.older(person(), Search(model="no"), None, PAGE + 1),
        "/find, a word in most prompts": lambda: search("a"),
        "/find, two common words": lambda: search("red", "castle"),
        "/find, a rare word": lambda: search(f"word{lot.randrange(20000)}"),
        "completion of presets": lambda: presets.of([Owner(Scope.PERSON, person())]),
        "all that holds beside what is typed": lambda: preferences.of(RequestContext(person(), 1, 2)),
    }
    for name, ask in questions.items():
        await watch.measure(name, ask, calls)
    begun = time.perf_counter()
    await history.erase(FIRST_PERSON)
    await database.forget_deleted()
    print(f"/forget took {time.perf_counter() - begun:.1f} s")
    await database.close()


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--people", type=int, default=5_000)
    parser.add_argument("--calls", type=int, default=1_000)
    parser.add_argument("--keep", type=Path, help="where the database is kept")
    typed = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = typed.keep or Path(folder) / "easel.db"
        if not path.exists():
            asyncio.run(upgrade(f"sqlite+aiosqlite:///{path}"))
            begun = time.perf_counter()
            fill(path, typed.rows, typed.people)
            print(f"filled in {time.perf_counter() - begun:.0f} s, {path.stat().st_size / 2**20:,.0f} MiB")
        asyncio.run(run(path, typed.rows, typed.people, typed.calls))


if __name__ == "__main__":
    main()
