"""Whatever is said between the bot and the engine arrives as it was said; whatever else arrives is refused."""

import asyncio
import io
import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation import Artifact, GenerationRequest, GenerationResult, GenerationSettings, Progress, Stage
from generation.errors import ProtocolError
from generation.executors import messages
from generation.scheduling.batch_table import BatchTable
from tests.fuzzing import examples
from tests.property.test_recipe import parts, plain_requests, texts

numbers = st.integers(0, 2**40)
seconds = st.floats(0, 1e9)
measured = st.floats(1e-6, 1e6)


def replaced(request: GenerationRequest, part: dict[str, object]) -> GenerationRequest:
    """Adds parts to a request, of a size that all of them fit."""
    values = {name: getattr(request, name) for name in GenerationRequest.__slots__}
    return GenerationRequest(**(values | {"width": 1024, "height": 1024} | part))


requests = st.builds(replaced, plain_requests, parts)
pictures = st.builds(Artifact, data=st.binary(max_size=300), media_type=st.just("image/png"), request=requests)
results = st.builds(
    GenerationResult,
    artifacts=st.lists(pictures, max_size=3).map(tuple),
    seconds=seconds,
    notes=st.lists(texts, max_size=3).map(tuple),
    device_seconds=seconds,
    calls=seconds,
)
progress = st.builds(
    Progress,
    stage=st.sampled_from(Stage),
    done=numbers,
    total=numbers,
    preview=st.none() | st.binary(max_size=100),
    device_seconds=seconds,
)
times = st.dictionaries(st.integers(2, 10), measured, max_size=3).map(lambda others: {1: 0.5, **others})
tables = st.builds(BatchTable, st.dictionaries(st.integers(1, 2**24), times, max_size=3))
engine_settings = st.builds(
    GenerationSettings,
    _env_file=st.none(),
    data_dir=st.just(Path("data/é")),
    models_dir=st.none() | st.just(Path("models")),
    model=st.none() | st.just("org/name@revision"),
    device=st.sampled_from(["auto", "cuda", "mps", "cpu"]),
    previews=st.booleans(),
    slots=st.integers(1, 64),
    model_memory=st.floats(0, 1e3),
    cuda_graphs=st.none() | st.booleans(),
)
orders: dict[type, st.SearchStrategy[messages.Command]] = {
    messages.Setup: st.builds(
        messages.Setup,
        protocol=st.just(messages.PROTOCOL),
        settings=engine_settings,
        log_level=st.integers(0, 50),
        threads=st.none() | st.integers(1, 64),
    ),
    messages.WarmUp: st.builds(messages.WarmUp),
    messages.Begin: st.builds(
        messages.Begin,
        number=numbers,
        request=requests,
        watched=st.booleans(),
        inputs=st.dictionaries(texts, st.binary(max_size=200), max_size=2),
    ),
    messages.Cancel: st.builds(messages.Cancel, numbers),
    messages.Close: st.builds(messages.Close),
}
answers: dict[type, st.SearchStrategy[messages.Answer]] = {
    messages.Refused: st.builds(messages.Refused, numbers),
    messages.ProgressUpdate: st.builds(messages.ProgressUpdate, number=numbers, progress=progress),
    messages.Generated: st.builds(messages.Generated, number=numbers, result=results),
    messages.Failed: st.builds(
        messages.Failed,
        number=numbers,
        kind=st.sampled_from(sorted(messages.ERRORS)),
        text=texts,
        field=texts,
        notes=st.lists(texts, max_size=2).map(tuple),
    ),
    messages.BatchTableUpdate: st.builds(messages.BatchTableUpdate, model=texts, table=tables),
    messages.Logged: st.builds(
        messages.Logged,
        name=texts,
        levelno=st.integers(0, 50),
        levelname=texts,
        msg=texts,
        created=seconds,
        msecs=seconds,
        threadName=texts,
        pathname=texts,
        lineno=numbers,
        funcName=texts,
    ),
}


def read_command(body: bytes) -> messages.Command | None:
    """Reads an order out of the bytes of one message."""
    return messages.read_command(io.BytesIO(messages.HEAD.pack(len(body)) + body))


def read_answer(raw: bytes) -> messages.Answer | None:
    """Reads an answer out of bytes as they come through the pipe."""

    async def read() -> messages.Answer | None:
        pipe = asyncio.StreamReader()
        pipe.feed_data(raw)
        pipe.feed_eof()
        return await messages.read_answer(pipe)

    return asyncio.run(read())


def test_every_message_has_its_strategy() -> None:
    assert set(orders) == set(get_args(messages.Command))
    assert set(answers) == set(get_args(messages.Answer))


@settings(deadline=None)
@given(order=st.one_of(*orders.values()))
def test_an_order_arrives_as_it_was_given(order: messages.Command) -> None:
    assert messages.read_command(io.BytesIO(messages.packed(order))) == order


@settings(deadline=None)
@given(answer=st.one_of(*answers.values()))
def test_an_answer_arrives_as_it_was_given(answer: messages.Answer) -> None:
    assert read_answer(bytes(messages.packed(answer))) == answer


@settings(deadline=None, max_examples=examples(300))
@given(body=st.binary(max_size=400))
def test_noise_is_refused_and_nothing_else_happens(body: bytes) -> None:
    for read in (read_command, lambda raw: read_answer(messages.HEAD.pack(len(raw)) + raw)):
        with pytest.raises(ProtocolError):
            read(body)


