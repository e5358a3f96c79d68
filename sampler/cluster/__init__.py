"""`kubectl sampler`: the questions of the command line, asked of pods by the agents on their nodes.

The cluster is reached by kubectl alone, which is run for everything.
"""
