"""What a result came from: versions, code, device."""

import hashlib
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

PACKAGES = ("deepfake-adv", "torch", "numpy", "pyarrow", "opencv-python-headless", "lightning-fabric", "timm")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide a result."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def device_name(device: torch.device) -> str:
    """The device in words; what decides a result, so without how many threads it was given."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type} ({platform.machine()})"


def code_fingerprint() -> str:
    """16 hex digits of the library's files loaded so far.

    Part of a scratch folder's name: a run whose code was edited while it lay killed starts anew, rather
    than being half the one and half the other.
    """
    digest = hashlib.sha256()
    package = __name__.partition(".")[0]
    for name in sorted(name for name in sys.modules if name.split(".")[0] == package):
        file = getattr(sys.modules[name], "__file__", None)
        if file is not None:
            digest.update(name.encode())
            digest.update(Path(file).read_bytes())
    return digest.hexdigest()[:16]
