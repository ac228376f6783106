"""The device and precision of inference, and the record of device and versions in run.json."""

import platform
from importlib.metadata import PackageNotFoundError, version

import torch

PACKAGES = ("deepfake-adv", "torch", "numpy", "pyarrow", "opencv-python-headless", "lightning-fabric", "timm")


def choose_device(accelerator: str) -> torch.device:
    """The device for inference: a GPU if there is one and `accelerator` is not cpu.

    Raises:
        ValueError: If CUDA is requested and not available.
    """
    if accelerator == "cuda" and not torch.cuda.is_available():
        raise ValueError("device.accelerator must be cpu or auto without CUDA; got cuda. Fix params.yaml.")
    return torch.device("cuda" if accelerator != "cpu" and torch.cuda.is_available() else "cpu")


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Autocast for a precision; disabled for 32-true."""
    dtype = torch.float16 if precision == "16-mixed" and device.type != "cpu" else torch.bfloat16
    return torch.autocast(device.type, dtype=dtype, enabled=precision != "32-true")


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
    """The device's name. The number of threads is left out, since it does not change a result."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type} ({platform.machine()})"
