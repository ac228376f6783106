"""Where inference runs, and in which precision."""

import torch


def choose_device(accelerator: str) -> torch.device:
    """The device for inference: a GPU where there is one and it is not declined.

    Raises:
        ValueError: If CUDA is asked for and there is none.
    """
    if accelerator == "cuda" and not torch.cuda.is_available():
        raise ValueError("device.accelerator must be cpu or auto without CUDA; got cuda. Fix params.yaml.")
    return torch.device("cuda" if accelerator != "cpu" and torch.cuda.is_available() else "cpu")


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """The autocast of a precision; no effect for 32-true."""
    dtype = torch.float16 if precision == "16-mixed" and device.type != "cpu" else torch.bfloat16
    return torch.autocast(device.type, dtype=dtype, enabled=precision != "32-true")
