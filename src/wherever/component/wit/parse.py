"""Owns parsing WIT: the text of one file in, its package's interfaces and worlds out (WIT.md)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from wherever.component.names import BadName, Version, is_label, parse_version
from wherever.component.wit.ast import (
    Extern,
    Func,
    FuncDef,
    Include,
    Interface,
    InterfaceItem,
    Member,
    Package,
    Path,
    Type,
    TypeDef,
    Use,
    World,
    WorldItem,
)
from wherever.component.wit.lex import BadWit, Token, tokens

_T = TypeVar("_T")
MAX_DEPTH = 100
_TYPEDEFS = ("record", "variant", "enum", "flags", "resource", "type")


def parse(text: str, file: str = "<wit>", features: frozenset[str] = frozenset()) -> list[Package]:
    """The packages that a file speaks of; one without a `package` line has empty names.

    What is gated by an unstable feature is left out unless the feature is in `features`.
    """
    return _Parser(tokens(text, file), file, text, features).file()


class _Parser:
    def __init__(self, found: list[Token], file: str, text: str, features: frozenset[str]) -> None:
        self.tokens = found
        self.at = 0
        self.source = file
        self.text = text
        self.features = features
        self.depth = 0

    # -- tokens ------------------------------------------------------------------------------

    @property
    def next(self) -> Token:
        return self.tokens[self.at]

    def bad(self, wanted: str) -> BadWit:
        token = self.next
        return BadWit(f"{self.source}:{token.line}: expected {wanted}, found {token.text[:40]!r}")

    def take(self) -> Token:
        token = self.tokens[self.at]
        if token.kind != "end":
            self.at += 1
        return token

    def is_word(self, word: str) -> bool:
        return self.next.kind == "id" and self.next.text == word

    def word(self, word: str) -> bool:
        if self.is_word(word):
            self.at += 1
            return True
        return False

    def mark(self, mark: str) -> bool:
        if self.next.kind == "mark" and self.next.text == mark:
            self.at += 1
            return True
        return False

    def expect(self, mark: str) -> None:
        if not self.mark(mark):
            raise self.bad(f"`{mark}`")

    def id(self) -> str:
        token = self.next
        name = token.text.removeprefix("%")
        if token.kind != "id" or not is_label(name):
            raise self.bad("a name")
        self.at += 1
        return name

    def listed(self, close: str, item: Callable[[], _T]) -> tuple[_T, ...]:
        found: list[_T] = []
        while not self.mark(close):
            found.append(item())
            if not self.mark(","):
                self.expect(close)
                break
        return tuple(found)

    def version(self) -> Version:
        """A version after `@`: the tokens that touch each other."""
        start = self.next.start
        end = start
        while self.next.start == end and (
            self.next.kind in ("number", "id") or self.next.text in (".", "-", "+")
        ):
            following = self.tokens[min(self.at + 1, len(self.tokens) - 1)]
            touching = following.start == self.next.end
            if self.next.text == "." and not (touching and following.kind in ("number", "id")):
                break  # `use a:b/c@1.0.0.{d}`: the last dot is not the version's
            end = self.next.end
            self.at += 1
        try:
            return parse_version(self.text[start:end])
        except BadName as error:
            raise BadWit(f"{self.source}:{self.next.line}: {error}") from None

    # -- gates -------------------------------------------------------------------------------

    def gates(self) -> tuple[bool, str]:
        """Read `@since`, `@unstable` and `@deprecated`: whether what follows is there; its docs."""
        there = True
        docs = self.next.docs
        while self.mark("@"):
            gate = self.id()
            self.expect("(")
            field = self.id()
            self.expect("=")
            match gate, field:
                case (("since" | "deprecated"), "version"):
                    self.version()
                case "unstable", "feature":
                    there = self.id() in self.features
                case _:
                    raise self.bad("since(version), unstable(feature) or deprecated(version)")
            self.expect(")")
            docs = docs or self.next.docs
        return there, docs

    # -- files -------------------------------------------------------------------------------

    def file_package(self) -> Package:
        docs = self.next.docs
        if self.is_word("package"):
            mark = self.at
            self.at += 1
            package = self.package_name()
            if self.mark(";"):
                package.docs = docs
                return package
            self.at = mark  # a nested package
        return Package("", "")

    def package_name(self) -> Package:
        namespace = self.id()
        self.expect(":")
        name = self.id()
        return Package(namespace, name, self.version() if self.mark("@") else None)

    def file(self) -> list[Package]:
        main = self.file_package()
        found = [main]
        while self.next.kind != "end":
            there, docs = self.gates()
            if self.word("package"):
                nested = self.package_name()
                self.expect("{")
                while not self.mark("}"):
                    inner_there, inner_docs = self.gates()
                    self.item(nested, inner_docs, there=inner_there and there)
                found.append(nested)
            else:
                self.item(main, docs, there=there)
        return found

    def item(self, package: Package, docs: str, *, there: bool) -> None:
        line = self.next.line
        if self.word("interface"):
            name = self.id()
            interface = Interface(name, self.interface_body(), docs)
            if name in package.interfaces or name in package.worlds:
                raise BadWit(f"{self.source}:{line}: {name} is defined twice")
            if there:
                package.interfaces[name] = interface
        elif self.word("world"):
            name = self.id()
            world = World(name, self.world_body(), docs)
            if name in package.interfaces or name in package.worlds:
                raise BadWit(f"{self.source}:{line}: {name} is defined twice")
            if there:
                package.worlds[name] = world
        elif self.word("use"):
            path = self.path()
            name = self.id() if self.word("as") else path.name
            self.expect(";")
            if there:
                package.uses[name] = path
        else:
            raise self.bad("interface, world, use or package")

    def path(self) -> Path:
        first = self.id()
        if not self.mark(":"):
            return Path(first)
        package = self.id()
        self.expect("/")
        name = self.id()
        return Path(name, first, package, self.version() if self.mark("@") else None)

    # -- interfaces --------------------------------------------------------------------------

    def interface_body(self) -> tuple[InterfaceItem, ...]:
        self.expect("{")
        items: list[InterfaceItem] = []
        while not self.mark("}"):
            there, docs = self.gates()
            item = self.interface_item(docs)
            if there:
                items.append(item)
        return tuple(items)

    def interface_item(self, docs: str) -> InterfaceItem:
        following = self.tokens[min(self.at + 1, len(self.tokens) - 1)]
        if following.text != ":":
            if self.is_word("use"):
                return self.use()
            if self.next.text in _TYPEDEFS:
                return self.typedef(docs)
        name = self.id()
        self.expect(":")
        func = self.func()
        self.expect(";")
        return FuncDef(name, func, docs)

    def use(self) -> Use:
        line = self.take().line
        path = self.path()
        self.expect(".")
        self.expect("{")

        def one() -> tuple[str, str]:
            name = self.id()
            return name, self.id() if self.word("as") else name

        names = self.listed("}", one)
        self.expect(";")
        return Use(path, names, line)

    def func(self) -> Func:
        is_async = self.word("async")
        if not self.word("func"):
            raise self.bad("func")
        return self.signature(is_async=is_async)

    def signature(self, *, is_async: bool = False) -> Func:
        self.expect("(")

        def one() -> tuple[str, Type]:
            name = self.id()
            self.expect(":")
            return name, self.type()

        params = self.listed(")", one)
        result = self.type() if self.mark("->") else None
        return Func(params, result, is_async)

    def typedef(self, docs: str) -> TypeDef:
        kind = self.take().text
        name = self.id()
        match kind:
            case "type":
                self.expect("=")
                alias = self.type()
                self.expect(";")
                return TypeDef(kind, name, alias=alias, docs=docs)
            case "resource":
                if self.mark(";"):
                    return TypeDef(kind, name, docs=docs)
                self.expect("{")
                members: list[Member] = []
                while not self.mark("}"):
                    there, member_docs = self.gates()
                    member = self.member(member_docs)
                    if there:
                        members.append(member)
                return TypeDef(kind, name, members=tuple(members), docs=docs)
            case _:
                self.expect("{")
                return TypeDef(kind, name, self.listed("}", lambda: self.field(kind)), docs=docs)

    def field(self, kind: str) -> tuple[str, Type | None, str]:
        there, docs = self.gates()
        name = self.id()
        t: Type | None = None
        if kind == "record":
            self.expect(":")
            t = self.type()
        elif kind == "variant" and self.mark("("):
            t = self.type()
            self.expect(")")
        if not there:
            raise self.bad("fields without gates")
        return name, t, docs

    def member(self, docs: str) -> Member:
        following = self.tokens[min(self.at + 1, len(self.tokens) - 1)]
        if self.is_word("constructor") and following.text == "(":
            self.at += 1
            func = self.signature()
            self.expect(";")
            return Member("constructor", "constructor", func, docs)
        name = self.id()
        self.expect(":")
        kind = "static" if self.word("static") else "method"
        func = self.func()
        self.expect(";")
        return Member(kind, name, func, docs)

    def type(self) -> Type:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise BadWit(f"{self.source}:{self.next.line}: types nested more than {MAX_DEPTH} deep")
        line = self.next.line
        escaped = self.next.text.startswith("%")
        name = self.id()
        args: tuple[Type | None, ...] = ()
        length: int | None = None
        if not escaped and self.mark("<"):
            found: list[Type | None] = []
            while not self.mark(">"):
                if self.mark("_"):
                    found.append(None)
                elif name == "list" and found and self.next.kind == "number":
                    length = int(self.take().text)
                else:
                    found.append(self.type())
                if not self.mark(","):
                    self.expect(">")
                    break
            args = tuple(found)
        self.depth -= 1
        return Type(name, args, length, line)

    # -- worlds ------------------------------------------------------------------------------

    def world_body(self) -> tuple[WorldItem, ...]:
        self.expect("{")
        items: list[WorldItem] = []
        while not self.mark("}"):
            there, docs = self.gates()
            item = self.world_item(docs)
            if there:
                items.append(item)
        return tuple(items)

    def world_item(self, docs: str) -> WorldItem:
        if self.is_word("use"):
            return self.use()
        if self.next.text in _TYPEDEFS:
            return self.typedef(docs)
        if self.is_word("include"):
            return self.include()
        if self.word("import"):
            return self.extern(docs, exported=False)
        if self.word("export"):
            return self.extern(docs, exported=True)
        raise self.bad("import, export, include, use or a type")

    def include(self) -> Include:
        line = self.take().line
        path = self.path()
        renames: tuple[tuple[str, str], ...] = ()
        if self.word("with"):
            self.expect("{")

            def one() -> tuple[str, str]:
                name = self.id()
                if not self.word("as"):
                    raise self.bad("as")
                return name, self.id()

            renames = self.listed("}", one)
            self.mark(";")
        else:
            self.expect(";")
        return Include(path, renames, line)

    def extern(self, docs: str, *, exported: bool) -> Extern:
        after = self.tokens[min(self.at + 1, len(self.tokens) - 1)].text
        third = self.tokens[min(self.at + 2, len(self.tokens) - 1)].text
        if after == ":" and third in ("func", "async", "interface"):
            name = self.id()
            self.expect(":")
            if self.word("interface"):
                interface = Interface(name, self.interface_body(), docs)
                self.mark(";")
                return Extern(exported, name, interface, docs)
            func = self.func()
            self.expect(";")
            return Extern(exported, name, func, docs)
        path = self.path()
        self.expect(";")
        return Extern(exported, str(path), path, docs)


def merge(packages: list[Package]) -> dict[str, Package]:
    """The packages of several files, those of one name together."""
    merged: dict[str, Package] = {}
    for package in packages:
        known = merged.get(package.key)
        if known is None:
            merged[package.key] = replace(
                package,
                interfaces=dict(package.interfaces),
                worlds=dict(package.worlds),
                uses=dict(package.uses),
            )
            continue
        for name in (*package.interfaces, *package.worlds):
            if name in known.interfaces or name in known.worlds:
                raise BadWit(f"package {package.key}: {name} is defined twice")
        known.interfaces.update(package.interfaces)
        known.worlds.update(package.worlds)
        known.uses.update(package.uses)
        known.docs = known.docs or package.docs
    return merged
