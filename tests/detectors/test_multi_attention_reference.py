"""A complete training pass against a slow float64 reference, written image by image and region by region.

The reference knows the weights by name and nothing of the modules: every batch normalisation, convolution of a group,
pooling and loss is written out again, after the authors' description and code.
"""

import pytest
import torch
from torch.nn import functional

from deepfake_adv.detectors.multi_attention import MultiAttention, attention_guided

REGIONS, RATE = 4, 0.05
LABELS = torch.tensor([0, 1, 1, 0])
MARGINS = {"paper": (0.05, 0.1, 0.2), "release": (0.2, 0.8, 0.8)}  # real, fake, between centres


@pytest.fixture(params=["paper", "release"])
def variant(request):
    return request.param


@pytest.fixture
def detector(variant):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = MultiAttention(model="test_efficientnet", attention_stage=4, variant=variant).double().train()
        for name, weight in made.named_parameters():
            if not name.startswith("backbone") and weight.ndim == 1:
                weight.data += 0.3 * torch.rand_like(weight)  # norms that shift and scale, or a missing one is not seen
        made.centres.normal_(std=0.02)  # near each other, so that the paper's margin counts
    made.centre_rate.fill_(RATE)  # not the nearest float32
    made.head.whole[0].p = 0.0
    return made


@pytest.fixture
def images():
    return torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def batch_norm(maps, norm):
    """One channel after another, by the batch's own mean and variance or, in eval mode, what was learnt of them."""
    columns = []
    for channel in range(maps.shape[1]):
        column = maps[:, channel]
        mean = column.mean() if norm.training else norm.running_mean[channel]
        spread = ((column - mean) ** 2).mean() if norm.training else norm.running_var[channel]
        columns.append((column - mean) / (spread + norm.eps).sqrt() * norm.weight[channel] + norm.bias[channel])
    return torch.stack(columns, 1)


def grouped(maps, weight, groups, padding):
    """A convolution of each group on its own."""
    parts = zip(maps.chunk(groups, 1), weight.chunk(groups, 0), strict=True)
    return torch.cat([functional.conv2d(part, own, padding=padding) for part, own in parts], 1)


def joined(maps, added, groups):
    """Channels of the same group next to each other."""
    parts = zip(maps.chunk(groups, 1), added.chunk(groups, 1), strict=True)
    return torch.cat([part for pair in parts for part in pair], 1)


def texture_of(block, maps, groups, first_padding):
    """BN, ReLU and a convolution each time, the last one's BN without ReLU."""
    grown = grouped(maps, block.first.weight, groups, first_padding)
    for norm, _, convolution in block.layers:
        grown = joined(grown, grouped(batch_norm(grown, norm).clamp(min=0), convolution.weight, groups, 1), groups)
    inner, _, convolution, outer = block.last
    return batch_norm(grouped(batch_norm(grown, inner).clamp(min=0), convolution.weight, groups, 0), outer)


def enlarged(maps, size):
    return functional.interpolate(maps, size, mode="bilinear", align_corners=True)


def pooled_vectors(maps, attention):
    """Unit vectors ``(M, C)`` of one image: the sum over space of attention times each channel."""
    attention = enlarged(attention[None], maps.shape[-2:])[0]
    rows = []
    for region in range(REGIONS):
        own = maps[region] if maps.ndim == 4 else maps
        row = torch.stack([(attention[region] * channel).sum() for channel in own])
        rows.append(row / row.norm())
    return torch.stack(rows)


def regions_of(detector, variant, shallow, attention):
    """Texture vectors ``(B, M, C)`` for the head, and those of the averages for the loss."""
    if variant == "release":
        shallow = functional.conv2d(shallow, detector.texture.conv.weight, padding=1)
    averages = functional.adaptive_avg_pool2d(shallow, attention.shape[-2:])
    size = shallow.shape[-2:]
    rest = shallow - functional.interpolate(averages, size, mode="nearest")
    if variant == "release":
        gates = enlarged(attention.detach(), size).tanh()
        rest = torch.cat([rest * gates[:, region : region + 1] for region in range(REGIONS)], 1)
        texture = texture_of(detector.texture.dense, rest, REGIONS, 2).clamp(min=0)
        texture = texture.unflatten(1, (REGIONS, -1))
    else:
        texture = texture_of(detector.texture.dense, rest, 1, 0)
    centred = averages - averages.mean((2, 3), keepdim=True)
    plain = centred / (centred.pow(2).mean((2, 3), keepdim=True) + 1e-5).sqrt()
    pairs = [(pooled_vectors(t, a), pooled_vectors(p, a)) for t, p, a in zip(texture, plain, attention, strict=True)]
    return torch.stack([one for one, _ in pairs]), torch.stack([other for _, other in pairs])


