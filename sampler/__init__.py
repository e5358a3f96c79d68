"""Ask a running program a question; get the answer with its cost and its error bar."""

__version__ = "0.1.0"
