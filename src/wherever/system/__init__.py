"""Granted things: directories, files, streams, clocks, randomness and sockets, whatever the ABI.

A resource is implemented once, here, under a policy; the adapters in `hosts` can open only what
they were handed. See README.md.
"""
