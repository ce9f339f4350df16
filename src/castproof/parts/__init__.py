"""Finds the photos that show the same physical part, whatever the product."""
