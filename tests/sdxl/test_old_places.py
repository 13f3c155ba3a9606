from generation.sdxl import samplers, sigmas, text
from generation.sdxl.model import text_encoders
from generation.sdxl.sampling import samplers as new_samplers
from generation.sdxl.sampling import sigmas as new_sigmas


def test_names_of_the_first_release_stay_importable() -> None:
    assert sigmas.schedule is new_sigmas.schedule
    assert samplers.SAMPLERS is new_samplers.SAMPLERS
    assert samplers.sample is new_samplers.sample
    assert text.tokenize is text_encoders.tokenize
