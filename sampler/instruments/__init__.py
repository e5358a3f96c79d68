"""The ways of asking, one a module."""
