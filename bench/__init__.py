"""Measurements of what asking costs, each made in one run and taken from the target itself."""
