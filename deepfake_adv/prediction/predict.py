"""P(fake) of everyone in a picture or video; faces are found, followed and cut as in the detector's training."""

from pathlib import Path
from typing import Final, get_args

import numpy as np

from deepfake_adv.prediction.judge import FALSE_POSITIVE_RATE, Judge, load_judge
from deepfake_adv.prediction.media import Limits
from deepfake_adv.prediction.people import PersonSeen, Seen, look
from deepfake_adv.prediction.result import FrameScore, PersonScore, Prediction, ScoreOf
from deepfake_adv.prediction.scoring import score_and_embed
from deepfake_adv.prediction.settings import MIN_FACE, MIN_FRAMES, FaceSettings, face_settings
from deepfake_adv.training.device import choose_device
from deepfake_adv.training.trained import Trained, load_trained

BATCH_SIZE: Final = 32


def predict(
    path: Path | str,
    trained: Trained | Path | str,
    *,
    frames: int | None = None,
    score_of: ScoreOf = "highest",
    locator: str | None = None,
    frames_of_one_video: bool = False,
    strict: bool = False,
    min_face: int = MIN_FACE,
    min_frames: int = MIN_FRAMES,
    max_frames: int = Limits.frames,
    max_pixels: int = Limits.pixels,
    accelerator: str = "auto",
    batch_size: int = BATCH_SIZE,
    false_positive_rate: float = FALSE_POSITIVE_RATE,
) -> Prediction:
    """Score a picture, a video, or a folder of a video's frames.

    Locator, policy, smoothing and margin are those of the training run's record. Everyone in view is followed and
    scored, in each shot anew.

    Args:
        path: The file.
        trained: A trained detector, or its folder <run>/<condition>/seed<k>.
        frames: Frames sampled from a video; None for as many as the run's test videos had.
        score_of: Whose score is the file's: of all people the highest, or that of the main one, whose face fills
            most of the file.
        locator: Another locator than in training; "whole" where the picture is a face.
        frames_of_one_video: `path` is a folder that holds the frames of one video.
        strict: Refuse a damaged video; otherwise what decodes of it is scored, and the damage is said.
        min_face: Smaller faces are not scored; longer side of the box, pixels.
        min_frames: People whom fewer sampled frames show are not scored.
        max_frames: A longer video is refused.
        max_pixels: A larger frame or picture is refused.
        accelerator: auto, cpu or cuda; for a detector that is yet to be loaded.
        batch_size: Frames (or clips) at a time.
        false_positive_rate: Share of genuine videos that the threshold may call fake.

    Raises:
        FileNotFoundError: If the file, the detector or a locator's weights are missing.
        ValueError: If the file cannot be read, is too large or shows no face that can be scored, an option is out of
            range, or the detector is damaged.
    """
    detector = trained if isinstance(trained, Trained) else load_trained(trained, choose_device(accelerator))
    settings = face_settings(detector.record, frames=frames, locator=locator, min_face=min_face, min_frames=min_frames)
    limits = Limits(max_frames, max_pixels)
    seen = look(Path(path), settings, detector.image_size, one_video=frames_of_one_video, strict=strict, limits=limits)
    judge = load_judge(detector, false_positive_rate)
    return score_seen(seen, detector, settings, score_of=score_of, batch_size=batch_size, judge=judge)


def score_seen(
    seen: Seen,
    trained: Trained,
    settings: FaceSettings,
    *,
    score_of: ScoreOf = "highest",
    batch_size: int = BATCH_SIZE,
    judge: Judge | None = None,
) -> Prediction:
    """Score what `look` found.

    Raises:
        ValueError: If nobody can be scored, a score is not finite, or `score_of` is unknown.
    """
    if score_of not in get_args(ScoreOf):
        raise ValueError(f"score_of must be one of {', '.join(get_args(ScoreOf))}; got {score_of!r}. Use highest.")
    path, medium = seen.medium.path, seen.medium
    judge = judge or load_judge(trained)
    if not any(not one.left_out and one.boxes for one in seen.people):
        raise ValueError(_nobody(seen, settings))
    people, start = [], 0
    for one in seen.people:
        count = 0 if one.left_out else len(one.boxes)
        crops = seen.crops[start : start + count]
        scores, features = score_and_embed(trained, crops, batch_size) if count else (np.empty(0), np.empty((0, 0)))
        start += count
        rows = zip(one.boxes.items(), scores.tolist(), strict=True) if count else ()
        own = tuple(FrameScore(frame, box, frame in one.detected, score) for (frame, box), score in rows)
        side = float(np.median([box.side for box in one.boxes.values()])) if one.boxes else 0.0
        value = float(scores.mean()) if count else None
        worth = None if value is None else judge.weigh(value, features)
        people.append(PersonScore(value, one.left_out, one.shot, one.at_cut, side, own, worth))
    scored = [number for number, one in enumerate(people) if one.score is not None]

    def rank(number: int) -> float:
        return seen.people[number].worth if score_of == "main" else float(people[number].score or 0)

    best = people[max(scored, key=rank)]
    assert best.score is not None
    assert best.evidence is not None
    rivals = len(scored) if score_of == "highest" else 1
    warnings = judge.doubts(medium, best.side, len(best.frames), best.evidence, rivals)
    held = {one.frame for number in scored for one in people[number].frames}
    sampled = tuple(int(index) for index in medium.indices)
    missed = tuple(index for index in sampled if index not in held)
    return Prediction(
        path, best.score, tuple(people), sampled, missed, seen.shots, medium.damage, medium.notes, seen.sha256,
        trained.condition, best.evidence, judge.basis(), warnings,
    )  # fmt: skip


def _nobody(seen: Seen, settings: FaceSettings) -> str:
    """Why nobody can be scored, and what to do."""
    searched = f"frames searched: {len(seen.medium.indices)}"
    name, path = settings.locate.backend, seen.medium.path
    if not seen.people:
        return f"input must show a face; {name} found none in {path} ({searched}). Look at it; try another locator."

    def told(one: PersonSeen) -> str:
        side = float(np.median([box.side for box in one.boxes.values()])) if one.boxes else 0.0
        return f"{one.left_out or 'outside of the frame'}: {side:.0f} px in {len(one.boxes)} frames"

    listed = "; ".join(sorted({told(one) for one in seen.people})[:3])
    return (
        f"input must show a face of {settings.min_face} px and more in {settings.min_frames} frames or more; got "
        f"{len(seen.people)} others in {path} ({listed}; {searched}). Lower min_face or min_frames, or raise frames."
    )
