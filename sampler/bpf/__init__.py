"""Plans as programs for the kernel: what a hardware breakpoint runs in the place of a tracer."""
