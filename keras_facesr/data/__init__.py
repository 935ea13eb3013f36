"""Pictures and data sets: reading, degrading, caching and feeding; imports no model."""