def logits_of(detector, last, attention, vectors, keep):
    """Both branches see the regions kept, and no others."""
    rows = []
    for image in range(len(last)):
        weights = sum(
            keep[image, r] * enlarged(attention[image : image + 1, r : r + 1], last.shape[-2:]) for r in range(4)
        )
        weights = weights[0, 0] + 1e-8
        mean = torch.stack([(channel * weights).sum() for channel in last[image]]) / weights.sum()
        local = torch.cat([keep[image, region] * vectors[image, region] for region in range(REGIONS)])
        rows.append((mean, local))
    return detector.head(torch.stack([mean for mean, _ in rows]), torch.stack([local for _, local in rows]))


def moved(centres, vectors, variant):
    change = torch.zeros_like(centres)
    for vector, label in zip(vectors, LABELS.tolist(), strict=True):
        if variant == "paper" or label == 0:
            change = change + (vector - centres) / len(LABELS)
    return centres + RATE * change


def independence(vectors, centres, variant):
    real, fake, apart = MARGINS[variant]
    terms = []
    for vector, label in zip(vectors, LABELS.tolist(), strict=True):
        if variant == "release":
            distance = (vector - centres).pow(2).sum().sqrt()
            terms.append((distance - real if label == 0 else fake - distance).clamp(min=0))
        else:
            margin = fake if label else real
            terms += [
                ((row - own).pow(2).sum().sqrt() - margin).clamp(min=0)
                for row, own in zip(vector, centres, strict=True)
            ]
    pairs = [(j, k) for j in range(REGIONS) for k in range(j + 1, REGIONS)]
    inter = sum((apart - (centres[j] - centres[k]).pow(2).sum().sqrt()).clamp(min=0) for j, k in pairs)
    mean = sum(terms) / len(terms)
    return 0.5 * (mean + inter / REGIONS / RATE) if variant == "release" else mean + inter


class Watched:
    """What passes of the detector went through, one entry each.

    Attributes:
        passes: Shallow maps and attention.
        lasts: The backbone's last maps.
        keep: ``(B, M)``, factors of the regions.
    """

    def __init__(self, detector):
        self.passes, self.lasts, self.keep = [], [], []
        detector.texture.register_forward_hook(lambda _, given, __: self.passes.append(given))
        detector.backbone.bn2.register_forward_hook(lambda _, __, last: self.lasts.append(last))
        detector.region_dropout.register_forward_hook(lambda _, __, keep: self.keep.append(keep[..., 0]))


def test_a_training_pass_is_the_references(detector, variant, images):
    before, watched = detector.centres.clone(), Watched(detector)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        found = detector.training_terms(images, LABELS, None)
    (shallow, attention), (copy_shallow, copy_attention) = watched.passes
    copy_keep, keep = watched.keep  # the copy is classified first
    assert 0 < (keep == 0).sum() < keep.numel()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        drawn = attention_guided(images, attention.detach(), detector.values)[1]

    texture, vectors = regions_of(detector, variant, shallow, attention)
    copy_texture, copy_vectors = regions_of(detector, variant, copy_shallow, copy_attention)
    centres = moved(before, vectors, variant)
    assert torch.pdist(centres).min() < MARGINS[variant][2]
    copy_logits = logits_of(detector, watched.lasts[1], copy_attention, copy_texture, copy_keep)
    expected = {
        "independence": independence(vectors, centres, variant),
        "degraded": functional.cross_entropy(copy_logits, LABELS),
    }
    if variant == "release":
        distances = (vectors - copy_vectors).pow(2).sum(2).sqrt()
        kept = [distances[i, r] for i in range(4) for r in range(REGIONS) if r != drawn[i]]
        expected["match"] = 0.1 * sum(kept) / distances.numel()
    logits = logits_of(detector, watched.lasts[0], attention, texture, keep)

    torch.testing.assert_close(found.logits, logits, rtol=1e-9, atol=1e-12)
    assert found.auxiliary.keys() == expected.keys()
    weights = [weight for weight in detector.parameters() if weight.requires_grad]
    for name, term in expected.items():
        torch.testing.assert_close(
            found.auxiliary[name], term, rtol=1e-9, atol=1e-12, msg=lambda text, n=name: n + text
        )
        ours, theirs = (
            torch.autograd.grad(value, weights, retain_graph=True, allow_unused=True, materialize_grads=True)
            for value in (found.auxiliary[name], term)
        )
        for one, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-7, atol=1e-10, msg=lambda text, n=name: n + text)
    torch.testing.assert_close(detector.centres, moved(centres, copy_vectors, variant).detach())


@torch.no_grad()
def test_a_scored_image_is_the_references_too(detector, variant, images):
    """In eval mode no region is dropped; batch normalisation takes what it has learnt."""
    detector(images)
    watched = Watched(detector.eval())
    found = detector(images)
    (shallow, attention), last = watched.passes[0], watched.lasts[0]
    texture = regions_of(detector, variant, shallow, attention)[0]
    expected = logits_of(detector, last, attention, texture, torch.ones(4, REGIONS, dtype=torch.float64))
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)
