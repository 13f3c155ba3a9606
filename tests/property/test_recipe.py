import io

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from generation import SAMPLERS, SCHEDULES, GenerationRequest, recipe
from generation.sdxl.png import encode
from generation.sdxl.work import Pixels

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200)
sides = st.integers(8, 512).map(lambda number: number * 8)
requests = st.builds(
    GenerationRequest,
    prompt=texts,
    negative_prompt=texts,
    model=texts,
    width=sides,
    height=sides,
    steps=st.integers(1, 150),
    guidance_scale=st.floats(0, 50),
    sampler=st.sampled_from(sorted(SAMPLERS)),
    scheduler=st.sampled_from(sorted(SCHEDULES)),
    seed=st.integers(0, 2**52),
    count=st.integers(1, 10),
)


@given(requests)
def test_every_request_survives_its_recipe(request: GenerationRequest) -> None:
    assert recipe.from_json(recipe.to_json(request)) == request


@given(requests)
def test_every_request_survives_a_png_file(request: GenerationRequest) -> None:
    artifact = encode(Pixels(2, 1, b"\1\2\3\4\5\6"), request)

    image = Image.open(io.BytesIO(artifact.data))
    assert list(image.get_flattened_data()) == [(1, 2, 3), (4, 5, 6)]
    assert recipe.from_json(image.text["easel"]) == request  # type: ignore[attr-defined]
