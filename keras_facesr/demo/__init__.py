"""The page of ``facesr demo``: ``jobs`` and ``photo_jobs`` are what it does, ``page`` and its tabs how it looks."""
