"""Owns instantiation: a validated component walked in order, its core modules run by the engine.

The index spaces were checked when the component was validated, so nothing here can be missing but
what a guest's own code decides while it runs (a start function that traps, a memory that does not
fit its limit).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from threading import RLock
from typing import Any, NoReturn, TypeAlias

from wherever.component import syntax as cs
from wherever.component import types as ct
from wherever.component.builtins import BUILTIN_BY_CODE
from wherever.component.canonical import compile as canon
from wherever.component.canonical import context
from wherever.component.canonical.context import ComponentInstance, ResourceType
from wherever.component.canonical.memory import Options
from wherever.component.facts import BuiltinFact, LiftFact, LowerFact, Validated
from wherever.component.layout import Layouts
from wherever.engine.engine import Code, Engine
from wherever.engine.instance import Instance as CoreInstance
from wherever.engine.instance import Passed
from wherever.engine.store import Store
from wherever.errors import InternalError, Unsupported
from wherever.hosts.component.handles import PythonHandles, RawHandles
from wherever.hosts.component.python_types import PythonTypes
from wherever.hosts.component.runtime import (
    ComponentItem,
    CoreExports,
    CoreExtern,
    Frame,
    GuestMemory,
    HostItem,
    InstanceItem,
    Item,
    LiftItem,
    ModuleItem,
    TypeItem,
    bind,
)

Codes: TypeAlias = Callable[[ModuleItem], Code]
"""Gives the machine code of a core module."""


@dataclass(slots=True, eq=False)
class World:
    """What all instances of one loaded component share."""

    engine: Engine
    store: Store
    types: PythonTypes
    codes: Codes
    layouts: Layouts = field(default_factory=Layouts)
    lock: Any = field(default_factory=RLock)
    begin: Callable[[], object] | None = None
    described: bool = True
    """Are functions to have a signature and a docstring? Nobody asks those of a worker."""


def instantiate(
    world: World,
    validated: Validated,
    parent: Frame | None,
    args: Mapping[str, Item],
    name: str,
) -> tuple[Frame, InstanceItem]:
    """An instance of `validated` for `args`: its frame and its exports."""
    inst = ComponentInstance(
        name=name, lock=world.lock, parent=parent.inst if parent else None, begin=world.begin
    )
    return _Instantiation(world, validated, Frame(inst, parent), args).run()


class _Instantiation:
    def __init__(
        self, world: World, validated: Validated, frame: Frame, args: Mapping[str, Item]
    ) -> None:
        self.world = world
        self.validated = validated
        self.frame = frame
        self.args = args
        self.exports: dict[str, Item] = {}
        self._options: dict[tuple[int | None, int | None, cs.StringEncoding | None], Options] = {}

    def run(self) -> tuple[Frame, InstanceItem]:
        validated = self.validated
        for definition, fact in zip(validated.component.definitions, validated.facts, strict=True):
            self.define(definition, fact)
        return self.frame, InstanceItem(self.exports)

    def define(self, d: cs.Definition, fact: object) -> None:
        frame = self.frame
        match d:
            case cs.CoreModule(_, start, end):
                data = self.validated.component.data
                frame.core_modules.append(ModuleItem(data, start, end))
            case cs.CoreInstantiate():
                self.core_instantiate(d)
            case cs.CoreInlineExports():
                frame.core_instances.append(
                    {name: self.core_item(what) for name, what in d.exports}
                )
            case cs.CoreRecGroup() | cs.CoreModuleTypeDef():
                pass
            case cs.NestedComponent():
                assert isinstance(fact, Validated)
                frame.components.append(ComponentItem(fact, frame))
            case cs.Instantiate():
                self.instantiate(d, fact)
            case cs.InlineExports():
                exports = {name.name: self.item(what) for name, what in d.exports}
                instance = InstanceItem(exports)
                assert isinstance(fact, ct.InstanceType)
                bind(frame.environment, fact, instance)
                frame.instances.append(instance)
            case cs.AliasExport(_, _, index, name):
                item = frame.instances[index].exports[name]
                if isinstance(fact, ct.TypeBound):
                    bind(frame.environment, fact, item)
                frame.add(item)
            case cs.AliasCoreExport(_, sort, index, name):
                frame.add_core(sort, _core_export(frame.core_instances[index], name))
            case cs.AliasOuter():
                self.alias_outer(d)
            case cs.TypeDef():
                self.typedef(d, fact)
            case cs.CanonLift():
                assert isinstance(fact, LiftFact)
                self.lift(d, fact)
            case cs.CanonLower():
                assert isinstance(fact, LowerFact)
                self.lower(d, fact)
            case cs.CanonResource():
                assert isinstance(fact, BuiltinFact)
                self.resource(d, fact)
            case cs.CanonBuiltin():
                assert isinstance(fact, BuiltinFact)
                self.builtin(d, fact)
            case cs.Import():
                item = self.args[d.name.name]
                assert isinstance(fact, _EXTERN)
                bind(frame.environment, fact, item)
                frame.add(item)
            case cs.Export():
                item = self.item(d.what)
                assert isinstance(fact, _EXTERN)
                bind(frame.environment, fact, item)
                frame.add(item)
                self.exports[d.name.name] = item
            case cs.ExportDecl():
                raise InternalError("an export declarator outside a type")

    # -- core --------------------------------------------------------------------------------

    def core_instantiate(self, d: cs.CoreInstantiate) -> None:
        frame = self.frame
        code = self.world.codes(frame.core_modules[d.module])
        args = {name: frame.core_instances[index] for name, index in d.args}
        given = {
            (item.module, item.name): _core_export(args[item.module], item.name)
            for item in code.outline.imports
        }
        frame.core_instances.append(self.world.store.instantiate(code, given))

    def core_item(self, what: cs.SortIdx) -> Any:
        frame = self.frame
        match what.sort:
            case cs.CoreSort.FUNC:
                return frame.core_funcs[what.index]
            case cs.CoreSort.MEMORY:
                return frame.core_memories[what.index]
            case cs.CoreSort.TABLE:
                return frame.core_tables[what.index]
            case cs.CoreSort.GLOBAL:
                return frame.core_globals[what.index]
            case cs.CoreSort.TAG:
                return frame.core_tags[what.index]
            case _:
                raise InternalError(f"{what.sort} in a core instance")

    # -- components --------------------------------------------------------------------------

    def item(self, what: cs.SortIdx) -> Item:
        frame = self.frame
        match what.sort:
            case cs.CoreSort.MODULE:
                return frame.core_modules[what.index]
            case cs.Sort.FUNC:
                return frame.funcs[what.index]
            case cs.Sort.TYPE:
                return frame.types[what.index]
            case cs.Sort.COMPONENT:
                return frame.components[what.index]
            case cs.Sort.INSTANCE:
                return frame.instances[what.index]
            case _:
                raise InternalError(f"{what.sort} between components")

    def instantiate(self, d: cs.Instantiate, fact: object) -> None:
        frame = self.frame
        component = frame.components[d.component]
        args = {name: self.item(what) for name, what in d.args}
        name = f"{frame.inst.name or 'main'}.{len(frame.instances)}"
        _, instance = instantiate(self.world, component.validated, component.frame, args, name)
        assert isinstance(fact, ct.InstanceType)
        bind(frame.environment, fact, instance)
        frame.instances.append(instance)

    def alias_outer(self, d: cs.AliasOuter) -> None:
        frame = outer = self.frame
        for _ in range(d.count):
            assert outer.parent is not None
            outer = outer.parent
        match d.sort:
            case cs.CoreSort.MODULE:
                frame.core_modules.append(outer.core_modules[d.index])
            case cs.Sort.COMPONENT:
                frame.components.append(outer.components[d.index])
            case cs.Sort.TYPE:
                frame.types.append(outer.types[d.index])
            case _:
                pass

    def typedef(self, d: cs.TypeDef, fact: object) -> None:
        frame = self.frame
        if not isinstance(d.type, cs.ResourceTypeSyntax):
            frame.types.append(TypeItem(None))
            return
        assert isinstance(fact, ct.ResourceType)
        if d.type.is_async:
            raise Unsupported(
                "an async destructor: wherever does not have the asynchronous ABI yet"
            )
        dtor = None if d.type.dtor is None else frame.func(d.type.dtor).call
        made = ResourceType(fact.resource.name or "resource", frame.inst, dtor)
        frame.environment[fact.resource] = made
        frame.types.append(TypeItem(made))

    # -- canonical functions -----------------------------------------------------------------

    def options(self, opts: cs.CanonOpts) -> Options:
        key = (opts.memory, opts.realloc, opts.encoding)
        known = self._options.get(key)
        if known is not None:
            return known
        frame = self.frame
        memory = None if opts.memory is None else GuestMemory(frame.memory(opts.memory))
        realloc = None if opts.realloc is None else frame.func(opts.realloc).call
        encoding = opts.encoding or cs.StringEncoding.UTF8
        made = self._options[key] = Options(frame.inst, memory, realloc, encoding)
        return made

    def lift(self, d: cs.CanonLift, fact: LiftFact) -> None:
        frame = self.frame
        opts = d.opts
        if opts.is_async or fact.type.is_async:
            core: Callable[..., Any] = partial(_no_async, "an async export")
        else:
            core = frame.func(d.func).call
        post_return = None if opts.post_return is None else frame.func(opts.post_return).call
        handles = RawHandles(frame.inst, frame.environment)
        lifted = canon.Lifted(fact.type, frame.inst, self.options(opts), core, post_return, handles)
        frame.funcs.append(LiftItem(lifted, f"function {len(frame.funcs)}"))

    def lower(self, d: cs.CanonLower, fact: LowerFact) -> None:
        frame = self.frame
        item = frame.funcs[d.func]
        opts = d.opts
        if opts.is_async or fact.type.is_async:
            self.add_host_func(fact.core, partial(_no_async, "an async import"), "async import")
            return
        options = self.options(opts)
        lowered = canon.Lowered(
            fact.type, frame.inst, options, RawHandles(frame.inst, frame.environment)
        )
        world = self.world
        build: Callable[[], Callable[..., Any]]
        name = item.name
        match item:
            case LiftItem(lifted):
                callee = lifted.seen_as(fact.type, RawHandles(lifted.inst, frame.environment))
                build = partial(canon.bridge_function, lowered, callee, world.layouts, name)
            case HostItem(function, type_, environment):
                handles = PythonHandles(frame.inst, environment, world.types.resource_class)
                hosted = canon.Lowered(type_, frame.inst, options, handles)
                classes = world.types.classes(environment)
                build = partial(
                    canon.lower_function, hosted, function, classes, world.layouts, name
                )
        # Compiled when it is first called: most of what a guest imports never is.
        frame.core_funcs.append(world.store.late_func(fact.core, build, name))

    def add_host_func(self, core: Any, function: Callable[..., Any], name: str) -> None:
        store = self.world.store
        func = store.host_func(core, function, name=name, unsigned=True)
        self.frame.core_funcs.append(func)

    def resource(self, d: cs.CanonResource, fact: BuiltinFact) -> None:
        frame = self.frame
        assert isinstance(fact.type, ct.ResourceType)
        rt = frame.resource(fact.type)
        operation: Callable[..., Any]
        match d.op:
            case cs.ResourceOp.NEW:
                operation = context.resource_new
            case cs.ResourceOp.DROP:
                operation = context.resource_drop
            case cs.ResourceOp.REP:
                operation = context.resource_rep
        self.add_host_func(fact.core, partial(operation, frame.inst, rt), str(d.op))

    def builtin(self, d: cs.CanonBuiltin, fact: BuiltinFact) -> None:
        name = BUILTIN_BY_CODE[d.code].name
        inst = self.frame.inst
        function: Callable[..., Any]
        match name, d.immediates:
            case "context.get", (_, int(slot)):
                inst.has_context = True
                function = partial(context.context_get, inst, slot)
            case "context.set", (_, int(slot)):
                inst.has_context = True
                function = partial(context.context_set, inst, slot)
            case "backpressure.inc", _:
                function = partial(context.backpressure, inst, 1)
            case "backpressure.dec", _:
                function = partial(context.backpressure, inst, -1)
            case _:
                function = partial(_builtin, inst, name)
        self.add_host_func(fact.core, function, name)


_EXTERN = (
    ct.ModuleType,
    ct.FuncType,
    ct.ValueBound,
    ct.TypeBound,
    ct.ComponentType,
    ct.InstanceType,
)


def _core_export(instance: CoreExports, name: str) -> CoreExtern:
    """What an instance exports; most of it is only handed to the next."""
    return Passed(instance, name) if isinstance(instance, CoreInstance) else instance[name]


def _no_async(what: str, *_: object) -> NoReturn:
    raise Unsupported(
        f"the guest called {what}: wherever does not have the asynchronous ABI yet; "
        "build the component for a synchronous (WASI 0.2) world"
    )


def _builtin(inst: ComponentInstance, name: str, *_: object) -> NoReturn:
    """A built-in of the asynchronous ABI: it may not be called where nothing may leave."""
    if not inst.may_leave:
        inst.refuse_leave()
    _no_async(f"the built-in {name}")
