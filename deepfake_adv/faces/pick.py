"""Which of several faces in view is the one: by the forgery's mask, else the one that fills most of a shot."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from deepfake_adv.faces.box import FaceBox, iou

# Boxes of one person in two frames that were looked at, one after the other, overlap by 0.5 and more, as the search
# between them goes on until they do or are neighbours; those of two people side by side hardly overlap.
_SAME_PERSON: Final = 0.1
_TOUCHED: Final = 0.1  # share of a mask's pixels; a face that no mask ever touches is not the forged one


class Picked(NamedTuple):
    """The choice, and what else was to be seen.

    Attributes:
        faces: Per frame the index of the chosen face, None where the person was not seen.
        others: Number of other people, counted as tracks; one who leaves the picture and comes back elsewhere is
            counted twice.
    """

    faces: list[int | None]
    others: int


@dataclass
class Person:
    """Faces that follow one another within a shot: a face index by frame."""

    last: FaceBox
    faces: dict[int, int] = field(default_factory=dict)

    @property
    def first(self) -> int:
        """The first frame that shows the person."""
        return next(iter(self.faces))

    @property
    def end(self) -> int:
        """The last frame that shows the person."""
        return next(reversed(self.faces))


def pick_track(
    candidates: Sequence[Sequence[FaceBox]],
    scores: Sequence[Sequence[float]] | None = None,
    *,
    weights: Sequence[float] | None = None,
    shots: Sequence[int] | None = None,
) -> Picked:
    """Choose at most one face per frame: of each shot the people whose faces fill most of it.

    Faces are first linked to people by their overlap, over frames in which a person was not seen too. Then the
    people with the largest sum of scores are taken of whom no two are in the shot at one time: a person who is
    missed in some frames is not replaced in them by another, and how still somebody holds counts nothing.

    Args:
        candidates: Per frame its faces, maybe none; ties go to the locator's first.
        scores: Per frame the share of the forgery's mask that each face holds; people whom no mask touches are then
            never chosen. None for the face's area over the largest one's.
        weights: Per frame how much it counts, such as the number of frames that it stands for; None for 1 each.
        shots: Per frame a number of its shot; None where all are one.
    """
    weights = [1.0] * len(candidates) if weights is None else weights
    shots = [0] * len(candidates) if shots is None else shots
    people = link_people(candidates, shots)
    if scores is None:
        largest = max((box.side for faces in candidates for box in faces), default=1.0)
        values = [[(box.side / largest) ** 2 for box in faces] for faces in candidates]
        eligible = people
    else:
        values = [list(own) for own in scores]
        eligible = [one for one in people if max(scores[k][face] for k, face in one.faces.items()) > _TOUCHED]
    worth = [sum(weights[k] * values[k][face] for k, face in one.faces.items()) for one in eligible]
    chosen = _disjoint(eligible, worth)
    faces: list[int | None] = [None] * len(candidates)
    for one in chosen:
        for frame, face in one.faces.items():
            faces[frame] = face
    return Picked(faces, len(people) - len(chosen))


def pick_first(candidates: Sequence[Sequence[FaceBox]], shots: Sequence[int] | None = None) -> Picked:
    """Choose the locator's first face of each frame, as FaceForensics++'s script does; arguments as `pick_track`."""
    shots = [0] * len(candidates) if shots is None else shots
    faces = [0 if boxes else None for boxes in candidates]
    return Picked(faces, sum(0 not in one.faces.values() for one in link_people(candidates, shots)))


def link_people(candidates: Sequence[Sequence[FaceBox]], shots: Sequence[int]) -> list[Person]:
    """The people of all shots, in order of their first frame; pairs that overlap most are linked first.

    Args:
        candidates: Per frame its faces, maybe none.
        shots: Per frame a number of its shot; nobody is followed from one shot into the next.
    """
    people: list[Person] = []
    present: list[Person] = []
    for frame, boxes in enumerate(candidates):
        if frame and shots[frame] != shots[frame - 1]:
            present = []
        pairs = [
            (-overlap, number, face)
            for number, one in enumerate(present)
            for face, box in enumerate(boxes)
            if (overlap := iou(one.last, box)) >= _SAME_PERSON
        ]
        free = set(range(len(boxes)))
        for _, number, face in sorted(pairs):
            one = present[number]
            if face in free and one.faces.get(frame) is None:
                free.remove(face)
                one.faces[frame], one.last = face, boxes[face]
        new = [Person(boxes[face], {frame: face}) for face in sorted(free)]
        people += new
        present += new
    return people


def _disjoint(people: Sequence[Person], worth: Sequence[float]) -> list[Person]:
    """Those of whom no two are there at one time, of the largest total worth (weighted interval scheduling)."""
    order = sorted(range(len(people)), key=lambda k: (people[k].end, k))
    ends = [people[k].end for k in order]
    best = [0.0]
    before: list[int | None] = []  # how many of the first people to go on with where this one is taken, else None
    for place, k in enumerate(order):
        earlier = bisect_left(ends, people[k].first, hi=place)
        taken = best[earlier] + worth[k]
        before.append(earlier if taken > best[-1] else None)
        best.append(max(taken, best[-1]))
    chosen: list[Person] = []
    place = len(order)
    while place:
        place -= 1
        rest = before[place]
        if rest is not None:
            chosen.append(people[order[place]])
            place = rest
    return chosen[::-1]
