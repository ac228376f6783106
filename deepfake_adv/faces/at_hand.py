"""Whether what `locate` loads is at hand, looked up without loading any of it: hours before it is needed."""

from deepfake_adv.faces.landmarks import LANDMARKERS
from deepfake_adv.faces.registry import LOCATORS


def missing_models(backend: str, landmarks: str) -> list[str]:
    """What is missing of a locator and a landmark model, one sentence each; empty where all is there.

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
