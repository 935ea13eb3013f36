"""Fidelity to the truth, the answers of stochastic models, one protocol for all; knows nothing of models."""
