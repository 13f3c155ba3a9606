"""The training recipe from start to finish, in small: a few drawn shapes, tiny models, seconds instead of hours."""

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from safetensors import safe_open
from safetensors.torch import save_file

from generation import Catalog, GenerationRequest, GenerationSettings
from generation.models.catalog import describe
from generation.models.safetensors_header import prediction, read_header
from generation.prompt.parser import Piece
from generation.prompt.tokenizer import Tokenizer
from generation.starter.train import compose, diffusion, vae
from generation.starter.train.beginning import begin_as_pixels
from generation.starter.train.export import export, fingerprint, resume
from generation.starter.train.loop import Plan, Training
from generation.starter.train.models import Shape, build
from generation.starter.train.pictures import Picture, RecipeError
from generation.starter.train.recipe import Recipe, export_now, run
from generation.starter.train.subjects import common, everyday, familiar, select
from generation.starter.train.vocabulary import learn_merges
from generation.worker.local import LocalExecutor
from tests import tiny

torch.set_num_threads(1)

SMALL = Shape(
    unet=(16, 16, 32), unet_heads=(1, 1, 2), unet_groups=8, vae=(16, 16, 16, 16), text=(16, 24), text_heads=(2, 2)
)


def drawn(label: str, *, round_: bool, group: int = 7) -> Picture:
    image = Image.new("RGBA", (64, 48))
    draw = ImageDraw.Draw(image)
    (draw.ellipse if round_ else draw.rectangle)((0, 0, 63, 47), fill=(200, 30, 30, 255))
    return Picture(label, ("shape",), group, image)


