"""Real-ESRGAN's network: read out of ncnn's files, the same in tiles as in one piece, and a step of a job."""

import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from generation import (
    CancelToken,
    Catalog,
    GenerationCancelledError,
    GenerationSettings,
    Hires,
    Init,
    ModelError,
)
from generation.images.loading import digest_of
from generation.models.ncnn import convolutions
from generation.models.upscalers import named
from generation.sdxl.model import upscaler
from generation.sdxl.model.upscaler import RrdbNet, enlarging, from_tensors
from generation.sdxl.sampling.slices import to_the_end
from generation.worker.local import LocalExecutor
from tests import tiny
from tests.sdxl.conftest import pixels, request
from tests.sdxl.test_from_pictures import png


def network(seed: int = 0) -> RrdbNet:
    torch.manual_seed(seed)
    return RrdbNet(blocks=1).eval().requires_grad_(requires_grad=False)


def in_order(net: RrdbNet) -> list[nn.Conv2d]:
    """Lists the convolutions as a picture meets them, which is ncnn's order."""
    dense = [block for rrdb in net.body for block in (rrdb.rdb1, rrdb.rdb2, rrdb.rdb3)]
    inner = [getattr(block, f"conv{number}") for block in dense for number in range(1, 6)]
    return [net.conv_first, *inner, net.conv_body, net.conv_up1, net.conv_up2, net.conv_hr, net.conv_last]


def as_ncnn(net: RrdbNet, *, halves: bool) -> tuple[str, bytes]:
    lines, data = ["7767517", "99 99", "Input x 0 1 x"], b""
    for number, layer in enumerate(in_order(net)):
        weight = layer.weight.numpy()
        lines.append(f"Convolution c{number} 1 1 a b 0={weight.shape[0]} 1=3 4=1 5=1 6={weight.size} -23310=1,0.2")
        packed = weight.astype(np.float16 if halves else np.float32).tobytes()
        data += struct.pack("<I", 0x01306B47 if halves else 0) + packed + bytes(-len(packed) % 4)
        data += layer.bias.numpy().astype(np.float32).tobytes()  # type: ignore[union-attr]
    return "\n".join(lines), data


@pytest.mark.parametrize("halves", [True, False])
def test_weights_come_out_of_ncnns_files_under_real_esrgans_names(halves: bool) -> None:
    original = network()
    picture = torch.rand(1, 3, 12, 10)

    tensors = {
        key: torch.from_numpy(value) for key, value in named(convolutions(*as_ncnn(original, halves=halves))).items()
    }
    read = from_tensors("x", tensors).float()

    assert set(tensors) == set(original.state_dict())
    assert torch.allclose(read(picture), original(picture), atol=2e-3)


def test_damaged_and_foreign_files_are_refused() -> None:
    layers, data = as_ncnn(network(), halves=True)

    for bad, reason in ((data[:-4], "damaged, or do not belong together"), (data + bytes(4), "do not belong together")):
        with pytest.raises(ModelError, match=reason):
            convolutions(layers, bad)
    with pytest.raises(ModelError, match=r"This is no .param file"):
        convolutions("hello", data)
    with pytest.raises(ModelError, match="3 convolutions are not those of an RRDBNet"):
        named(convolutions(layers, data)[:3])
    with pytest.raises(ModelError, match="is no upscaler that Easel knows"):
        from_tensors("x", {"conv_first.weight": torch.zeros(1)})


def test_tiles_give_the_picture_that_one_piece_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    net = network()
    y, x = torch.meshgrid(torch.linspace(0, 1, 70), torch.linspace(0, 1, 90), indexing="ij")
    picture = (torch.stack([x, y, x * y], dim=-1) * 255).round().to(torch.uint8)
    whole = to_the_end(enlarging(net, picture)).int()

    monkeypatch.setattr(upscaler, "TILE", 48)
    slices = enlarging(net, picture)
    tiles = sum(1 for _ in slices)
    tiled = to_the_end(enlarging(net, picture)).int()

    assert (whole.shape, tiles) == ((280, 360, 3), 6)
    expected = net(picture.permute(2, 0, 1).unsqueeze(0) / 255)[0].permute(1, 2, 0).clamp(0, 1) * 255
    assert float((whole - expected).abs().max()) <= 0.51
    assert float((whole - tiled).abs().float().mean()) < 0.6


async def test_cancelling_stops_within_one_tile_of_an_upscaler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.save_single_file(tmp_path / "tiny.safetensors")
    save_file(network().half().state_dict(), tmp_path / "sharp.safetensors")
    monkeypatch.setattr(upscaler, "TILE", 24)
    token, tiles = CancelToken(), 0
    forward = RrdbNet.forward

    def counted(self: RrdbNet, picture: torch.Tensor) -> torch.Tensor:
        nonlocal tiles
        tiles += 1
        if tiles == 3:
            token.cancel()
        return forward(self, picture)

    monkeypatch.setattr(RrdbNet, "forward", counted)
    executor = LocalExecutor(GenerationSettings(models_dir=tmp_path, device="cpu"), Catalog(tmp_path))

    with pytest.raises(GenerationCancelledError):
        await executor.generate(request(hires=Hires(scale=2, strength=0, method="sharp")), cancel=token)
    plain = await executor.generate(request())
    await executor.close()

    assert tiles == 3
    assert pixels(plain).shape == (64, 64, 3)


async def test_an_upscaler_of_the_models_folder_enlarges_before_the_second_pass(tmp_path: Path) -> None:
    tiny.save_single_file(tmp_path / "tiny.safetensors")
    save_file(network().half().state_dict(), tmp_path / "sharp.safetensors")
    executor = LocalExecutor(GenerationSettings(models_dir=tmp_path, device="cpu"), Catalog(tmp_path))

    plain = await executor.generate(request(hires=Hires(scale=2, strength=0)))
    sharp = await executor.generate(request(hires=Hires(scale=2, strength=0, method="sharp")))
    with pytest.raises(ModelError, match=r"There is no upscaler named 'sharpp'. Did you mean sharp\?"):
        await executor.generate(request(hires=Hires(scale=2, method="sharpp")))
    await executor.close()

    assert pixels(sharp).shape == pixels(plain).shape == (128, 128, 3)
    assert np.abs(pixels(sharp) - pixels(plain)).max() > 1
    assert load_file(tmp_path / "sharp.safetensors").keys() == network().state_dict().keys()


async def test_an_upscaler_alone_works_on_the_very_pixels_that_were_brought(tmp_path: Path) -> None:
    tiny.save_single_file(tmp_path / "tiny.safetensors")
    save_file(network().half().state_dict(), tmp_path / "sharp.safetensors")
    executor = LocalExecutor(GenerationSettings(models_dir=tmp_path, device="cpu"), Catalog(tmp_path))
    brought = np.random.default_rng(3).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    data = png(brought)
    asked = request(
        init=Init(picture=digest_of(data), strength=0.0), hires=Hires(scale=4, strength=0, method="sharp", tile=64)
    )

    result = pixels(await executor.generate(asked, inputs={digest_of(data): data}))
    await executor.close()

    expected = to_the_end(enlarging(network().half().float(), torch.from_numpy(brought)))
    assert result.shape == (256, 256, 3)
    assert np.abs(result - expected.numpy().astype(np.int16)).max() <= 1
