"""Distances between a network's features of faces, in place of pixels. A figure holds for its network only.

With the features of ``face_features`` these are neither LPIPS, FaceNet's distance nor FID, though each is computed as its
counterpart in the literature.
"""

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


def frechet_distance(embeddings_a, embeddings_b):
    """Fréchet distance of the Gaussians fitted to two sets (Heusel et al., 2017); 0 for equal means and covariances.

    |m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)). The smaller the sets, the larger it is: compare sets of one size only.

    Args:
        embeddings_a, embeddings_b: (N, D) and (M, D), at least two of each.
    """
    means = [np.mean(embeddings, axis=0, dtype=np.float64) for embeddings in (embeddings_a, embeddings_b)]
    covariances = [np.cov(embeddings, rowvar=False, dtype=np.float64) for embeddings in (embeddings_a, embeddings_b)]
    a, b = (np.atleast_2d(covariance) for covariance in covariances)
    values, vectors = np.linalg.eigh(a)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T  # (C_a C_b)^(1/2) has the trace of (root C_b root)^(1/2)
    values = np.linalg.eigvalsh(root @ b @ root)  # negative values come from rounding
    return float(np.sum((means[0] - means[1]) ** 2) + np.trace(a + b) - 2 * np.sum(np.sqrt(np.maximum(values, 0))))


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


def distances_of_sets(impressions_a, impressions_b):
    """Fréchet distances of two sets by each of their ``impressions``."""
    return {figure: frechet_distance(features, impressions_b[figure]) for figure, features in impressions_a.items()}


def _unit(vectors):
    vectors = np.asarray(vectors, np.float64)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-10)
