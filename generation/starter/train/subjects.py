"""What the starter can be asked for: which pictures are trained on, and what people call the things in them."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from generation.starter.train.pictures import Picture

# emojibase's groups whose pictures show one thing with a plain name: animals, food, travel, activities, objects
_THINGS = frozenset({3, 4, 5, 6, 7})
_FACES = 0
_LONGEST_NAME = 2  # words

# Things that a child could name and draw; _ stands for a space.
_FAMILIAR = """
    monkey dog wolf fox cat lion tiger horse unicorn zebra deer cow pig goat camel giraffe elephant mouse rabbit
    hedgehog bat bear koala panda kangaroo chicken bird penguin eagle duck swan owl flamingo parrot frog crocodile
    turtle snake dragon sauropod whale dolphin fish shark octopus crab lobster snail butterfly ant honeybee
    lady_beetle spider rose sunflower blossom tulip deciduous_tree evergreen_tree cactus mushroom
    grapes watermelon lemon banana pineapple red_apple pear peach cherries strawberry tomato avocado carrot broccoli
    onion potato bread croissant pretzel hamburger french_fries pizza sandwich taco egg popcorn sushi doughnut cookie
    birthday_cake cupcake pie candy lollipop hot_beverage teapot wine_glass beer_mug
    mountain volcano house castle church tent fountain train bus ambulance fire_engine taxi automobile delivery_truck
    tractor motorcycle bicycle anchor sailboat ship airplane helicopter rocket flying_saucer watch alarm_clock
    crescent_moon sun star cloud rainbow umbrella snowflake snowman fire droplet
    jack-o-lantern balloon wrapped_gift trophy soccer_ball basketball tennis kite game_die glasses sunglasses necktie
    t-shirt jeans gloves socks dress handbag backpack running_shoe crown top_hat ring gem_stone bell microphone radio
    trumpet guitar violin drum mobile_phone telephone laptop printer keyboard television camera candle light_bulb
    closed_book books newspaper coin envelope package pencil paintbrush scissors key hammer axe bomb shield gear magnet
    ladder microscope telescope door mirror bed chair bathtub broom bucket soap toothbrush
    skull ghost alien robot red_heart
"""
FAMILIAR = frozenset(name.replace("_", " ") for name in _FAMILIAR.split())

# What people call things that have a longer name among the pictures.
ALIASES: Mapping[str, str] = {
    "red apple": "apple", "automobile": "car", "red heart": "heart", "deciduous tree": "tree", "airplane": "plane",
    "blossom": "flower", "birthday cake": "cake", "soccer ball": "football", "mobile phone": "phone",
    "laptop": "computer", "alarm clock": "clock", "wrapped gift": "gift", "hamburger": "burger",
    "doughnut": "donut", "bicycle": "bike", "running shoe": "shoe", "t-shirt": "shirt", "top hat": "hat",
    "hot beverage": "coffee", "beer mug": "beer", "wine glass": "wine", "ear of corn": "corn", "gem stone": "diamond",
    "sailboat": "boat", "closed book": "book", "fire engine": "fire truck", "locomotive": "steam train",
    "honeybee": "bee", "lady beetle": "ladybug", "blowfish": "pufferfish", "spouting whale": "blue whale",
    "hatching chick": "chick", "cactus": "cactus plant", "snowman": "snow man", "jack-o-lantern": "pumpkin",
    "glass of milk": "milk", "bread": "loaf", "egg": "fried egg", "fire": "flame", "droplet": "water drop",
    "crescent moon": "moon", "glowing star": "shining star", "wastebasket": "bin", "gloves": "mittens",
    "evergreen tree": "fir tree", "pile of poo": "poo", "headphone": "headphones", "umbrella with rain drops":
    "rainy umbrella", "sport utility vehicle": "jeep", "delivery truck": "truck", "motor scooter": "scooter",
    "light bulb": "lamp", "flying saucer": "ufo", "television": "tv", "couch and lamp": "couch",
    "sauropod": "dinosaur", "t-rex": "tyrannosaurus", "french fries": "fries", "mouse face": "mouse head",
    "dog face": "dog head", "cat face": "cat head", "trophy": "cup", "game die": "dice", "wood": "logs",
}  # fmt: skip


def everyday(pictures: Iterable[Picture]) -> list[Picture]:
    """Picks the pictures of single things with short names: no people, symbols, flags, clock faces or moods."""
    return [picture for picture in pictures if _is_everyday(picture)]


def common(pictures: Iterable[Picture]) -> list[Picture]:
    """Picks of the everyday pictures those that people name with one word."""
    return [picture for picture in everyday(pictures) if " " not in picture.label or picture.label in ALIASES]


def familiar(pictures: Iterable[Picture]) -> list[Picture]:
    """Picks the pictures of things that everybody knows."""
    return [picture for picture in pictures if picture.label in FAMILIAR]


def select(pictures: Sequence[Picture], subjects: str) -> list[Picture]:
    """Picks the subjects to train on: `familiar`, `common`, `everyday` or `all`."""
    choices: dict[str, Callable[[Sequence[Picture]], list[Picture]]] = {
        "familiar": familiar,
        "common": common,
        "everyday": everyday,
        "all": list,
    }
    return choices[subjects](pictures)


def _is_everyday(picture: Picture) -> bool:
    words = picture.label.split()
    if len(words) > _LONGEST_NAME or any(mark in picture.label for mark in ("o\u2019clock", "-thirty")):
        return False
    return picture.group in _THINGS or (picture.group == _FACES and words[-1] != "face")