@dataclass(frozen=True)
class Damage:
    """What becomes of a message on its way: a byte at a place is another one, and what follows may be missing."""

    place: float
    byte: int
    cut: bool

    def done_to(self, body: bytes) -> bytes:
        index = int(self.place * (len(body) - 1))
        return body[:index] + bytes([self.byte]) + (b"" if self.cut else body[index + 1 :])


damages = st.builds(Damage, place=st.floats(0, 1), byte=st.integers(0, 255), cut=st.booleans())


@settings(deadline=None, max_examples=examples(300))
@given(message=st.one_of(*orders.values(), *answers.values()), damage=damages)
def test_a_damaged_message_is_one_of_the_messages_or_refused(
    message: messages.Command | messages.Answer, damage: Damage
) -> None:
    body = damage.done_to(bytes(messages.packed(message)[messages.HEAD.size :]))

    for read, kinds in (
        (read_command, messages.Command),
        (lambda b: read_answer(messages.HEAD.pack(len(b)) + b), messages.Answer),
    ):
        try:
            read_message = read(body)
        except ProtocolError:
            continue
        assert isinstance(read_message, kinds)


def answer_of(**values: object) -> bytes:
    """Returns an answer that the engine's own code could not have given."""
    body = msgspec.msgpack.encode(values)
    return messages.HEAD.pack(len(body)) + body


RESULT = {"artifacts": [], "seconds": 1.0, "notes": [], "device_seconds": 1.0, "calls": 1.0}
BEGUN = {"prompt": "a", "model": "tiny", "seed": 1}


@pytest.mark.parametrize(
    "raw",
    [
        answer_of(type="Begin", number=1),
        answer_of(type="Generated", number=1, result=RESULT | {"seconds": math.nan}),
        answer_of(type="Generated", number=1, result=RESULT | {"device_seconds": -1.0}),
        answer_of(
            type="Generated",
            number=1,
            result=RESULT | {"artifacts": [{"data": b"", "media_type": "", "request": BEGUN | {"steps": 10**6}}]},
        ),
        answer_of(
            type="ProgressUpdate", number=1, progress={"stage": "dancing", "done": 1, "total": 2, "preview": None}
        ),
        answer_of(
            type="ProgressUpdate",
            number=1,
            progress={"stage": "finishing", "done": 1, "total": 2, "device_seconds": math.inf},
        ),
        answer_of(type="Failed", number=1, kind="SystemExit", text="", field="", notes=[]),
        answer_of(type="BatchTableUpdate", model="tiny", table={"seconds": {64: {2: 1.0}}}),
        answer_of(type="BatchTableUpdate", model="tiny", table={"seconds": {64: {1: 0.0}}}),
        answer_of(type="Logged", name="x", __class__="y"),
        messages.HEAD.pack(100_000) + b"\x91" * 100_000,
        messages.HEAD.pack(messages.MAX_ANSWER + 1),
        messages.HEAD.pack(2**64 - 1),
    ],
)
def test_a_hostile_answer_is_refused(raw: bytes) -> None:
    with pytest.raises(ProtocolError):
        read_answer(raw)


def test_an_order_beyond_its_length_is_refused_before_it_is_read() -> None:
    with pytest.raises(ProtocolError, match="too long"):
        messages.read_command(io.BytesIO(messages.HEAD.pack(messages.MAX_COMMAND + 1)))


def test_a_message_beyond_its_length_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "MAX_COMMAND", 100)
    request = GenerationRequest(prompt="a", model="tiny", seed=1)

    with pytest.raises(ProtocolError, match="too long"):
        messages.packed(messages.Begin(1, request, watched=False, inputs={"a": bytes(200)}))


def test_what_ends_in_the_middle_of_a_message_is_the_end() -> None:
    frame = bytes(messages.packed(messages.Cancel(7)))

    assert all(messages.read_command(io.BytesIO(frame[:length])) is None for length in range(len(frame)))
    assert all(read_answer(frame[:length]) is None for length in range(len(frame)))


def test_the_first_message_of_another_version_is_answered_with_the_version_spoken_here() -> None:
    body = msgspec.msgpack.encode({"type": "Setup", "protocol": 7, "something": ["quite", "new"]})

    assert messages.read_setup(io.BytesIO(messages.HEAD.pack(len(body)) + body)) == messages.Refused(messages.PROTOCOL)


@pytest.mark.parametrize("body", [b"", b"\x00", msgspec.msgpack.encode({"type": "Close"})])
def test_a_first_message_that_is_no_setup_is_refused(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        messages.read_setup(io.BytesIO(messages.HEAD.pack(len(body)) + body))


def test_text_that_is_no_unicode_is_written_out() -> None:
    record = logging.makeLogRecord({"name": "files", "levelno": 20, "msg": "a\udcffb"})

    assert messages.logged(record).msg == "a\\udcffb"
    assert messages.failed(1, messages.ERRORS["ModelError"]("a\udcffb")).text == "a\\udcffb"
    with pytest.raises(ProtocolError, match="no Unicode"):
        messages.packed(messages.BatchTableUpdate("a\udcffb", BatchTable()))
