"""A module a step: what is said before it, and what it does."""
