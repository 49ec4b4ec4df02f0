"""The guest in Python: what `everything.wit` exports, each value given back as it came."""

import gc

from componentize_py_types import Err
from counters import Counter
from wit_world import exports
from wit_world.exports import values
from wit_world.imports import log


class Values(exports.Values):
    def echo_bool(self, v):
        return v

    def echo_u8(self, v):
        return v

    def echo_s8(self, v):
        return v

    def echo_u16(self, v):
        return v

    def echo_s16(self, v):
        return v

    def echo_u32(self, v):
        return v

    def echo_s32(self, v):
        return v

    def echo_u64(self, v):
        return v

    def echo_s64(self, v):
        return v

    def echo_f32(self, v):
        return v

    def echo_f64(self, v):
        return v

    def echo_char(self, v):
        return v

    def echo_string(self, v):
        return v

    def echo_bytes(self, v):
        return v

    def echo_s16s(self, v):
        return v

    def echo_u64s(self, v):
        return v

    def echo_floats(self, v):
        return v

    def echo_strings(self, v):
        return v

    def echo_nested_strings(self, v):
        return v

    def echo_point(self, v):
        return v

    def echo_person(self, v):
        return v

    def echo_pair(self, v):
        return v

    def echo_shape(self, v):
        return v

    def echo_shapes(self, v):
        return v

    def echo_colour(self, v):
        return v

    def echo_access(self, v):
        return v

    def echo_many(self, v):
        return v

    def echo_option(self, v):
        return v

    def echo_option_option(self, v):
        return v

    def echo_results(self, v):
        return v

    def echo_wide(self, a, b, c, d, e, f, g, h, i, j, k, m):
        return (a, b, c, d, e, f, g, h, i, j, k, m)

    def both(self, n):
        if n % 2 == 0:
            return str(n)
        raise Err(values.Failure_Busy() if n == 1 else values.Failure_NotFound(f"no {n}"))

    def only_ok(self, n):
        if n % 2 == 0:
            return n
        raise Err(None)

    def only_error(self, n):
        if n % 2:
            raise Err(values.Colour.DARK_BLUE)

    def neither(self, n):
        if n % 2:
            raise Err(None)


class Counters(exports.Counters):
    def make(self, start):
        return Counter(start)

    def alive(self):
        gc.collect()
        return Counter.alive


class WitWorld:
    def call_host(self, n):
        with log.Sink("guest") as sink, log.Sink("other") as other:
            counts = [sink.write(f"line {i}") for i in range(n)]
            other.write("one")
            counts.append(log.Sink.total([sink, other]))
        try:
            counts.append(log.transform(n))
        except Err as error:
            counts.append(len(error.value))
        return counts

    def through_host(self, values):
        return log.apply(values)
