"""A small vocabulary in CLIP's form: byte-pair merges learnt from what the pictures are called."""

import json
from collections.abc import Iterator, Sequence

from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer
from transformers import CLIPTokenizer

from generation.starter.train.compose import COLOURS
from generation.starter.train.models import SYMBOLS
from generation.starter.train.pictures import ALIASES, Picture, everyday

MERGES = 2600
_OFTEN = 30  # everyday words weigh so much more than others that each becomes one token
_OTHER_WORDS = (
    "a an the on in of and with to at two three four five small large big tiny left right side beside next between "
    "background picture painting photo color colour dark light bright grey brown"
)


def learn_merges(pictures: Sequence[Picture], count: int = MERGES) -> tuple[str, ...]:
    """Learns merges from the labels and tags of all pictures, those that will be trained on later included.

    Args:
        pictures: All pictures there are.
        count: How many merges to learn; fewer come out when the words are used up.

    Returns:
        The merges in their order, each "left right", as a checkpoint's `tokenizer.merges` keeps them.
    """
    clip = CLIPTokenizer().backend_tokenizer  # for the way CLIP cuts a prompt into words
    tokenizer = Tokenizer(BPE(end_of_word_suffix="</w>"))
    tokenizer.normalizer = clip.normalizer
    tokenizer.pre_tokenizer = clip.pre_tokenizer
    trainer = BpeTrainer(
        vocab_size=SYMBOLS - 2 + count,
        initial_alphabet=sorted(ByteLevel.alphabet()),
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    tokenizer.train_from_iterator(_texts(pictures), trainer)
    learnt = json.loads(tokenizer.to_str())["model"]["merges"]
    return tuple(merge if isinstance(merge, str) else " ".join(merge) for merge in learnt)[:count]


def _texts(pictures: Sequence[Picture]) -> Iterator[str]:
    often = [_OTHER_WORDS, *COLOURS, *ALIASES.values(), *(picture.label for picture in everyday(pictures))]
    for text in often:
        yield from [text] * _OFTEN
    for picture in pictures:
        yield from [picture.label] * 2
        yield " ".join(picture.tags)
