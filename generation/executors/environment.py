"""Which environment variables reach the engine's process: those it is known to need, by name.

The engine loads other people's code and files. What it does not need, such as the bot's token, the database's address
and whatever else an operator exports, is not there to be read. Pure.
"""

import re
from collections.abc import Mapping

# Compared in capitals: Windows knows no others, and settings are read in any.
_NAMES = """
PATH HOME USER LOGNAME SHELL LANG LANGUAGE TZ TMPDIR TMP TEMP
XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_RUNTIME_DIR
LD_LIBRARY_PATH LD_PRELOAD LIBRARY_PATH DYLD_LIBRARY_PATH DYLD_FALLBACK_LIBRARY_PATH
CC CXX CPATH C_INCLUDE_PATH CPLUS_INCLUDE_PATH INCLUDE LIB
GLIBC_TUNABLES
VIRTUAL_ENV CONDA_PREFIX CONDA_DEFAULT_ENV
GPU_DEVICE_ORDINAL DEVICE_LIB_PATH
HF_TOKEN HF_HOME HF_ENDPOINT HUGGINGFACE_HUB_CACHE TOKENIZERS_PARALLELISM
HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE
SYSTEMROOT SYSTEMDRIVE WINDIR COMSPEC PATHEXT OS NUMBER_OF_PROCESSORS USERPROFILE USERNAME HOMEDRIVE HOMEPATH
APPDATA LOCALAPPDATA PROGRAMDATA PROGRAMFILES PROGRAMFILES(X86) PROGRAMW6432 COMMONPROGRAMFILES
__CF_USER_TEXT_ENCODING
"""
_FAMILIES = """
LC_ PYTHON MALLOC_ MIMALLOC_ TCMALLOC_
CUDA_ CUDNN_ CUBLAS_ CUBLASLT_ NVIDIA_ NCCL_
HIP_ HSA_ ROCR_ ROCM_ AMD_ GPU_MAX_ MIOPEN_ HIPBLASLT_ ROCBLAS_ TENSILE_ FLASH_ATTENTION_
MTL_ METAL_ OBJC_
TORCH_ TORCHINDUCTOR_ TORCHDYNAMO_ PYTORCH_ TRITON_ ATEN_ KINETO_
OMP_ GOMP_ KMP_ MKL_ OPENBLAS_ VECLIB_ NUMEXPR_ ONEDNN_ DNNL_
HF_HUB_ HF_XET_ TRANSFORMERS_ DIFFUSERS_ SAFETENSORS_
PROCESSOR_
"""
NAMES, FAMILIES = frozenset(_NAMES.split()), tuple(_FAMILIES.split())
# A name of a known family that says it is a secret is one all the same.
_SECRET = re.compile(r"(^|_)(TOKENS?|SECRETS?|PASS|PASSWORDS?|PASSWD|KEYS?|CREDENTIALS?|AUTH)($|_)")

# glibc keeps small freed pieces for each thread, among them what it cuts off to align a tensor. Where such a piece is
# used again for something that stays, a hole is left beside it that no tensor of the same size fits into: 20 MiB of
# them over jobs of many sizes. One of each size is kept here instead of seven; other C libraries do not look at it.
HEAP = {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=1"}


def engine_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the part of an environment that the engine is started with; what the operator says of its heap counts."""
    return HEAP | {name: value for name, value in environment.items() if reaches_engine(name)}


def reaches_engine(name: str) -> bool:
    """Whether the engine gets the variable of this name."""
    name = name.upper()
    return name in NAMES or (name.startswith(FAMILIES) and not _SECRET.search(name))
