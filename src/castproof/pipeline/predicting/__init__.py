"""Verdicts on many photos: what is judged, by what, and where the rows go."""
