"""Distances between a network's features of faces, in place of pixels. A figure holds for its network only.

With the features of ``face_features`` these are neither LPIPS, FaceNet's distance nor FID, though each is computed as its
counterpart in the literature.
"""

from collections import defaultdict

import numpy as np

TEXTURES = 1  # index of the judge's map, finest first, that depends most on blur and colours, least on whom a face shows


def feature_distance(maps_a, maps_b):
    """Squared difference of feature vectors of length 1, mean over places, mean over maps: (N,), 0 for equal images.

    That is LPIPS (Zhang et al., 2018) without its learned weights.

    Args:
        maps_a, maps_b: lists of feature maps (N, h, w, C) of one network for two batches of images.
    """
    distances = [np.square(_unit(a) - _unit(b)).sum(axis=-1).mean(axis=(1, 2)) for a, b in zip(maps_a, maps_b)]
    return np.mean(distances, axis=0)


def identity_distance(embedding_a, embedding_b):
    """Squared distance of embeddings (N, D), scaled to length 1: (N,), 0 to 4 (FaceNet, Schroff et al., 2015)."""
    return np.square(_unit(embedding_a) - _unit(embedding_b)).sum(axis=-1)


class Gaussian:
    """The Gaussian that fits vectors which come in batches: no vector is kept (Chan, Golub and LeVeque, 1979)."""

    def __init__(self):
        self.count = 0
        self.mean = self.scatter = 0.0  # (D,); (D, D), the sum of the products of deviations from the mean

    def add(self, vectors):
        """Take in (N, D) more of them, N at least 1; returns itself."""
        vectors = np.asarray(vectors, np.float64)
        batch, count = len(vectors), self.count + len(vectors)
        mean = vectors.mean(axis=0)
        deviations, apart = vectors - mean, mean - self.mean
        self.scatter = self.scatter + deviations.T @ deviations + np.outer(apart, apart) * (self.count * batch / count)
        self.mean = self.mean + apart * (batch / count)
        self.count = count
        return self

    @property
    def covariance(self):
        """(D, D), without bias; of two vectors or more."""
        return self.scatter / (self.count - 1)


def frechet_distance(a, b):
    """Fréchet distance of two ``Gaussian`` (Heusel et al., 2017); 0 for equal means and covariances.

    |m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)). The smaller the sets, the larger it is: compare sets of one size only.
    """
    values, vectors = np.linalg.eigh(a.covariance)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T  # (C_a C_b)^(1/2) has the trace of (root C_b root)^(1/2)
    values = np.linalg.eigvalsh(root @ b.covariance @ root)  # negative values come from rounding
    traces = np.trace(a.covariance + b.covariance) - 2 * np.sum(np.sqrt(np.maximum(values, 0)))
    return float(np.sum((a.mean - b.mean) ** 2) + traces)


def impressions(seen):
    """The features by which sets of faces are compared.

    Args:
        seen: a judge's features of faces: list of maps (N, h, w, C), finest first, at least two; and embeddings (N, D).

    Returns:
        ``{"textures": (N, C), "frechet": (N, D)}``: the spatial means of the map ``TEXTURES``, which tell how the pictures were
        made; and the embeddings, which tell whom they show and how the faces are framed.
    """
    maps, embeddings = seen
    return {"textures": np.mean(maps[TEXTURES], axis=(1, 2)), "frechet": embeddings}


class SeenSet:
    """A set of faces, in batches, as it is compared with another one: a ``Gaussian`` for each of their ``impressions``."""

    def __init__(self):
        self.gaussians = defaultdict(Gaussian)

    def add(self, impressions):
        """Take in the impressions of a batch, figure -> (N, D); returns itself."""
        for figure, vectors in impressions.items():
            self.gaussians[figure].add(vectors)
        return self

    def distances(self, other):
        """Fréchet distance to another set by each figure; of fewer than two faces there is none."""
        pairs = {figure: (gaussian, other.gaussians[figure]) for figure, gaussian in self.gaussians.items()}
        return {figure: frechet_distance(*pair) for figure, pair in pairs.items() if pair[0].count > 1}


def likeness(look, truth):
    """Distances of one answer from the truth, of what a judge sees in each (``look_at``): ``{"features", "identity"}``."""
    features, identity = feature_distance(look[0], truth[0]), identity_distance(look[1], truth[1])
    return {"features": float(features.item()), "identity": float(identity.item())}


def likeness_of_samples(looks, truth):
    """The smallest distances of n samples from the truth, and the mean distance between samples.

    ``{"features_best", "identity_best", "features_diversity"}`` of what a judge sees in the samples, and in the truth.
    """
    maps, embeddings = looks
    return {
        "features_best": float(feature_distance(maps, truth[0]).min()),
        "identity_best": float(identity_distance(embeddings, truth[1]).min()),
        "features_diversity": float(np.mean([_mean_over_pairs(_unit(features)) for features in maps])),
    }


def _mean_over_pairs(vectors):
    """Mean |a - b|^2 over all pairs of n images' vectors (n, h, w, C) and over places; 0 for one image.

    It is twice their variance without bias, so no pair is made: of 100 images there are 4950.
    """
    return 2 * np.var(vectors, axis=0, ddof=1).sum(axis=-1).mean() if len(vectors) > 1 else 0.0


def look_at(seen, index):
    """What a judge sees in one image of a batch."""
    maps, embeddings = seen
    return [features[index : index + 1] for features in maps], embeddings[index : index + 1]


def _unit(vectors):
    vectors = np.asarray(vectors, np.float64)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-10)
