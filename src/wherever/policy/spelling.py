"""Owns how each entry of a grant is written, and reading it: one text for each kind of right."""

from __future__ import annotations

from wherever.policy.entries import MODES, Clock, Dir, Env, Listen, Net, Origin, Random
from wherever.policy.malformed import Malformed

__all__ = [
    "parse_clock",
    "parse_dir",
    "parse_env",
    "parse_flag",
    "parse_listen",
    "parse_net",
    "parse_origin",
    "parse_random",
]


def parse_dir(text: str) -> Dir:
    """`HOST[::GUEST][,ro|rw|overlay]`."""
    paths, comma, mode = text.rpartition(",")
    if not comma:
        paths, mode = text, "ro"
    elif mode not in MODES:
        raise Malformed(
            f"{mode!r} in {text!r} is not a mode: ro, rw or overlay "
            "(a path with a comma in it needs its mode written out)"
        )
    host, separator, guest = paths.rpartition("::")
    if not separator:
        host, guest = paths, ""
    if not host or (separator and not guest):
        raise Malformed(f"{text!r} names no directory: write HOST[::GUEST][,ro|rw|overlay]")
    return Dir(host, guest, mode)


def parse_env(text: str) -> Env:
    """`NAME` or `NAME=VALUE`."""
    name, equals, value = text.partition("=")
    return Env(name, value if equals else None)


def parse_net(text: str) -> Net:
    """`HOST:PORT`, with `*` for every port; an IPv6 address stands in brackets."""
    return Net(*_place(text, "HOST:PORT"))


def parse_listen(text: str) -> Listen:
    """`ADDR:PORT`."""
    return Listen(*_place(text, "ADDR:PORT"))


def parse_origin(text: str) -> Origin:
    """`http://HOST[:PORT]` or `https://HOST[:PORT]`."""
    scheme, separator, rest = text.partition("://")
    if not separator or (scheme != "http" and scheme != "https"):
        raise Malformed(f"{text!r} is not an origin: write https://HOST or http://HOST:PORT")
    rest = rest.removesuffix("/")
    has_port = ":" in rest.rpartition("]")[2]
    host, port = _place(rest if has_port else f"{rest}:{443 if scheme == 'https' else 80}", text)
    if "@" in host or "/" in host:
        raise Malformed(f"{text!r} is more than an origin: leave out the path and the user")
    return Origin("https" if scheme == "https" else "http", host.lower(), port)


def parse_clock(text: Clock | str | None) -> Clock | None:
    """`real`, `coarse` or `fixed:T`, where T is seconds since 1970 or an RFC 3339 time."""
    if text is None or isinstance(text, Clock):
        return text
    if text == "real":
        return Clock("real")
    if text == "coarse":
        return Clock("coarse")
    kind, _, moment = _text(text, "a clock").partition(":")
    if kind != "fixed" or not moment:
        raise Malformed(f"{text!r} is not a clock: real, coarse or fixed:T")
    try:
        return Clock("fixed", float(moment) if _is_number(moment) else _seconds(moment))
    except (ValueError, OverflowError):
        raise Malformed(
            f"{moment!r} is not a time: write 1700000000 or 2024-01-01T00:00:00Z"
        ) from None


def parse_random(text: Random | str | None) -> Random | None:
    """`real` or `seed:N`."""
    if text is None or isinstance(text, Random):
        return text
    if text == "real":
        return Random("real")
    kind, _, seed = _text(text, "a source of randomness").partition(":")
    if kind != "seed" or not (seed.isascii() and seed.isdecimal()) or len(seed) > 20:
        raise Malformed(f"{text!r} is not a source of randomness: real or seed:N")
    return Random("seed", int(seed))


def parse_flag(value: object) -> bool:
    """A grant that is there or not."""
    if not isinstance(value, bool):
        raise Malformed(f"{value!r} should be true or false")
    return value


def _place(text: str, form: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise Malformed(f"{text!r}: an IPv6 address stands in brackets, as in [::1]:80")
    number = 0 if port == "*" else int(port) if port.isascii() and port.isdecimal() else -1
    if not colon or not host or not (port == "*" or 1 <= number <= 65535):
        raise Malformed(f"{text!r} is not {form}")
    return host.lower(), number


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise Malformed(f"{value!r} is not {what}")
    return value


def _is_number(text: str) -> bool:
    digits = text.replace(".", "", 1)
    return digits.isascii() and digits.isdecimal()


def _seconds(text: str) -> float:
    from datetime import UTC, datetime

    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
