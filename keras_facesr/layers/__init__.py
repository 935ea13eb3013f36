"""Building blocks of the networks; models import them by name from their files."""
