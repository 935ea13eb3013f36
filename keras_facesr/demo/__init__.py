"""The page of ``facesr demo``: ``jobs`` is what it does, ``page`` how it looks."""
