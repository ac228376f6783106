"""Deepfake forensics via an adversarial game.

The public API is what this package exports; ``__init__.pyi`` lists it. Everything else may change without notice.
A name is imported when it is first used, so that a stage that needs no torch does not wait for it.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
