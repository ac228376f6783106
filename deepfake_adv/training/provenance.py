"""What a result came from: versions and device."""

import platform
from importlib.metadata import PackageNotFoundError, version

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
