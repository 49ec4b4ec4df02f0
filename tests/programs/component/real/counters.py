"""The guest's resource: componentize-py looks for it in a module of its interface's name."""

from wit_world import exports


class Counter(exports.counters.Counter):
    alive = 0

    def __init__(self, start):
        self.at = start
        Counter.alive += 1

    def __del__(self):
        Counter.alive -= 1

    def next(self):
        self.at += 1
        return self.at

    def merge(self, other):
        return self.at + other.at

    @staticmethod
    def take(it):
        return it.at
