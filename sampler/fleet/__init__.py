"""Several targets asked the same question in one run: each by a recorder of its own, all seen together."""
