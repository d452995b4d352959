"""Pictures to feature points: three convolutions and a spatial soft-argmax, under parameters stacked over tasks."""

from __future__ import annotations

import math

import torch
from torch.nn.functional import conv2d

from algorithms.policies.parameters import Parameters

#: filters, their size and stride, layer by layer (GMPS, Appendix C)
LAYERS = ((16, 5, 3), (16, 3, 3), (16, 3, 1))
#: numbers that a picture becomes: a point for each filter of the last layer
POINTS = 2 * LAYERS[-1][0]


def initial_filters(colours: int, generator: torch.Generator, dtype: torch.dtype = torch.float32) -> Parameters:
    """Xavier-uniform filters "filter0" [filters, colours, size, size], ..., and biases "offset0", ... of 0."""
    parameters: Parameters = {}
    before = colours
    for layer, (filters, size, _) in enumerate(LAYERS):
        bound = math.sqrt(6 / ((before + filters) * size**2))
        uniform = torch.rand(filters, before, size, size, generator=generator, dtype=dtype)
        parameters[f"filter{layer}"] = (2 * uniform - 1) * bound
        parameters[f"offset{layer}"] = torch.zeros(filters, dtype=dtype)
        before = filters
    return parameters


def feature_points(images: torch.Tensor, parameters: Parameters) -> torch.Tensor:
    """[task, n, 2 filters] of images [task, n, height, width, colours], under the parameters [task, ...].

    ReLU after each convolution.  Edges are padded with zeros so that a layer of stride s leaves one number of s,
    rounded up.  All tasks are one convolution, in groups.
    """
    tasks, count, _, _, colours = images.shape
    # colours of all tasks beside each other: [n, task * colours, height, width]
    maps = images.permute(1, 0, 4, 2, 3).reshape(count, tasks * colours, *images.shape[2:4])
    for layer, (_, size, stride) in enumerate(LAYERS):
        filters, offsets = parameters[f"filter{layer}"], parameters[f"offset{layer}"]
        padding = [_padding(length, size, stride) for length in maps.shape[-2:]]
        maps = conv2d(maps, filters.flatten(0, 1), offsets.flatten(), stride, padding, groups=tasks)
        maps = torch.relu(maps)
    return soft_argmax(maps).reshape(count, tasks, -1).transpose(0, 1)


def soft_argmax(maps: torch.Tensor) -> torch.Tensor:
    """[..., filters * 2]: for each map [..., filters, height, width] the mean place under its softmax.

    (x, y) in [-1, 1], from left to right and from top to bottom (Levine, Finn, Darrell and Abbeel 2016, Section 5.2).
    """
    height, width = maps.shape[-2:]
    shares = torch.softmax(maps.flatten(-2), -1).reshape(maps.shape)
    across = torch.linspace(-1, 1, width, dtype=maps.dtype)
    down = torch.linspace(-1, 1, height, dtype=maps.dtype)
    points = torch.stack([(shares.sum(-2) * across).sum(-1), (shares.sum(-1) * down).sum(-1)], dim=-1)
    return points.flatten(-2)


def _padding(length: int, size: int, stride: int) -> int:
    """Zeros on either side, so that ceil(length / stride) numbers are left."""
    lacking = (math.ceil(length / stride) - 1) * stride + size - length
    return math.ceil(max(lacking, 0) / 2)
