"""Chooses one of several faces in view: by the forgery's mask, else the face that fills most of a shot."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from deepfake_adv.faces.box import FaceBox, iou

# Boxes of one person in two successive examined frames overlap by 0.5 or more, since the search examines frames between
# them until they do or are neighbours; boxes of two people side by side hardly overlap.
_SAME_PERSON: Final = 0.1
_TOUCHED: Final = 0.1  # share of a mask's pixels; a face that no mask ever touches is not the forged one


class Picked(NamedTuple):
    """The chosen faces, and the number of other people.

    Attributes:
        faces: Per frame the index of the chosen face, None where the person was not seen.
        others: Number of other people, counted as tracks; a person who leaves the picture and returns elsewhere is
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
    """Choose at most one face per frame: in each shot the people whose faces fill most of it.

    Faces are first linked to people by their overlap, also across frames in which a person was missed. Then those
    people are chosen whose scores have the largest sum and of whom no two are in the shot at the same time. So a
    person who is missed in some frames is not replaced there by another, and movement does not lower a score.

    Args:
        candidates: The faces of each frame, possibly none; on a tie the locator's first face is chosen.
        scores: Per frame the share of the forgery's mask that each face holds; people whom no mask touches are then
            never chosen. None: the face's area divided by the largest area.
        weights: Weight of each frame, such as the number of frames that it represents; None for 1 each.
        shots: Number of each frame's shot; None if all frames are one shot.
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
    """The people of all shots, in order of their first frame; pairs with the largest overlap are linked first.

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
    """The people with the largest total score of whom no two are in view together (weighted interval scheduling)."""
    order = sorted(range(len(people)), key=lambda k: (people[k].end, k))
    ends = [people[k].end for k in order]
    best = [0.0]
    before: list[int | None] = []  # number of the first people to continue with if this one is chosen, else None
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
