"""Jobs whose bot is killed while it works on them, and what becomes of each."""

import asyncio
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import aiohttp

from bot.domain import Job, JobState, Origin, new_job_id, now
from bot.persistence.database import Database
from bot.persistence.jobs import SqlJobs
from bot.persistence.upkeep import upgrade_safely
from generation import GenerationRequest
from tests.chaos.child import UNFINISHED
from tests.loopback import LoopbackDiscord

SECONDS = 120
NOBODY = "nobody"  # a process without an entry: whoever starts takes its jobs up

PROMPT = {"type": 3, "name": "prompt", "description": "What to paint", "required": True}
IMAGINE = {"type": 1, "name": "imagine", "description": "Paint a picture from words", "options": [PROMPT]}


@dataclass(frozen=True)
class Kill:
    """One kill: at which step of a job, and whether its token was dead by then, so that a message takes its place."""

    step: int
    late: bool


class Storm:
    """One Discord, one data folder, and one bot process after the other."""

    def __init__(self, discord: LoopbackDiscord, data_dir: Path) -> None:
        discord.commands.register([IMAGINE], None)
        self._discord = discord
        self._data_dir = data_dir
        self.jobs: list[Job] = []
        self.kills = 0

    async def steps(self, *, late: bool) -> int:
        """Counts the steps that one job takes when nothing happens to it."""
        await self._order(late=late)
        return await self._run(0)

    async def rage(self, kills: Sequence[Kill]) -> None:
        """Orders a job for every kill and starts a bot that dies of it; the next one takes the job up.

        The older ones go before it, so every kill also meets those that others left, each where it is by then.
        """
        for kill in kills:
            await self._order(late=kill.late)
            await self._run(kill.step)
        await self._run(0)

    def posted(self, job: Job) -> list[int]:
        """Lists the messages that show a job's pictures."""
        return [
            message.id
            for message in self._discord.general.messages.values()
            if not message.deleted and any(job.id in file.filename for file in message.attachments)
        ]

    def kept(self, job: Job) -> tuple[str, int]:
        """Returns a job's state and message in the database."""
        with closing(sqlite3.connect(self._data_dir / "easel.db")) as database:
            state, message_id = database.execute(
                "SELECT state, message_id FROM jobs WHERE id = ?", (job.id,)
            ).fetchone()
        return str(state), int(message_id)

    def unfinished(self) -> int:
        """Counts the jobs that are not over."""
        with closing(sqlite3.connect(self._data_dir / "easel.db")) as database:
            (count,) = database.execute(UNFINISHED).fetchone()
        return int(count)

    def left_thinking(self) -> list[int]:
        """Lists the answers that were never given."""
        return [
            message.id
            for message in self._discord.general.messages.values()
            if not message.deleted and not message.content and not message.attachments
        ]

    async def _order(self, *, late: bool) -> None:
        """Orders a picture as the bot would have taken it: acknowledged, and kept by a process that is gone."""
        interaction = await self._discord.slash("imagine", {"prompt": f"storm {len(self.jobs)}"})
        url = f"{self._discord.api_url}/interactions/{interaction.id}/{interaction.token}/callback?with_response=1"
        async with aiohttp.ClientSession() as session, session.post(url, json={"type": 5}) as answer:
            message_id = int((await answer.json())["resource"]["message"]["id"])
        job = Job(
            id=new_job_id(),
            request=GenerationRequest(prompt=f"storm {len(self.jobs)}", model="tiny", steps=2, seed=len(self.jobs)),
            origin=Origin(
                user_id=interaction.user.id,
                channel_id=self._discord.general.id,
                guild_id=self._discord.general.guild_id,
                application_id=self._discord.bot.id,
                token=interaction.token,
                message_id=message_id,
                interaction_id=interaction.id,
                asked_at=now() - timedelta(minutes=16 if late else 0),
                file_limit=10 * 2**20,
            ),
            state=JobState.QUEUED,
            created_at=now(),
        )
        if late:
            self._discord.clock.advance(16 * 60)
        self.jobs.append(job)
        database = Database(await self._url())
        await SqlJobs(database, NOBODY).add(job)
        await database.close()

    async def _url(self) -> str:
        url = f"sqlite+aiosqlite:///{self._data_dir / 'easel.db'}"
        await upgrade_safely(url)
        return url

    async def _run(self, kill_at: int) -> int:
        """Runs one bot to its end; returns how many steps it took, 0 if it was killed."""
        job = self.jobs[-1].id
        arguments = (self._discord.api_url, self._discord.token, str(self._data_dir), job, str(kill_at))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.chaos.child", *arguments,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        try:
            out, log = await asyncio.wait_for(process.communicate(), SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise AssertionError(f"a bot had not ended after {SECONDS} s; unfinished: {self.unfinished()}") from None
        if process.returncode == -9:
            self.kills += 1
            return 0
        if process.returncode != 0:
            raise AssertionError(log.decode())
        return int(out)
