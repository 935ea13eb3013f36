"""Fidelity to the truth, the many answers of stochastic models, and one protocol for all; imports no model."""
