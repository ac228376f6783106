"""Attacks between image classifiers: attack MANIFESTS OUTPUT."""

from pathlib import Path

import torch

from deepfake_adv.files import write_json
from deepfake_adv.params.load import load_params
from deepfake_adv.stage import run_stage
from deepfake_adv.studies.classifiers import Classifier, train_classifier
from deepfake_adv.studies.images import images_to_attack
from deepfake_adv.studies.transfer import adversarial_accuracy, settings
from deepfake_adv.training.device import choose_device
from deepfake_adv.training.provenance import device_name, versions

FACTS = {"table_reading", "fgsm_epsilon", "pgd_steps", "kernel_size", "kernel_sizes", "starts"}


def main(manifests: Path, output: Path) -> None:
    """Load or train the classifiers, attack each, judge by all."""
    params = load_params("attack", "device")
    attack = params.attack
    device = choose_device(params.device.accelerator)
    train, test = images_to_attack(manifests, **attack.images.model_dump(exclude={"batch_size"}))
    classifiers: dict[str, torch.nn.Module] = {}
    for name, entry in attack.classifiers.items():
        classifier = Classifier(
            entry.architecture,
            classes=None if train is None else len(train.names),
            image_size=entry.image_size,
            pretrained=entry.pretrained,
            seed=attack.training.seed,
        ).to(device)
        if train is not None:
            train_classifier(classifier, train.images, train.labels, **attack.training.model_dump())
        classifiers[name] = classifier.eval()
    wanted = settings(
        {name: reading.model_dump() for name, reading in attack.readings.items()},
        **attack.model_dump(include=FACTS),
    )
    cells = adversarial_accuracy(
        classifiers, test.images, test.labels, wanted, batch_size=attack.images.batch_size, seed=attack.training.seed
    )
    facts: dict[str, object] = {"source": attack.images.source, "classes": len(test.names), "images": len(test.images)}
    facts |= {"versions": versions(), "device": device_name(device), "params": attack.model_dump(mode="json")}
    write_json(output, {"cells": cells, "provenance": facts})


if __name__ == "__main__":
    run_stage("attack", main)
