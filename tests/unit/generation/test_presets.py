import pytest

from generation import GenerationRequest
from generation.request import presets


def test_every_preset_can_be_painted_with() -> None:
    for preset in presets.presets().values():
        GenerationRequest(
            prompt="a", model="m", seed=1, steps=preset.steps, guidance_scale=preset.cfg, sampler=preset.sampler,
            scheduler=preset.scheduler,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("model", "preset"),
    [
        ("OpenDalleV1.1", "opendalle-fast"),
        ("open_dalle_v1", "opendalle-fast"),
        ("sd_xl_base_1.0", "sdxl-base"),
        ("stabilityai/stable-diffusion-xl-base-1.0", "sdxl-base"),
        ("sdxl_lightning_4step", "lightning-4"),
        ("sdxl_lightning_8step", "lightning-8"),
        ("sd_xl_turbo_1.0_fp16", "turbo"),
        ("lcm-sdxl", "lcm"),
        ("starter", "starter"),
        ("tiny", None),
        ("sdxl", None),
    ],
)
def test_a_models_name_tells_its_preset(model: str, preset: str | None) -> None:
    found = presets.for_model(model)

    assert (found and found.name) == preset


def test_the_two_opendalle_presets_are_the_model_cards() -> None:
    fast, detail = presets.presets()["opendalle-fast"], presets.presets()["opendalle-detail"]

    assert fast.values == {"steps": 35, "cfg": 7, "sampler": "dpm_2", "scheduler": "karras"}
    assert detail.values == {"steps": 65, "cfg": 7.5, "sampler": "dpm_2", "scheduler": "karras"}
