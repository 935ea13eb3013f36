"""Pictures and data sets: reading, degrading, caching and feeding; knows nothing of models."""
