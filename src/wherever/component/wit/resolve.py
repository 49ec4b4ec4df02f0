"""Owns resolving WIT: names looked up, so that an interface is what a component would export.

A resolved interface has the same `ExternType`s as an instance in a component's type, with methods
under their annotated names, plus the docs; printing and bindings work on either.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from wherever.component import types as ct
from wherever.component.wit import ast
from wherever.component.wit.lex import BadWit
from wherever.component.wit.parse import merge, parse

_PRIMS = {str(prim): prim for prim in ct.Prim}


@dataclass(slots=True)
class ResolvedInterface:
    """An interface: exports by extern name, docs by the same names and by `type.field`."""

    name: str
    exports: dict[str, ct.ExternType] = field(default_factory=dict[str, ct.ExternType])
    docs: dict[str, str] = field(default_factory=dict[str, str])
    types: dict[str, ct.AnyType] = field(default_factory=dict[str, ct.AnyType])
    used: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    """A type that comes from another interface: that interface's name, and its name there."""
    doc: str = ""


@dataclass(slots=True)
class ResolvedWorld:
    """A world: its imports and exports, by extern name; the interfaces among them resolved."""

    name: str
    imports: dict[str, ct.FuncType | ResolvedInterface]
    exports: dict[str, ct.FuncType | ResolvedInterface]
    types: ResolvedInterface
    docs: dict[str, str] = field(default_factory=dict[str, str])
    doc: str = ""


class Resolver:
    """Resolves the interfaces and worlds of a set of packages."""

    def __init__(self, packages: Mapping[str, ast.Package]) -> None:
        self.packages = packages
        self._interfaces: dict[str, ResolvedInterface] = {}
        self._open: list[str] = []

    # -- finding -----------------------------------------------------------------------------

    def package_of(self, path: ast.Path, home: ast.Package) -> ast.Package:
        """The package that `path` points into."""
        if path.namespace is None:
            return home
        wanted = f"{path.namespace}:{path.package}"
        version = f"@{path.version}" if path.version is not None else ""
        found = self.packages.get(wanted + version)
        if found is None and path.version is None:
            versions = [p for key, p in self.packages.items() if key.split("@")[0] == wanted]
            if len(versions) == 1:
                return versions[0]
        if found is None:
            raise BadWit(f"package {home.key}: {path} is in no package that was given")
        return found

    def interface_at(self, path: ast.Path, home: ast.Package) -> ResolvedInterface:
        """The interface that `path` names, seen from the package `home`."""
        if path.namespace is None and path.name in home.uses:
            path = home.uses[path.name]
        package = self.package_of(path, home)
        interface = package.interfaces.get(path.name)
        if interface is None:
            raise BadWit(f"package {home.key}: there is no interface {path}")
        return self.interface(package, interface)

    def interface(self, package: ast.Package, interface: ast.Interface) -> ResolvedInterface:
        """A named interface, resolved once."""
        version = f"@{package.version}" if package.version is not None else ""
        name = f"{package.namespace}:{package.name}/{interface.name}{version}"
        known = self._interfaces.get(name)
        if known is None:
            if name in self._open:
                raise BadWit(f"interface {name} uses itself: {' -> '.join(self._open)}")
            self._open.append(name)
            known = self._interfaces[name] = self._resolve(name, package, interface)
            self._open.pop()
        return known

    # -- interfaces --------------------------------------------------------------------------

    def _resolve(
        self, name: str, package: ast.Package, interface: ast.Interface
    ) -> ResolvedInterface:
        made = ResolvedInterface(name, doc=interface.docs)
        definitions = {item.name: item for item in interface.items if isinstance(item, ast.TypeDef)}
        scope = _Scope(made, definitions)
        for item in interface.items:
            if isinstance(item, ast.Use):
                self.use(item, made, package)
        for item in interface.items:
            match item:
                case ast.TypeDef():
                    scope.define(item.name, item.name)
                case ast.FuncDef():
                    if item.name in made.exports:
                        raise BadWit(f"{name}: {item.name} is defined twice")
                    made.exports[item.name] = scope.func(item.func)
                    made.docs[item.name] = item.docs
                case ast.Use():
                    pass
        return made

    def use(self, item: ast.Use, made: ResolvedInterface, package: ast.Package) -> None:
        """Bring the types that `item` names into `made`."""
        source = self.interface_at(item.path, package)
        for original, local in item.names:
            t = source.types.get(original)
            if t is None:
                raise BadWit(f"{made.name}: {source.name} has no type {original}")
            if local in made.types:
                raise BadWit(f"{made.name}: {local} is defined twice")
            made.types[local] = t
            made.used[local] = (source.name, original)
            made.exports[local] = ct.TypeBound(t)

    # -- worlds ------------------------------------------------------------------------------

    def world(self, package: ast.Package, world: ast.World) -> ResolvedWorld:
        """A world, with what it includes."""
        made = ResolvedWorld(
            f"{package.namespace}:{package.name}/{world.name}",
            {},
            {},
            ResolvedInterface(world.name),
            doc=world.docs,
        )
        self._fill(made, package, world, {}, 0)
        return made

    def _fill(
        self,
        made: ResolvedWorld,
        package: ast.Package,
        world: ast.World,
        renames: Mapping[str, str],
        depth: int,
    ) -> None:
        if depth > 50:
            raise BadWit(f"world {world.name} includes itself")
        definitions = {item.name: item for item in world.items if isinstance(item, ast.TypeDef)}
        scope = _Scope(made.types, definitions)
        for item in world.items:
            match item:
                case ast.Use():
                    self.use(item, made.types, package)
                    source = self.interface_at(item.path, package)
                    made.imports.setdefault(source.name, source)
                case ast.TypeDef():
                    scope.define(item.name, item.name)
                case ast.Include():
                    path = package.uses.get(item.path.name, item.path)
                    home = self.package_of(path, package)
                    included = home.worlds.get(path.name)
                    if included is None:
                        raise BadWit(f"world {world.name}: there is no world {item.path}")
                    self._fill(made, home, included, dict(item.renames), depth + 1)
                case ast.Extern():
                    self._extern(made, package, item, scope, renames)

    def _extern(
        self,
        made: ResolvedWorld,
        package: ast.Package,
        item: ast.Extern,
        scope: _Scope,
        renames: Mapping[str, str],
    ) -> None:
        side = made.exports if item.exported else made.imports
        name = renames.get(item.name, item.name)
        match item.what:
            case ast.Path() as path:
                interface = self.interface_at(path, package)
                side[interface.name] = interface
                for source, _ in interface.used.values():
                    self._import_used(made, source)
            case ast.Interface() as inner:
                side[name] = self._resolve(name, package, inner)
            case ast.Func() as func:
                side[name] = scope.func(func)
        made.docs[name] = item.docs

    def _import_used(self, made: ResolvedWorld, name: str) -> None:
        """An interface whose types are used is imported, unless it is exported here."""
        interface = self._interfaces[name]
        if name not in made.exports:
            made.imports.setdefault(name, interface)
        for source, _ in interface.used.values():
            self._import_used(made, source)


