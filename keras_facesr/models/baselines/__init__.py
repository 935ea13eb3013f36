"""The methods that the papers compare with, one short file each."""
