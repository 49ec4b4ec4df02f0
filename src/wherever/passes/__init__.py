"""Analyses and rewrites of the IR: what a block reads, what a function keeps, how control nests."""
