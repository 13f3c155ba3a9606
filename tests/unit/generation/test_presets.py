import pytest

from generation import GenerationRequest, InvalidRequestError, presets


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
    fast, detail = presets.find("opendalle-fast"), presets.find("opendalle-detail")

    assert fast is not None
    assert detail is not None
    assert (fast.steps, fast.cfg, fast.sampler, fast.scheduler) == (35, 7, "dpm_2", "karras")
    assert (detail.steps, detail.cfg, detail.sampler, detail.scheduler) == (65, 7.5, "dpm_2", "karras")


def test_no_preset_has_a_name_and_an_unknown_one_the_nearest() -> None:
    assert presets.find("none") is None
    with pytest.raises(
        InvalidRequestError, match=r"There is no preset named 'opendale-fast'. Did you mean opendalle-fast"
    ):
        presets.find("opendale-fast")
