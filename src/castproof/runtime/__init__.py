"""Verdicts from a model file, without PyTorch: what runs at an inspection station."""
