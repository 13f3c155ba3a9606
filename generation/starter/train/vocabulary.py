"""A small vocabulary in CLIP's form: byte-pair merges learnt from what the pictures are called."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from transformers import CLIPTokenizer

from generation.starter.train.compose import COLOURS
from generation.starter.train.pictures import Picture
from generation.starter.train.subjects import ALIASES, everyday

MERGES = 2600
_OFTEN = 30  # everyday words weigh so much more than others that each becomes one token
_OTHER_WORDS = (
    "a an the on in of and with to at two three four five small large big tiny left right side beside next between "
    "background picture painting photo color colour dark light bright grey brown"
)

Pair = tuple[str, str]


def learn_merges(pictures: Sequence[Picture], count: int = MERGES) -> tuple[str, ...]:
    """Learns merges from the labels and tags of all pictures, those that will be trained on later included.

    Always the same ones for the same pictures (tokenizers' own trainer decides ties by chance).

    Args:
        pictures: All pictures there are.
        count: How many merges to learn; fewer come out when the words are used up.

    Returns:
        The merges in their order, each "left right", as a checkpoint's `tokenizer.merges` keeps them.
    """
    words = _count_words(pictures)
    spelled = [[*word[:-1], f"{word[-1]}</w>"] for word in words]
    weights = list(words.values())
    pairs: Counter[Pair] = Counter()
    places: dict[Pair, set[int]] = defaultdict(set)
    for number, symbols in enumerate(spelled):
        _count_pairs(symbols, weights[number], pairs)
        for pair in pairwise(symbols):
            places[pair].add(number)
    waiting = [(-often, pair) for pair, often in pairs.items()]
    heapq.heapify(waiting)
    merges: list[str] = []
    while len(merges) < count and waiting:
        often, best = heapq.heappop(waiting)
        if pairs[best] != -often or not pairs[best]:
            continue  # counted anew since
        merges.append(" ".join(best))
        changed: Counter[Pair] = Counter()
        for number in places.pop(best):
            _count_pairs(spelled[number], -weights[number], changed)
            spelled[number] = _merged(spelled[number], best)
            _count_pairs(spelled[number], weights[number], changed)
            for pair in pairwise(spelled[number]):
                places[pair].add(number)
        for pair, more in changed.items():
            pairs[pair] += more
            heapq.heappush(waiting, (-pairs[pair], pair))
    return tuple(merges)


def _count_pairs(symbols: Sequence[str], weight: int, pairs: Counter[Pair]) -> None:
    for pair in pairwise(symbols):
        pairs[pair] += weight


def _merged(symbols: Sequence[str], pair: Pair) -> list[str]:
    merged: list[str] = []
    for symbol in symbols:
        if merged and (merged[-1], symbol) == pair:
            merged[-1] += symbol
        else:
            merged.append(symbol)
    return merged


def _count_words(pictures: Sequence[Picture]) -> Counter[str]:
    """Counts the words as CLIP cuts and spells them, each byte a printable symbol."""
    clip = CLIPTokenizer().backend_tokenizer
    words: Counter[str] = Counter()
    for text, weight in _texts(pictures):
        for word, _ in clip.pre_tokenizer.pre_tokenize_str(clip.normalizer.normalize_str(text)):
            words[word] += weight
    return words


def _texts(pictures: Sequence[Picture]) -> Iterator[tuple[str, int]]:
    for text in [_OTHER_WORDS, *COLOURS, *ALIASES.values(), *(picture.label for picture in everyday(pictures))]:
        yield text, _OFTEN
    for picture in pictures:
        yield picture.label, 2
        yield " ".join(picture.tags), 1
