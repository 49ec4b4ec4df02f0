"""The guest: what `library.wit` exports, each value given back as it came."""

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

    def echo_numbers(self, v):
        return v

    def echo_names(self, v):
        return v

    def echo_point(self, v):
        return v

    def echo_pair(self, v):
        return v

    def echo_shape(self, v):
        return v

    def echo_color(self, v):
        return v

    def echo_access(self, v):
        return v

    def echo_option(self, v):
        return v

    def echo_nested(self, v):
        return v

    def echo_result(self, v):
        if isinstance(v, Err):
            raise v
        return v.value

    def find(self, name):
        if name == "busy":
            raise Err(values.Failure_Busy())
        if not name:
            raise Err(values.Failure_NotFound("no name"))
        return len(name)


class Counters(exports.Counters):
    def make(self, start):
        return Counter(start)


class WitWorld:
    def call_host(self, n):
        with log.Sink("guest") as sink:
            counts = [sink.write(f"line {i}") for i in range(n)]
        try:
            counts.append(log.transform(n))
        except Err as error:
            counts.append(len(error.value))
        return counts
