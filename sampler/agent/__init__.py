"""The agent on a node: it knows of every run there, writes down who asks what, and ends all when its time is up."""
