import pytest
import torch

from deepfake_adv.detectors.multi_attention import region_vectors, standardised, weighted_mean
from deepfake_adv.detectors.multi_attention_parts import AttentionHead, GroupedTexture, PlainTexture


@pytest.mark.parametrize(("side", "border"), [(24, 2), (12, 1), (4, 0)])
def test_attention_is_positive_inside_and_zero_along_the_border(side, border):
    torch.manual_seed(0)
    with torch.no_grad():
        maps = AttentionHead(8, 3)(torch.randn(2, 8, side, side))
    assert maps.shape == (2, 3, side, side)
    inside = maps[:, :, border : side - border, border : side - border]
    assert (inside > 0).all()
    assert maps.sum() == pytest.approx(inside.sum().item(), rel=1e-5)


@pytest.mark.parametrize("grouped", [False, True])
def test_textures_pool_to_unit_vectors_as_by_loops(grouped):
    torch.manual_seed(0)
    maps = torch.randn(2, *((3,) if grouped else ()), 5, 4, 6, dtype=torch.float64)
    attention = torch.rand(2, 3, 4, 6, dtype=torch.float64)
    vectors = region_vectors(maps, attention)
    for image in range(2):
        for region in range(3):
            own = maps[image, region] if grouped else maps[image]
            expected = torch.stack([(attention[image, region] * channel).sum() for channel in own])
            torch.testing.assert_close(vectors[image, region], expected / expected.norm())


def test_attention_is_brought_to_the_size_of_the_maps():
    maps, attention = torch.rand(1, 2, 9, 9), torch.ones(1, 1, 3, 3)
    torch.testing.assert_close(region_vectors(maps, attention), region_vectors(maps, torch.ones(1, 1, 9, 9)))


def test_standardised_channels_have_mean_0_and_variance_1():
    maps = standardised(3 + 2 * torch.randn(2, 4, 8, 8))
    torch.testing.assert_close(maps.mean((2, 3)), torch.zeros(2, 4), atol=1e-5, rtol=0)
    torch.testing.assert_close(maps.var((2, 3), correction=0), torch.ones(2, 4), atol=1e-3, rtol=0)


def test_without_any_attention_the_weighted_mean_is_the_plain_one():
    maps, attention = torch.randn(2, 3, 4, 6), torch.rand(2, 5, 4, 6)
    keep = torch.zeros(2, 5, 1)
    torch.testing.assert_close(weighted_mean(maps, attention, keep), maps.mean((2, 3)))
    keep[:, 2] = 4 / 3
    weights = attention[:, 2] / attention[:, 2].sum((1, 2), keepdim=True)
    torch.testing.assert_close(weighted_mean(maps, attention, keep), (maps * weights[:, None]).sum((2, 3)))
    half = weighted_mean(maps.half(), attention.half(), torch.zeros(2, 5, 1).half())
    torch.testing.assert_close(half, maps.half().float().mean((2, 3)))  # the trace of attention is nothing in float16


@pytest.mark.parametrize("module", [PlainTexture, lambda channels: GroupedTexture(channels, 2)])
def test_a_map_as_small_as_the_attention_keeps_its_texture(module):
    torch.manual_seed(0)
    texture = module(4).eval()
    maps = texture(torch.randn(1, 4, 6, 6), torch.rand(1, 2, 6, 6))[0]
    assert maps.std() > 0
    assert (maps - texture(torch.randn(1, 4, 6, 6), torch.rand(1, 2, 6, 6))[0]).abs().max() > 0


def test_the_papers_texture_is_blind_to_what_averaging_keeps():
    torch.manual_seed(0)
    texture = PlainTexture(4).eval()
    shallow, attention = torch.randn(1, 4, 8, 8), torch.rand(1, 2, 4, 4)
    brighter = shallow + torch.randn(1, 4, 1, 1)
    torch.testing.assert_close(texture(shallow, attention)[0], texture(brighter, attention)[0], atol=1e-5, rtol=1e-4)


def test_groups_of_the_authors_texture_see_their_own_attention_only():
    torch.manual_seed(0)
    texture = GroupedTexture(4, 3).eval()
    shallow, attention = torch.randn(1, 4, 8, 8), torch.rand(1, 3, 4, 4)
    other = attention.clone()
    other[:, 1] *= 2
    before, after = texture(shallow, attention)[0], texture(shallow, other)[0]
    changed = (before - after).flatten(2).abs().amax(2)[0]
    assert changed[1] > 0
    assert changed[0] == changed[2] == 0
