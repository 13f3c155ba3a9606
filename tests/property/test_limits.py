"""Only prompts that take too many rows are refused for it before they are tokenised."""

from hypothesis import given, settings
from hypothesis import strategies as st

from generation.limits import least_rows
from generation.prompt.parser import DIALECTS, Dialect, parse
from generation.prompt.tokenizer import clip_tokenizers
from tests.fuzzing import examples

words = st.sampled_from(
    ["cat", "it's", "we'll", "é", "e\u0301", "42", "½", "漢字", "🦊", "embedding:x-y", "<|endoftext|>"]
)
marks = st.sampled_from([" ", ", ", "BREAK", " BREAK ", "(", ":1.2)", "[", "\u00a0", "\u200b", "_", "-"])
prompts = (
    st.lists(st.text(max_size=5) | words | marks, max_size=300).map("".join).filter(lambda text: "<lora" not in text)
)


@settings(deadline=None, max_examples=examples(200))
@given(prompt=prompts, dialect=st.sampled_from(DIALECTS))
def test_a_prompt_takes_at_least_as_many_rows_as_were_counted(prompt: str, dialect: Dialect) -> None:
    parsed = parse(prompt, dialect)

    taken = [len(tokenizer.rows(chunk, lambda _name: 1)) for tokenizer in clip_tokenizers() for chunk in parsed.chunks]

    assert 2 * least_rows(parsed) <= sum(taken)
