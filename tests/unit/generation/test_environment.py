"""What of the bot's environment reaches the engine."""

import pytest

from generation.executors.environment import engine_environment, reaches_engine


@pytest.mark.parametrize(
    "name",
    [
        "DISCORD_TOKEN",
        "discord_token",
        "Discord_Token",
        "DATABASE_URL",
        "database_url",
        "PGPASSWORD",
        "AWS_SECRET_ACCESS_KEY",
        "CREDENTIALS_DIRECTORY",
        "EASEL_GALLERY",
        "HF_HUB_TOKEN",
        "NVIDIA_API_KEY",
        "PYTHON_KEYRING_PASSWORD",
        "TORCHX_ANYTHING",
        "SSH_AUTH_SOCK",
        "A_VARIABLE_NOBODY_KNOWS",
    ],
)
def test_what_the_engine_does_not_need_does_not_reach_it(name: str) -> None:
    assert not reaches_engine(name)


@pytest.mark.parametrize(
    "name",
    [
        "PATH",
        "Path",
        "HOME",
        "LC_ALL",
        "TMPDIR",
        "SystemRoot",
        "ProgramFiles(x86)",
        "LD_LIBRARY_PATH",
        "DYLD_FALLBACK_LIBRARY_PATH",
        "CUDA_VISIBLE_DEVICES",
        "NVIDIA_VISIBLE_DEVICES",
        "CUBLASLT_WORKSPACE_SIZE",
        "HIP_VISIBLE_DEVICES",
        "HSA_OVERRIDE_GFX_VERSION",
        "ROCR_VISIBLE_DEVICES",
        "PYTORCH_CUDA_ALLOC_CONF",
        "PYTORCH_ENABLE_MPS_FALLBACK",
        "TORCHINDUCTOR_CACHE_DIR",
        "OMP_NUM_THREADS",
        "MKL_NUM_THREADS",
        "HF_HOME",
        "HF_HUB_OFFLINE",
        "HF_TOKEN",
        "TOKENIZERS_PARALLELISM",
        "https_proxy",
        "PYTHONHASHSEED",
        "VIRTUAL_ENV",
        "XDG_CACHE_HOME",
    ],
)
def test_what_torch_and_its_kin_are_told_by_operators_reaches_the_engine(name: str) -> None:
    assert reaches_engine(name)


def test_the_heap_is_tuned_unless_the_operator_tunes_it() -> None:
    assert engine_environment({}) == {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=1"}
    assert engine_environment({"GLIBC_TUNABLES": "mine", "SECRET": "no"}) == {"GLIBC_TUNABLES": "mine"}
