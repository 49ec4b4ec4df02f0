"""Owns extern names: the labels, interface names and annotations that imports and exports carry.

Grammar: Explainer.md, "Import and Export Definitions". A name comes from a guest: it is parsed
here once, and whatever is printed, generated or looked up later works on the parsed form.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

# label ::= fragment ('-' fragment)*; a fragment is all lower or all upper, and only the first
# must start with a letter.
_FIRST = r"(?:[a-z][0-9a-z]*|[A-Z][0-9A-Z]*)"
_NEXT = r"(?:[0-9a-z]+|[0-9A-Z]+)"
_LABEL = re.compile(rf"{_FIRST}(?:-{_NEXT})*\Z")
# words in namespaces and package names are lower-case only
_WORDS = re.compile(r"[a-z][0-9a-z]*(?:-[0-9a-z]+)*\Z")
_IDENTIFIERS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_NUMBER = r"(?:0|[1-9][0-9]*)"
_SEMVER = re.compile(
    rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?:-({_IDENTIFIERS}))?(?:\+({_IDENTIFIERS}))?\Z"
)

MAX_NAME = 100_000
"""The most bytes a name may have; the bound wasm-tools keeps too."""


class BadName(ValueError):
    """The text is not an extern name; the message says why."""


def is_label(text: str) -> bool:
    """Is `text` a label (kebab case)?"""
    return _LABEL.match(text) is not None


@dataclass(frozen=True, slots=True)
class Version:
    """A semantic version, as https://semver.org has it; build metadata does not order."""

    major: int
    minor: int
    patch: int
    pre: str = ""
    build: str = ""

    def __lt__(self, other: Version) -> bool:
        return self._precedence() < other._precedence()

    def _precedence(self) -> tuple[object, ...]:
        """Semantic Versioning 11: a pre-release comes before its release, numbers before words."""
        parts = [
            (0, int(part), "") if part.isdigit() else (1, 0, part)
            for part in self.pre.split(".")
            if self.pre
        ]
        return self.major, self.minor, self.patch, not self.pre, parts

    def __str__(self) -> str:
        pre = f"-{self.pre}" if self.pre else ""
        build = f"+{self.build}" if self.build else ""
        return f"{self.major}.{self.minor}.{self.patch}{pre}{build}"

    @property
    def compatible(self) -> str:
        """The part that two versions must share to be semver-compatible ("canonical version")."""
        if self.pre:
            return str(self)
        if self.major:
            return str(self.major)
        if self.minor:
            return f"0.{self.minor}"
        return f"0.0.{self.patch}"


def parse_version(text: str) -> Version:
    """The version that `text` writes."""
    match = _SEMVER.match(text)
    if match is None or any(len(part) > 18 for part in match.groups()[:3]):
        raise BadName(f"`{_short(text)}` is not a valid semver version")
    major, minor, patch, pre, build = match.groups()
    if pre:
        for identifier in pre.split("."):
            if identifier.isdigit() and len(identifier) > 1 and identifier[0] == "0":
                raise BadName(f"`{_short(text)}` is not a valid semver version: leading zero")
    return Version(int(major), int(minor), int(patch), pre or "", build or "")


@dataclass(frozen=True, slots=True)
class Label:
    """A plain name: one label."""

    label: str

    def __str__(self) -> str:
        return self.label


@dataclass(frozen=True, slots=True)
class Constructor:
    """`[constructor]r`: makes an `r`."""

    resource: str

    def __str__(self) -> str:
        return f"[constructor]{self.resource}"


@dataclass(frozen=True, slots=True)
class Method:
    """`[method]r.m`: takes a borrowed `r` first."""

    resource: str
    method: str

    def __str__(self) -> str:
        return f"[method]{self.resource}.{self.method}"


@dataclass(frozen=True, slots=True)
class Static:
    """`[static]r.m`: lives beside `r`."""

    resource: str
    method: str

    def __str__(self) -> str:
        return f"[static]{self.resource}.{self.method}"


