"""Compiled kernels, one module for each instruction-set level. ``cyact.cpu`` chooses; nothing here is public."""
