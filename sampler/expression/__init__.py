"""The language of questions: one grammar for Go and C."""
