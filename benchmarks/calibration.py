"""How the baseline fares on the corpus: what docs/calibration.md reports, for one state of the code.

Run as ``python -m benchmarks.calibration FOLDER LABEL``: makes the clips, cuts faces, trains one detector per quality
and seed, and adds each to the result as it ends. Crops are kept in FOLDER. It needs the packaged weights
(`make setup-weights`), about two CPU minutes for the crops and two per detector.

Faces are cut around the known landmarks, where the pipeline has dlib find them: a tenth of the time, and the same for a
real and its fakes in either. Prediction: in docs/calibration.md.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from benchmarks.common import RESULTS, machine
from deepfake_adv.corpus.celebdf import plan_celebrities
from deepfake_adv.corpus.dfd import plan_actors
from deepfake_adv.corpus.footage import Footage, Rendered, upload
from deepfake_adv.corpus.forge.celebdf import celebrity_swap
from deepfake_adv.corpus.forge.dfd import actor_swap
from deepfake_adv.corpus.forge.registry import FORGERIES
from deepfake_adv.corpus.forging import forge_clip
from deepfake_adv.detectors.registry import build_detector
from deepfake_adv.evaluation.metrics import all_metrics
from deepfake_adv.faces.registry import build_locator
from deepfake_adv.files import read_json, write_json
from deepfake_adv.names import Forgery
from deepfake_adv.video.colour import i420_to_rgb

Images = NDArray[np.uint8]
Sheaf = dict[str, Images]  # class -> (clips, moments, side, side, 3), one tier
Clip = tuple[str, str, str, list[Any], NDArray[np.float32]]

CRF: Final = {"raw": 0, "c23": 23, "c40": 40}
REAL: Final = "real"
PAIRS: Final = {"train": 20, "test": 14}
SETS: Final = {"dfd_c23": 6, "celebdf": 8}  # pairs of the two further sets
FRAMES, SIZE, SIDE, MARGIN = 32, 160, 112, 1.3
MOMENTS: Final = {"train": 16, "test": 6}
STEPS, BATCH, RATE, DECAY = 300, 16, 1e-3, 5e-4


def main() -> None:
    """Make, train, measure, write after each detector."""
    arguments = _arguments()
    torch.set_num_threads(1)
    start = time.process_time()
    data, facts = crops(arguments.folder, arguments.corpus_seed)
    facts = {"label": arguments.label, "corpus_seed": arguments.corpus_seed, **facts}
    _note(arguments.output, facts, {})
    print(f"crops: {time.process_time() - start:.0f} CPU s, dlib finds {facts['detected']}", flush=True)
    for seed in arguments.seeds:
        for quality in arguments.qualities:
            start = time.process_time()
            detector = train(data["train"][quality], seed)
            found = {f"NT_{quality} -> {test}": auc for test, auc in measure(detector, data["test"])}
            _note(arguments.output, facts, {str(seed): found})
            print(f"seed {seed} {quality}: {time.process_time() - start:.0f} CPU s {found}", flush=True)


def crops(folder: Path, corpus_seed: int) -> tuple[dict[str, dict[str, Sheaf]], dict[str, Any]]:
    """Split -> tier -> class -> crops, and what making them showed; kept in `folder` once made."""
    stored, noted = folder / f"crops-{corpus_seed}.npz", folder / f"crops-{corpus_seed}.json"
    if not stored.exists():
        made: dict[str, list[Images]] = {}
        hits: dict[str, list[bool]] = {}
        locate = build_locator("dlib")
        for split, tier, kind, frames, points in _clips(corpus_seed):
            chosen = np.linspace(0, len(frames) - 1, MOMENTS[split] + 2).round().astype(int)[1:-1]
            pictures = [i420_to_rgb(frames[k]) for k in chosen]
            cut = [_cut(picture, points[k]) for picture, k in zip(pictures, chosen, strict=True)]
            made.setdefault(f"{split} {tier} {kind}", []).append(np.stack(cut))
            hits.setdefault(tier, []).extend(bool(locate(pictures[k])) for k in (1, len(pictures) - 2))
        facts = {
            "detected": {tier: round(float(np.mean(found)), 4) for tier, found in hits.items()},
            "looked_at": {tier: len(found) for tier, found in hits.items()},
            "machine": machine("torch", "timm", "av", "opencv-python-headless", "numpy", "dlib-bin"),
        }
        folder.mkdir(parents=True, exist_ok=True)
        stacked: dict[str, Any] = {name: np.stack(clips) for name, clips in made.items()}
        np.savez(stored, **stacked)
        write_json(noted, facts)
    data: dict[str, dict[str, Sheaf]] = {split: {} for split in PAIRS}
    with np.load(stored) as arrays:
        for name in arrays.files:
            split, tier, kind = name.split(" ")
            data[split].setdefault(tier, {})[kind] = arrays[name]
    return data, read_json(noted)


def _clips(seed: int) -> Iterator[Clip]:
    """Split, tier (a quality, or a further set), class, I420 frames and the target's landmarks of every clip."""
    first = 0
    for split, pairs in PAIRS.items():
        for pair in range(pairs):
            for kind, quality, frames, points in _pair(seed, first + 2 * pair, split):
                yield split, quality, kind, frames, points
        first += 2 * pairs
    root, sizes = Path(), {"seed": seed, "frames": FRAMES, "size": SIZE, "fps": 25}
    for actors in plan_actors(root, SETS["dfd_c23"], **sizes):
        takes = [[take.load() for take in own.values()] for own in actors.takes]
        for own, others in (takes, takes[::-1]):
            for target in own:
                yield from _both("dfd_c23", Forgery.DFD, target, forge_clip(actor_swap, target, others[0])[0])
    for celebrities in plan_celebrities(root, SETS["celebdf"], **sizes):
        one, two, other = (take.load() for take in celebrities.takes)
        for target, donor in ((one, two), (two, one)):
            yield from _both("celebdf", Forgery.CELEB, target, forge_clip(celebrity_swap, target, donor)[0])
        yield from _both("celebdf", Forgery.CELEB, other, [])


