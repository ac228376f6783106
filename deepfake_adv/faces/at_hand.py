"""Whether the files and packages that `locate` loads are installed; checked without loading them, hours before."""

from deepfake_adv.faces.landmarks import LANDMARKERS
from deepfake_adv.faces.registry import LOCATORS


def missing_models(backend: str, landmarks: str) -> list[str]:
    """What a locator and a landmark model lack, one sentence each; empty if nothing is missing.

    Args:
        backend: A locator's name.
        landmarks: A landmark model's.
    """
    found = []
    for look in (LOCATORS[backend].at_hand, LANDMARKERS[landmarks].at_hand):
        try:
            look()
        except (FileNotFoundError, RuntimeError) as error:
            found.append(str(error))
    return list(dict.fromkeys(found))
