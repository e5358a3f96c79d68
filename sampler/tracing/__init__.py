"""Tracing: probes that every hit pays for, set by bpftrace or by BCC, counted and summed up in the kernel."""