def _both(tier: str, forgery: Forgery, target: Footage, forged: list[Any]) -> Iterator[Clip]:
    """A test clip of a further set and its forgery, at c23."""
    for kind, frames in ((REAL, target.frames), (str(forgery), forged)):
        if frames:
            yield "test", tier, kind, upload(frames, crf=CRF["c23"], fps=25), target.points


def _pair(seed: int, identity: int, split: str) -> Iterator[tuple[str, str, list[Any], NDArray[np.float32]]]:
    """Class, quality, decoded I420 frames and the target's landmarks of every clip; of training pairs NT alone."""
    footage = [Rendered(seed, identity + k, FRAMES, SIZE, 25).load() for k in (0, 1)]
    forgeries = [Forgery.NT] if split == "train" else list(FORGERIES)
    for target, donor in (footage, footage[::-1]):
        forged = {str(forgery): forge_clip(FORGERIES[forgery], target, donor)[0] for forgery in forgeries}
        clips = {REAL: target.frames} | forged
        for kind, frames in clips.items():
            for quality, crf in CRF.items():
                yield kind, quality, upload(frames, crf=crf, fps=25) if crf else frames, target.points


def _cut(picture: Images, points: NDArray[np.float32]) -> Images:
    """The square around the landmarks, as the official rule cuts it around a box, shrunk to the detector's input."""
    low, high = points.min(0), points.max(0)
    side = min(2 * round(MARGIN * float((high - low).max()) / 2), *picture.shape[:2])
    left, top = (
        int(np.clip(round(float(middle) - side / 2), 0, size - side))
        for middle, size in zip((low + high) / 2, picture.shape[1::-1], strict=True)
    )
    square = picture[top : top + side, left : left + side]
    how = cv2.INTER_AREA if side > SIDE else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(square, (SIDE, SIDE), interpolation=how), np.uint8)


def train(sheaf: Sheaf, seed: int) -> nn.Module:
    """The pretrained detector after `STEPS` steps, each of fakes with their targets' reals at the same moments."""
    torch.manual_seed(seed)
    detector = build_detector(name="timm:tf_efficientnet_lite0", pretrained=True, weights="package", image_size=SIDE)
    optimizer = torch.optim.RAdam(detector.parameters(), lr=RATE, weight_decay=DECAY, decoupled_weight_decay=True)
    rng = np.random.default_rng(seed)
    clips, moments = sheaf[REAL].shape[:2]
    labels = torch.tensor([0, 1]).repeat_interleave(BATCH // 2)
    detector.train()
    for _ in range(STEPS):
        chosen = rng.choice(clips, BATCH // 2, replace=False), rng.integers(moments, size=BATCH // 2)
        images = np.concatenate([sheaf[REAL][chosen], sheaf[str(Forgery.NT)][chosen]])
        loss = nn.functional.cross_entropy(detector(_tensor(images)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return detector.eval()


@torch.no_grad()
def measure(detector: nn.Module, test: dict[str, Sheaf]) -> Iterator[tuple[str, float]]:
    """Frame-level AUC, percent, of every forgery in every tier."""
    for tier, sheaf in test.items():
        scores = {}
        for kind, images in sheaf.items():
            flat = images.reshape(-1, *images.shape[2:])
            logits = [detector(_tensor(flat[k : k + 64])).float() for k in range(0, len(flat), 64)]
            scores[kind] = torch.cat(logits).softmax(1)[:, 1].double().numpy()
        for kind, fakes in scores.items():
            if kind != REAL:
                both = np.concatenate([scores[REAL], fakes])
                truth = np.repeat([0, 1], [len(scores[REAL]), len(fakes)])
                yield f"{kind}_{tier}", round(100 * float(all_metrics(both, truth)["auc"]), 2)


def _tensor(images: Images) -> torch.Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2).float().div(255).contiguous(memory_format=torch.channels_last)


def _note(path: Path, facts: dict[str, Any], seeds: dict[str, dict[str, float]]) -> None:
    """Add seeds to the attempt of this label and corpus seed."""
    known = read_json(path) if path.exists() else []
    key = (facts["label"], facts["corpus_seed"])
    mine = [attempt for attempt in known if (attempt["label"], attempt["corpus_seed"]) == key]
    attempt = {**facts, "seeds": mine[0]["seeds"] if mine else {}}
    for seed, found in seeds.items():
        attempt["seeds"][seed] = attempt["seeds"].get(seed, {}) | found
    write_json(path, [*(other for other in known if other not in mine), attempt])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where to keep the crops")
    parser.add_argument("label", help="of the attempt")
    parser.add_argument("--corpus-seed", type=int, default=101)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="of training")
    parser.add_argument("--qualities", nargs="+", choices=CRF, default=list(CRF), help="to train on")
    parser.add_argument("--output", type=Path, default=RESULTS / "calibration.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
