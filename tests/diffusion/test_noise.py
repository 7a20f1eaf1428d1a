"""Starting noise: a seed's own, everywhere, beside anybody."""

from __future__ import annotations

import pytest
import torch
from diffusers.utils.torch_utils import randn_tensor
from hypothesis import given
from hypothesis import strategies as st

from generation.diffusion.noise import initial_noise

pytestmark = pytest.mark.diffusion

seeds = st.integers(0, 2**32 - 1)


@given(mine=seeds, others=st.lists(seeds, max_size=4), place=st.integers(0, 4))
def test_a_seeds_noise_does_not_depend_on_its_neighbours(mine: int, others: list[int], place: int):
    batch = [*others[:place], mine, *others[place:]]
    assert torch.equal(initial_noise(batch, 8, 6)[batch.index(mine)], initial_noise([mine], 8, 6)[0])


def test_it_is_what_stock_draws():
    generators = [torch.Generator("cpu").manual_seed(seed) for seed in (1, 2**32 - 1)]
    stock = randn_tensor((2, 4, 16, 24), generator=generators, device=torch.device("cpu"), dtype=torch.float32)
    assert torch.equal(initial_noise([1, 2**32 - 1], 16, 24), stock)


def test_it_is_the_same_on_every_machine():
    """torch promises that its CPU generator (MT19937) gives one sequence a seed."""
    expected = torch.tensor([1.926915, 1.487284, 0.900717, -2.105521])
    assert torch.allclose(initial_noise([42], 8, 8)[0, 0, 0, :4], expected, atol=1e-6)


def test_two_seeds_differ():
    one, two = initial_noise([1, 2], 8, 8)
    assert not torch.allclose(one, two, atol=0.1)


def test_nothing_else_random_is_touched_or_touches_it():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    with torch.device("meta"):
        noise = initial_noise([9], 8, 8)
    assert torch.equal(torch.rand(3), expected)
    assert noise.device.type == "cpu"
    assert torch.equal(noise, initial_noise([9], 8, 8))
