"""Distances of what a network sees in faces, in place of their pixels. Names and figures belong to the network.

With the features of ``face_features`` these are neither LPIPS, FaceNet's distance nor FID, though each is made as its
model in the literature is.
"""

import numpy as np

TEXTURES = 1  # of a judge's maps, finest first, the one that blur and colours move most, and who is shown least


def feature_distance(maps_a, maps_b):
    """Squared difference of feature vectors of length 1, mean over places, mean over maps: (N,), 0 for equal images.

    That is LPIPS (Zhang et al., 2018) without its learned weights.

    Args:
        maps_a, maps_b: lists of feature maps (N, h, w, C), those of one network for two batches of images.
    """
    distances = [np.square(_unit(a) - _unit(b)).sum(axis=-1).mean(axis=(1, 2)) for a, b in zip(maps_a, maps_b)]
    return np.mean(distances, axis=0)


def identity_distance(embedding_a, embedding_b):
    """Squared distance of embeddings (N, D), brought to length 1: (N,), 0 to 4 (FaceNet, Schroff et al., 2015)."""
    return np.square(_unit(embedding_a) - _unit(embedding_b)).sum(axis=-1)


def frechet_distance(embeddings_a, embeddings_b):
    """Fréchet distance of two sets, each taken for a Gaussian (Heusel et al., 2017); 0 for equal means and covariances.

    |m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)). It is the larger the fewer there are: compare sets of one size.

    Args:
        embeddings_a, embeddings_b: (N, D) and (M, D), at least two of each.
    """
    means = [np.mean(embeddings, axis=0, dtype=np.float64) for embeddings in (embeddings_a, embeddings_b)]
    covariances = [np.cov(embeddings, rowvar=False, dtype=np.float64) for embeddings in (embeddings_a, embeddings_b)]
    a, b = (np.atleast_2d(covariance) for covariance in covariances)
    values, vectors = np.linalg.eigh(a)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T  # (C_a C_b)^(1/2) has the trace of (root C_b root)^(1/2)
    values = np.linalg.eigvalsh(root @ b @ root)  # what is negative is rounding
    return float(np.sum((means[0] - means[1]) ** 2) + np.trace(a + b) - 2 * np.sum(np.sqrt(np.maximum(values, 0))))


def impressions(seen):
    """What sets of faces are compared by, of what a judge sees in some.

    Args:
        seen: list of feature maps (N, h, w, C), finest first, at least two; and embeddings (N, D).

    Returns:
        ``{"textures": (N, C), "frechet": (N, D)}``: features of how the pictures were made, means over places of the map
        ``TEXTURES``; and the embeddings, of whom they show and how the faces are framed.
    """
    maps, embeddings = seen
    return {"textures": np.mean(maps[TEXTURES], axis=(1, 2)), "frechet": embeddings}


def distances_of_sets(impressions_a, impressions_b):
    """Fréchet distances of two sets by each of their ``impressions``."""
    return {figure: frechet_distance(features, impressions_b[figure]) for figure, features in impressions_a.items()}


def _unit(vectors):
    vectors = np.asarray(vectors, np.float64)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-10)
