"""What every attack of the registry owes its users."""

import pytest
import torch

from deepfake_adv.attacks.ascent import ascend
from deepfake_adv.attacks.registry import ATTACKS, build_attack

FORMS = [(name, arguments) for name in ATTACKS for arguments in ATTACKS[name].tiny]
FORM_NAMES = [f"{name}-{number}" for number, (name, _) in enumerate(FORMS)]


def build(form):
    return build_attack(form[0], **form[1])


def seeded():
    return torch.Generator().manual_seed(11)


def state(model):
    return (
        [module.training for module in model.modules()],
        [weight.requires_grad for weight in model.parameters()],
        [None if weight.grad is None else weight.grad.clone() for weight in model.parameters()],
        {name: value.clone() for name, value in model.state_dict().items()},
    )


def assert_same_state(first, second):
    assert first[:2] == second[:2]
    for before, after in zip(first[2], second[2], strict=True):
        assert before is after is None or torch.equal(before, after)
    assert all(torch.equal(value, second[3][name]) for name, value in first[3].items())


def test_registry_holds_the_papers_attacks():
    assert set(ATTACKS) >= {"fgsm", "iterative_fgsm", "pgd", "stadv", "blur", "blur_multistep"}


@pytest.mark.parametrize("name", ATTACKS)
def test_every_argument_has_a_default_and_an_explanation(name):
    fields = ATTACKS[name].Params.model_fields
    assert fields
    assert [key for key, field in fields.items() if field.is_required() or not field.description] == []


def test_equal_arguments_make_equal_attacks():
    assert build_attack("blur", start=2) == build_attack("blur", start=2.0) != build_attack("blur")
    assert hash(build_attack("blur", start=2)) == hash(build_attack("blur", start=2.0))
    assert build_attack("blur", steps=3) != build_attack("blur_multistep")
    assert "epsilon=0.25" in repr(build_attack("stadv"))


@pytest.mark.parametrize("form", FORMS, ids=FORM_NAMES)
def test_loss_rises_for_every_image(form, classifier, batch):
    result = ascend(build(form), classifier, *batch, rng=seeded(), measure=True)
    # a step follows the slope at its start: an image that is all but certain, right or wrong, may move back by a trace
    assert (result.loss_after >= 0.95 * result.loss_before - 1e-3).all()
    assert result.loss_after.mean() > 1.02 * result.loss_before.mean()
    assert result.images.shape == batch[0].shape
    assert not result.images.requires_grad
    assert -1e-6 <= result.images.min() <= result.images.max() <= 1 + 1e-6


@pytest.mark.parametrize("form", FORMS, ids=FORM_NAMES)
def test_model_is_left_as_found(form, classifier, batch):
    before = state(classifier)
    with torch.no_grad():
        ascend(build(form), classifier, *batch, rng=seeded())
    assert_same_state(before, state(classifier))


@pytest.mark.parametrize("form", FORMS, ids=FORM_NAMES)
def test_generator_decides_the_result(form, classifier, batch):
    first, second = (ascend(build(form), classifier, *batch, rng=seeded()) for _ in range(2))
    assert torch.equal(first.images, second.images)


@pytest.mark.parametrize(
    "form", [form for form in FORMS if not getattr(build(form).params, "random_start", False)], ids=lambda form: form[0]
)
def test_images_do_not_depend_on_their_batch(form, classifier, batch):
    images, labels = (tensor[:4] for tensor in batch)
    images = images.double()
    model = classifier.double()
    try:
        whole = ascend(build(form), model, images, labels)
        for i in range(4):
            single = ascend(build(form), model, images[i : i + 1], labels[i : i + 1])
            torch.testing.assert_close(whole.images[i : i + 1], single.images, rtol=0, atol=1e-9)
    finally:
        classifier.float()


@pytest.mark.parametrize("form", FORMS, ids=FORM_NAMES)
def test_works_under_autocast_and_inference_mode(form, classifier, batch):
    images, labels = batch
    with torch.autocast("cpu", torch.bfloat16):
        result = ascend(build(form), classifier, images, labels, rng=seeded(), measure=True)
    assert torch.isfinite(result.loss_after).all()
    with torch.inference_mode():
        inside = ascend(build(form), classifier, images * 1, labels * 1, rng=seeded())
    assert torch.equal(inside.images, ascend(build(form), classifier, images, labels, rng=seeded()).images)


def test_unknown_names_get_a_hint():
    with pytest.raises(ValueError, match="Did you mean 'iterative_fgsm'"):
        build_attack("iterative_fgms")
    with pytest.raises(ValueError, match="Did you mean 'kernel_size'"):
        build_attack("blur", kernelsize=3)
    with pytest.raises(ValueError, match="Name one of them"):
        build_attack("xyz")