PICTURES = [drawn("ball", round_=True), drawn("red box", round_=False), drawn("flag: x", round_=False, group=9)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("training")
    recipe = Recipe(minutes=0.2, folder=folder, scenes=3, shape=SMALL, merges=40, vae=0.4, decoder=0.2)
    return run(recipe, PICTURES, PICTURES[:2])


@pytest.mark.ci
def test_the_recipe_ends_in_a_checkpoint_of_the_catalogue(trained: Path) -> None:
    entry = describe(trained)

    assert (entry.problem, entry.native_size, entry.dtype) == (None, 128, "F16")
    assert read_header(trained).config["training"] == {"subjects": ["ball", "red box"], "minutes": 0.2}


@pytest.mark.ci
async def test_the_checkpoint_paints_through_the_normal_loader(trained: Path) -> None:
    folder = trained.parent
    executor = LocalExecutor(GenerationSettings(models_dir=folder, device="cpu"), Catalog(folder))
    request = GenerationRequest(
        prompt="a ball on a blue background", model=trained.stem, width=128, height=128, steps=2, seed=1
    )

    result = await executor.generate(request)
    await executor.close()

    with Image.open(io.BytesIO(result.artifacts[0].data)) as image:
        assert image.size == (128, 128)
        assert np.asarray(image).std() > 1


@pytest.mark.ci
@pytest.mark.parametrize("sheet", ["vae.png", "diffusion.png", "decoder.png"])
def test_each_stage_leaves_a_picture_sheet(trained: Path, sheet: str) -> None:
    with Image.open(trained.parent / sheet) as image:
        assert min(image.size) > 128


@pytest.mark.ci
def test_going_on_from_an_export_keeps_shape_vocabulary_latents_and_history(trained: Path, tmp_path: Path) -> None:
    before = resume(trained)
    recipe = Recipe(minutes=0.05, folder=tmp_path, resume_from=trained, scenes=2)

    after = resume(run(recipe, PICTURES, PICTURES))

    assert (after.shape, after.merges, after.scaling_factor) == (before.shape, before.merges, before.scaling_factor)
    assert after.notes == {"subjects": ["ball", "flag: x", "red box"], "minutes": 0.2}
    assert torch.equal(after.vae.encoder.conv_in.weight, before.vae.encoder.conv_in.weight)
    assert not torch.equal(after.unet.conv_in.weight, before.unet.conv_in.weight)
    words = "embeddings.token_embedding.weight"
    assert torch.equal(after.text.state_dict()[words], before.text.state_dict()[words])


def test_prompts_are_remembered_as_they_were_heard() -> None:
    models = build(SMALL, learn_merges(PICTURES, 20))
    prompts = ["a ball", "a red box on a blue background", "a ball"]
    remembering = diffusion.Remembering(models)

    remembering(prompts[:1])
    hidden, summaries = remembering(prompts)

    with torch.no_grad():
        expected, expected_summaries = diffusion.Listener(models)(prompts)
    torch.testing.assert_close(hidden, expected, atol=2e-3, rtol=2e-3)
    torch.testing.assert_close(summaries, expected_summaries)


@pytest.mark.ci
def test_checkpoints_say_that_they_predict_v_here_and_to_other_programs(trained: Path) -> None:
    header = read_header(trained)

    assert prediction(header) == "v_prediction"
    assert "v_pred" in header.shapes


def test_a_starter_that_predicts_the_noise_begins_its_last_layer_anew(tmp_path: Path) -> None:
    models = build(SMALL, learn_merges(PICTURES, 20))
    path = export(models, tmp_path / "model.safetensors")
    with safe_open(path, "pt") as opened:
        config = json.loads(opened.metadata()["easel.config"]) | {"prediction": "epsilon"}
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - no mapping
    save_file(tensors, path, {"easel.config": json.dumps(config)})

    again = resume(path)

    assert not again.unet.conv_out.weight.any()
    assert again.unet.conv_in.weight.any()


@pytest.mark.ci
def test_the_saved_state_of_a_folder_can_be_exported_at_any_time(trained: Path, tmp_path: Path) -> None:
    recipe = Recipe(
        minutes=0.2, folder=trained.parent, output=tmp_path / "now.safetensors", scenes=3, shape=SMALL, merges=40
    )

    again = export_now(recipe, PICTURES, PICTURES[:2])

    assert fingerprint(again) == fingerprint(trained)


def test_an_exported_model_comes_back_as_it_was(tmp_path: Path) -> None:
    models = build(SMALL, learn_merges(PICTURES, 20))

    again = resume(export(models, tmp_path / "model.safetensors"))

    for before, after in zip(models.parts().values(), again.parts().values(), strict=True):
        for name, tensor in before.state_dict().items():
            torch.testing.assert_close(after.state_dict()[name], tensor.half().float())


def test_only_checkpoints_with_their_own_vocabulary_can_go_on(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"tiny.safetensors has no tokenizer of its own"):
        resume(tiny.save_single_file(tmp_path / "tiny.safetensors"))


def test_a_stage_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    layer = torch.nn.Linear(2, 1)
    plan = Plan("lesson", seconds=0.05, peak=1e-2)

    def loss_of() -> torch.Tensor:
        loss: torch.Tensor = layer(torch.ones(1, 2)).pow(2).sum()
        return loss

    first = Training(plan, {"layer": layer}, tmp_path)
    first.run(loss_of, lambda: None)
    second = Training(replace(plan, seconds=0.1), {"layer": layer}, tmp_path)

    assert (second.steps, second.seconds) == (first.steps, first.seconds)
    second.run(loss_of, lambda: None)
    assert second.steps > first.steps
    assert float(loss_of().detach()) < first.losses[0][1]


def test_a_stage_that_goes_on_without_its_state_warms_up_anew(tmp_path: Path) -> None:
    layer = torch.nn.Linear(2, 1)
    before = layer.weight.detach().clone()
    training = Training(Plan("lesson", seconds=0, peak=1e-2, warm_up=10, steps=101), {"layer": layer}, tmp_path)

    training.begin_at(100, seconds=60.0)
    training.run(lambda: layer(torch.ones(1, 2)).sum(), lambda: None)
    training.begin_at(7, seconds=0.0)

    assert (training.steps, training.seconds >= 60) == (101, True)
    # a tenth of a hundredth of the peak rate: ten steps of warming up, and the end of the cosine
    torch.testing.assert_close(layer.weight.detach(), before, atol=1e-4, rtol=0)


def test_the_vae_begins_by_pixelating() -> None:
    models = build(SMALL, learn_merges(PICTURES, 20))
    pictures = vae.to_tensor([compose.compose(picture, compose.COLOURS["blue"]) for picture in PICTURES])

    begin_as_pixels(models.vae, pictures)

    with torch.no_grad():
        latents = models.vae.encode(pictures).latent_dist.mean
        decoded = models.vae.decode(latents).sample
    blocks = torch.nn.functional.avg_pool2d(pictures, 8)
    assert float((latents[:, :3] - blocks).abs().mean()) < 0.1
    assert float((torch.nn.functional.avg_pool2d(decoded, 8) - blocks).abs().mean()) < 0.1


def test_subjects_keep_clear_of_the_outer_sixteenth() -> None:
    generator = np.random.default_rng(0)
    blue = compose.COLOURS["blue"]

    for _ in range(50):
        scene = compose.compose(PICTURES[1], blue, compose.draw_layout(generator))
        inner = slice(compose.MARGIN, compose.SIZE - compose.MARGIN)
        border = scene.copy()
        border[inner, inner] = blue
        assert (border == blue).all()
        assert (scene != blue).any()


def test_no_scene_shows_a_held_out_pair() -> None:
    models = build(SMALL, learn_merges(PICTURES, 20))

    pool = diffusion.fill_pool(models, PICTURES, scenes=12, seed=0)

    assert len(pool.named) == 36
    assert not [pair for pair in pool.named if compose.is_held_out(*pair)]
    assert float(pool.latents.std()) == pytest.approx(1, abs=0.01)


def test_about_a_tenth_of_all_pairs_is_held_out_and_never_white() -> None:
    pairs = [(f"thing {number}", colour) for number in range(200) for colour in compose.COLOURS]
    held_out = [pair for pair in pairs if compose.is_held_out(*pair)]

    assert 0.06 < len(held_out) / len(pairs) < 0.12
    assert not [colour for _, colour in held_out if colour == "white"]


def test_everyday_words_are_one_token_each() -> None:
    tokenizer = Tokenizer(learn_merges(PICTURES, 400))

    [row] = tokenizer.rows([Piece("a ball on a blue background")])

    assert [token.id for token in row].index(tokenizer.end) == 7


def test_subjects_are_chosen_by_how_people_name_them() -> None:
    assert [picture.label for picture in everyday(PICTURES)] == ["ball", "red box"]
    assert [picture.label for picture in common(PICTURES)] == ["ball"]
    assert familiar(PICTURES) == []
    assert select(PICTURES, "all") == PICTURES