class _Scope:
    """The types of one interface or world while they are defined."""

    def __init__(self, made: ResolvedInterface, definitions: Mapping[str, ast.TypeDef]) -> None:
        self.made = made
        self.definitions = definitions
        self.open: list[str] = []

    def bad(self, message: str) -> BadWit:
        return BadWit(f"{self.made.name}: {message}")

    def define(self, name: str, at: str) -> ct.AnyType:
        known = self.made.types.get(name)
        if known is not None:
            return known
        definition = self.definitions.get(name)
        if definition is None:
            raise self.bad(f"there is no type {name} (in {at})")
        if name in self.open:
            raise self.bad(f"type {name} contains itself")
        if len(self.open) > 90:
            raise self.bad("types are nested too deep")
        self.open.append(name)
        t = self._typedef(definition)
        self.open.pop()
        if self.made.types.get(name) is None:
            alias = definition.alias
            named = None if alias is None or alias.args else self.made.types.get(alias.name)
            self._export(name, t, definition.docs, named)
        for field_name, _, docs in definition.fields:
            if docs:
                self.made.docs[f"{name}.{field_name}"] = docs
        return t

    def _export(
        self, name: str, t: ct.AnyType, docs: str, origin: ct.AnyType | None = None
    ) -> None:
        self.made.types[name] = t
        fresh = isinstance(t, ct.ResourceType) and origin is None
        self.made.exports[name] = ct.TypeBound(t, fresh, origin)
        self.made.docs[name] = docs

    def _typedef(self, d: ast.TypeDef) -> ct.AnyType:
        match d.kind:
            case "record":
                fields = tuple([(n, self._given(t)) for n, t, _ in d.fields])
                return ct.RecordType(fields)
            case "variant":
                cases = tuple([(n, None if t is None else self.val(t)) for n, t, _ in d.fields])
                return ct.VariantType(cases)
            case "enum":
                return ct.EnumType(tuple(n for n, _, _ in d.fields))
            case "flags":
                return ct.FlagsType(tuple(n for n, _, _ in d.fields))
            case "type":
                assert d.alias is not None
                return self._alias(d.alias)
            case _:
                return self._resource(d)

    def _given(self, t: ast.Type | None) -> ct.ValType:
        assert t is not None
        return self.val(t)

    def _alias(self, alias: ast.Type) -> ct.AnyType:
        if not alias.args and alias.name not in _PRIMS:
            target = self.define(alias.name, "an alias")
            if isinstance(target, ct.ResourceType):
                return ct.ResourceType(target.resource)
        t = self.val(alias)
        # An alias is a name of its own: the same type, told apart.
        return ct.PrimType(t) if isinstance(t, ct.Prim) else dataclasses.replace(t)

    def _resource(self, d: ast.TypeDef) -> ct.ResourceType:
        resource = ct.ResourceType(ct.Resource(d.name))
        self._export(d.name, resource, d.docs)
        for member in d.members:
            func = self.func(member.func)
            match member.kind:
                case "constructor":
                    name = f"[constructor]{d.name}"
                    result = func.result if func.result is not None else ct.OwnType(resource)
                    func = ct.FuncType(func.params, result)
                case "static":
                    name = f"[static]{d.name}.{member.name}"
                case _:
                    name = f"[method]{d.name}.{member.name}"
                    own = ("self", ct.BorrowType(resource))
                    func = ct.FuncType((own, *func.params), func.result, func.is_async)
            if name in self.made.exports:
                raise self.bad(f"{name} is defined twice")
            self.made.exports[name] = func
            self.made.docs[name] = member.docs
        return resource

    def func(self, func: ast.Func) -> ct.FuncType:
        params = tuple([(name, self.val(t)) for name, t in func.params])
        result = None if func.result is None else self.val(func.result)
        return ct.FuncType(params, result, func.is_async)

    def val(self, t: ast.Type) -> ct.ValType:
        args = [None if arg is None else self.val(arg) for arg in t.args if t.name != "borrow"]
        match t.name, args:
            case "list", [element] if element is not None:
                return ct.ListType(element, t.length)
            case "map", [key, value] if key is not None and value is not None:
                return ct.MapType(key, value)
            case "option", [some] if some is not None:
                return ct.OptionType(some)
            case "tuple", [_, *_]:
                return ct.TupleType(tuple([x for x in args if x is not None]))
            case "result", _ if len(args) <= 2:
                padded = [*args, None, None]
                return ct.ResultType(padded[0], padded[1])
            case "stream", _ if len(args) <= 1:
                return ct.StreamType(args[0] if args else None)
            case "future", _ if len(args) <= 1:
                return ct.FutureType(args[0] if args else None)
            case (("own" | "borrow"), _) if len(t.args) == 1 and t.args[0] is not None:
                resource = self.define(t.args[0].name, t.name)
                if not isinstance(resource, ct.ResourceType):
                    raise self.bad(f"{t.args[0].name} is not a resource")
                own = t.name == "own"
                return ct.OwnType(resource) if own else ct.BorrowType(resource)
            case _ if t.args:
                raise self.bad(f"line {t.line}: {t.name} does not take those types")
            case _:
                pass
        prim = _PRIMS.get(t.name)
        if prim is not None and t.name not in self.definitions:
            return prim
        found = self.define(t.name, f"line {t.line}")
        if isinstance(found, ct.ResourceType):
            return ct.OwnType(found)
        if isinstance(found, ct.FuncType | ct.InstanceType | ct.ComponentType):
            raise self.bad(f"{t.name} is not a value type")
        return found


def resolver_of(
    files: Iterable[tuple[str, str]], features: frozenset[str] = frozenset()
) -> Resolver:
    """A resolver of the packages in some files, given as (folder/name, text).

    Files of one folder that do not say their package belong to that of a file that does.
    """
    folders: dict[str, list[ast.Package]] = {}
    for path, text in files:
        folder = path.rpartition("/")[0]
        folders.setdefault(folder, []).extend(parse(text, path, features))
    found: list[ast.Package] = []
    for packages in folders.values():
        named = next((p for p in packages if p.name), None)
        for package in packages:
            if not package.name and named is not None:
                package.namespace, package.name = named.namespace, named.name
                package.version = named.version
        found += packages
    return Resolver(merge(found))