@dataclass(frozen=True, slots=True)
class InterfaceName:
    """`namespace:package/interface@version`."""

    namespace: str
    package: str
    interface: str
    version: Version | None = None

    def __str__(self) -> str:
        version = f"@{self.version}" if self.version is not None else ""
        return f"{self.namespace}:{self.package}/{self.interface}{version}"

    @property
    def track(self) -> str:
        """The name with its version cut to what semver-compatible versions share."""
        version = f"@{self.version.compatible}" if self.version is not None else ""
        return f"{self.namespace}:{self.package}/{self.interface}{version}"


@dataclass(frozen=True, slots=True)
class OtherName:
    """A name of the older grammar (`url=`, `locked-dep=`): kept, compared, not interpreted."""

    text: str

    def __str__(self) -> str:
        return self.text


ExternName: TypeAlias = Label | Constructor | Method | Static | InterfaceName | OtherName

_OTHER_FORMS = ("unlocked-dep=", "locked-dep=", "url=", "integrity=", "relative-url=")


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."


def _label(text: str) -> str:
    if not is_label(text):
        raise BadName(f"`{_short(text)}` is not in kebab case")
    return text


def _resource_dot(text: str, whole: str) -> tuple[str, str]:
    resource, dot, member = text.partition(".")
    if not dot:
        raise BadName(f"failed to find `.` character in `{_short(whole)}`")
    return _label(resource), _label(member)


def parse_interface_name(text: str) -> InterfaceName:
    """The interface name that `text` writes."""
    namespace, colon, rest = text.partition(":")
    if not colon or not is_label(namespace):
        raise BadName(f"`{_short(namespace)}` is not in kebab case")
    path, at, version = rest.partition("@")
    package, slash, interface = path.partition("/")
    if not is_label(package):
        if ":" in package:
            raise BadName(f"expected `/` after package name in `{_short(text)}`")
        raise BadName(f"`{_short(package)}` is not in kebab case")
    if not slash:
        raise BadName(f"expected `/` after package name in `{_short(text)}`")
    if "/" in interface:
        extra = interface[interface.index("/") :]
        raise BadName(f"trailing characters found: `{_short(extra)}`")
    if not is_label(interface):
        raise BadName(f"`{_short(interface)}` is not in kebab case")
    if not _WORDS.match(namespace) or not _WORDS.match(package):
        raise BadName(f"`{_short(text)}` is not a valid extern name: upper case before the `/`")
    return InterfaceName(namespace, package, interface, parse_version(version) if at else None)


def parse_extern_name(text: str) -> ExternName:
    """The extern name that `text` writes; `BadName` if it writes none."""
    if text.startswith("["):
        if text.startswith("[constructor]"):
            return Constructor(_label(text.removeprefix("[constructor]")))
        if text.startswith("[method]"):
            return Method(*_resource_dot(text.removeprefix("[method]"), text))
        if text.startswith("[static]"):
            return Static(*_resource_dot(text.removeprefix("[static]"), text))
        raise BadName(f"`{_short(text)}` has an unknown annotation and is not a valid extern name")
    if ":" in text and "=" not in text:
        return parse_interface_name(text)
    if text.startswith(_OTHER_FORMS):
        return OtherName(text)
    return Label(_label(text))


def uniqueness_key(name: ExternName) -> tuple[str, ...]:
    """What must differ between two names of one scope ("strongly-unique", Explainer.md).

    Labels compare without case; `[constructor]r` may stand beside `r`; a method and a static of
    one name may not stand together.
    """
    match name:
        case Label(label):
            return ("label", label.lower())
        case Constructor(resource):
            return ("constructor", resource.lower())
        case Method(resource, method) | Static(resource, method):
            if resource.lower() == method.lower():
                # `l.l` conflicts with the resource's own label
                return ("label", resource.lower())
            return ("member", resource.lower(), method.lower())
        case InterfaceName() | OtherName():
            return ("name", str(name))
