"""Whether what `locate` loads is at hand, looked up without loading any of it: hours before it is needed."""

from typing import Any

from deepfake_adv.faces.landmarks import LANDMARKERS
from deepfake_adv.faces.registry import LOCATORS


def missing_models(backend: str, landmarks: str) -> list[str]:
    """What is missing of a locator and a landmark model, one sentence each; empty where all is there.

    A class says what it needs by a static method ``at_hand``, which raises FileNotFoundError or RuntimeError, as its
    constructor would. One without is taken to need nothing.

    Args:
        backend: A locator's name.
        landmarks: A landmark model's.
    """
    entries: list[Any] = [LOCATORS[backend], LANDMARKERS[landmarks]]
    found = []
    for entry in entries:
        try:
            getattr(entry, "at_hand", lambda: None)()
        except (FileNotFoundError, RuntimeError) as error:
            found.append(str(error))
    return list(dict.fromkeys(found))
