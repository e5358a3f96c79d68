"""One question, every instrument, in turns: what each sees, and what it takes from the target."""
