"""Classifiers learn from pictures that are decoded as they are drawn, as if all lay in memory."""

import numpy as np
import pyarrow as pa
import pytest
import torch
from torch.nn import functional

from deepfake_adv.studies.classifiers import Classifier, plan_training, train_classifier
from deepfake_adv.studies.pictures import Pictures

RECIPE = {"steps": 5, "batch_size": 6, "learning_rate": 0.01, "seed": 4}


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(0).integers(0, 255, (40, 32, 32, 3), np.uint8)


def pictures_of(pixels, decoded=None):
    labels = np.arange(len(pixels)) % 3

    def decode(places):
        if decoded is not None:
            decoded.append(places)
        return pixels[places]

    return Pictures(decode, 32, labels, pa.array([str(k) for k in range(len(pixels))]), ["a", "b", "c"])


def trained(pictures):
    classifier = Classifier("test_resnet", classes=3, image_size=32)
    train_classifier(classifier, pictures, **RECIPE, workers=2)
    assert not classifier.training
    return classifier.state_dict()


def held_in_memory(pixels, labels):
    """All images as one tensor, drawn from step by step."""
    classifier = Classifier("test_resnet", classes=3, image_size=32)
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
    rng = torch.Generator().manual_seed(RECIPE["seed"])
    optimiser = torch.optim.AdamW(classifier.parameters(), RECIPE["learning_rate"], weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RECIPE["learning_rate"], total_steps=RECIPE["steps"])
    classifier.train()
    for _ in range(RECIPE["steps"]):
        rows = torch.randint(len(images), (RECIPE["batch_size"],), generator=rng)
        batch = images[rows].float() / 255
        if torch.rand((), generator=rng) < 0.5:
            batch = batch.flip(-1)
        loss = functional.cross_entropy(classifier(batch), torch.from_numpy(labels)[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return classifier.state_dict()


def test_weights_are_those_of_training_with_all_images_in_memory(pixels):
    pictures = pictures_of(pixels)
    expected = held_in_memory(pixels, pictures.labels)
    places = np.concatenate([places for places, _ in plan_training(40, steps=5, batch_size=6, seed=4)])
    for source in (pictures, pictures.held(places, workers=2)):
        found = trained(source)
        assert all(torch.equal(found[name], value) for name, value in expected.items())


def test_pictures_are_held_where_they_are_few_and_decoded_again_where_not(pixels):
    decoded = []
    pictures = pictures_of(pixels, decoded)
    places = np.array([7, 3, 7, 1])
    held = pictures.held(places, workers=1)
    assert np.concatenate(decoded).tolist() == [1, 3, 7]
    np.testing.assert_array_equal(held.decode(np.array([3, 7])), pixels[[3, 7]])
    assert len(decoded) == 1
    assert pictures.held(places, workers=1, most=3 * 32 * 32 * 3 - 1) is pictures


def test_some_pictures_keep_what_is_known_of_them(pixels):
    some = pictures_of(pixels).take(np.array([5, 39, 0]))
    assert (len(some), some.names.to_pylist(), some.labels.tolist()) == (3, ["5", "39", "0"], [2, 0, 0])
    np.testing.assert_array_equal(some.decode(np.array([1])), pixels[[39]])
