"""Pictures of comparisons, one a module, and of the time of one look. matplotlib is loaded when one is drawn."""

from __future__ import annotations

#: Of a comparison, in the order in which they tell it.
NAMES = ("slowdown", "values", "suspended", "sweep")
THEMES = ("light", "dark")
