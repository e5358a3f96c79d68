"""The compiled expression: registers, reads, constants and operations, with types and no names left."""
