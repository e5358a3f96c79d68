"""A comparison as one page: a file that stands for itself, with nothing to be fetched and nothing that runs."""
