"""Owns the validity of canonical definitions: options, and the core types they must have."""

from __future__ import annotations

from wherever.component.builtins import BUILTIN_BY_CODE, Immediate
from wherever.component.layout import MAX_FLAT_PARAMS, MAX_FLAT_RESULTS
from wherever.component.scope import Scope, fail
from wherever.component.syntax import CanonBuiltin, CanonLift, CanonLower, CanonOpts, CanonResource
from wherever.component.syntax import ResourceOp as Op
from wherever.component.types import (
    AnyType,
    FuncType,
    FutureType,
    ModuleType,
    Prim,
    ResourceType,
    StreamType,
    ValType,
)
from wherever.component.validate_types import TypeChecker
from wherever.wasm import types as core

I32 = core.I32
REALLOC = core.FuncType((I32, I32, I32, I32), (I32,))
_CALLBACK = core.FuncType((I32, I32, I32), (I32,))
_ONE = core.FuncType((I32,), ())
_ONE_TO_ONE = core.FuncType((I32,), (I32,))


def _types(types: tuple[core.ValType, ...]) -> str:
    return "[" + ", ".join(str(t).upper() for t in types) + "]"


def _options(opts: CanonOpts, scope: Scope, offset: int) -> None:
    """What holds of options wherever they stand."""
    if opts.memory is not None:
        memory = scope.get(scope.core_memories, opts.memory, "memory", offset)
        if memory.limits.address is not core.AddressType.I32:
            fail("canonical option `memory` must be a 32-bit memory", offset)
        if memory.limits.shared:
            fail("canonical option `memory` must not be a shared memory", offset)
    if opts.realloc is not None:
        realloc = scope.core_func(opts.realloc, offset)
        if opts.memory is None:
            fail("canonical option `realloc` requires `memory` to also be specified", offset)
        if realloc != REALLOC:
            fail(
                "canonical option `realloc` uses a core function with an incorrect signature",
                offset,
            )
    if opts.callback is not None:
        if not opts.is_async:
            fail("cannot specify callback without async", offset)
        if scope.core_func(opts.callback, offset) != _CALLBACK:
            fail(
                "canonical option `callback` uses a core function with an incorrect signature",
                offset,
            )


def _needs(opts: CanonOpts, offset: int, *, memory: bool, realloc: bool) -> None:
    if (memory or realloc) and opts.memory is None:
        fail("canonical option `memory` is required", offset)
    if realloc and opts.realloc is None:
        fail("canonical option `realloc` is required", offset)


def _flat_count(types: tuple[ValType, ...], checker: TypeChecker) -> int:
    flat = checker.layouts.flatten_types(types)
    return MAX_FLAT_PARAMS + 1 if flat is None else len(flat)


def check_lift(d: CanonLift, scope: Scope, checker: TypeChecker) -> tuple[FuncType, core.FuncType]:
    """The component function type of a lift and the core type it calls, or what is wrong."""
    ft = scope.type(d.type, d.offset)
    if not isinstance(ft, FuncType):
        fail(f"type index {d.type} is not a function type", d.offset)
    func = scope.core_func(d.func, d.offset)
    opts = d.opts
    _options(opts, scope, d.offset)
    if opts.is_async and not ft.is_async:
        fail("the `async` canonical option requires an async function type", d.offset)
    params = tuple(t for _, t in ft.params)
    results = () if ft.result is None else (ft.result,)
    heap_params = any(checker.layouts.of(t).needs_memory for t in params)
    heap_results = any(checker.layouts.of(t).needs_memory for t in results)
    spilled = _flat_count(params, checker) > MAX_FLAT_PARAMS
    returned = not opts.is_async and _flat_count(results, checker) > MAX_FLAT_RESULTS
    _needs(
        opts,
        d.offset,
        memory=heap_params or spilled or returned or (heap_results and not opts.is_async),
        realloc=heap_params or spilled,
    )
    wanted = checker.layouts.flatten_functype(ft, opts, lower=False)
    if wanted.params != func.params:
        fail(
            f"lowered parameter types `{_types(wanted.params)}` do not match parameter types "
            f"`{_types(func.params)}` of core function {d.func}",
            d.offset,
        )
    if wanted.results != func.results:
        fail(
            f"lowered result types `{_types(wanted.results)}` do not match result types "
            f"`{_types(func.results)}` of core function {d.func}",
            d.offset,
        )
    if opts.post_return is not None:
        if opts.is_async:
            fail("cannot specify post-return function in async", d.offset)
        if scope.core_func(opts.post_return, d.offset) != core.FuncType(func.results, ()):
            fail(
                "canonical option `post-return` uses a core function with an incorrect signature",
                d.offset,
            )
    return ft, func


def check_lower(d: CanonLower, ft: FuncType, scope: Scope, checker: TypeChecker) -> core.FuncType:
    """The core type of a lowered function, or what is wrong with its options."""
    opts = d.opts
    if opts.post_return is not None:
        fail("canonical option `post-return` cannot be specified for lowerings", d.offset)
    if opts.callback is not None:
        fail("canonical option `callback` cannot be specified for lowerings", d.offset)
    _options(opts, scope, d.offset)
    if opts.is_async and not ft.is_async:
        fail("the `async` canonical option requires an async function type", d.offset)
    params = tuple(t for _, t in ft.params)
    results = () if ft.result is None else (ft.result,)
    heap_params = any(checker.layouts.of(t).needs_memory for t in params)
    heap_results = any(checker.layouts.of(t).needs_memory for t in results)
    limit = 4 if opts.is_async else MAX_FLAT_PARAMS
    spilled = _flat_count(params, checker) > limit
    returned = _flat_count(results, checker) > MAX_FLAT_RESULTS or (opts.is_async and bool(results))
    _needs(opts, d.offset, memory=heap_params or spilled or returned, realloc=heap_results)
    return checker.layouts.flatten_functype(ft, opts, lower=True)


def resource_op(d: CanonResource, scope: Scope) -> tuple[core.FuncType, ResourceType]:
    """The core type of a resource built-in and the resource it works on."""
    resource = scope.resource(d.type, d.offset)
    if d.op is Op.DROP:
        return _ONE, resource
    if resource.resource not in scope.local:
        fail(
            f"type index {d.type} is not a resource type defined in this component: "
            "not a local resource",
            d.offset,
        )
    return _ONE_TO_ONE, resource


def builtin_type(
    d: CanonBuiltin, scope: Scope, checker: TypeChecker
) -> tuple[core.FuncType, AnyType | None]:
    """The core type of any other built-in, and the component type it works on, if any."""
    row = BUILTIN_BY_CODE[d.code]
    opts = d.opts or CanonOpts()
    _options(opts, scope, d.offset)
    of: StreamType | FutureType | None = None
    values = iter(d.immediates)
    core_type = row.type
    for immediate in row.immediates:
        if immediate is Immediate.OPTS:
            continue
        value = next(values)
        match immediate, value:
            case Immediate.TYPE, int(index):
                found = scope.type(index, d.offset)
                wanted = StreamType if row.of == "stream" else FutureType
                if not isinstance(found, wanted):
                    fail(f"`{row.name}` requires a {row.of} type", d.offset)
                of = found
            case Immediate.MEMORY, int(index):
                scope.get(scope.core_memories, index, "memory", d.offset)
            case Immediate.TABLE, int(index):
                table = scope.get(scope.core_tables, index, "table", d.offset)
                if table.element != core.FUNCREF:
                    fail("table is not of `funcref`", d.offset)
            case Immediate.CORE_TYPE, int(index):
                entry = scope.get(scope.core_types, index, "core type", d.offset)
                if isinstance(entry, ModuleType) or entry.composite != _ONE:
                    fail(
                        f"`{row.name}` needs a start function of type `(func (param i32))`",
                        d.offset,
                    )
            case _:
                pass
    if core_type is None:
        core_type = _dependent(d, row.name, opts, scope, checker)
    if of is not None and row.name.endswith((".read", ".write")):
        element = of.element
        heap = element is not None and checker.layouts.of(element).needs_memory
        _needs(
            opts, d.offset, memory=element is not None, realloc=heap and row.name.endswith(".read")
        )
    if row.name.startswith("error-context.") and not row.name.endswith("drop"):
        _needs(opts, d.offset, memory=True, realloc=row.name.endswith("message"))
    return core_type, of


def _dependent(
    d: CanonBuiltin, name: str, opts: CanonOpts, scope: Scope, checker: TypeChecker
) -> core.FuncType:
    """The core type of a built-in whose type follows its immediates."""
    match name, d.immediates:
        case "task.return", (result,):
            if opts.realloc is not None:
                fail("cannot specify `realloc` option on `task.return`", d.offset)
            if result is None:
                return core.FuncType()
            assert isinstance(result, Prim | int)
            layout = checker.layouts.of(checker.valtype(result, scope, d.offset))
            spilled = layout.flat is None
            _needs(opts, d.offset, memory=layout.needs_memory or spilled, realloc=False)
            return core.FuncType((I32,) if layout.flat is None else layout.flat)
        case (("context.get" | "context.set"), (valtype, int(slot))):
            if valtype not in (core.I32, core.I64):
                fail(f"`{name}` works on i32 or i64 only", d.offset)
            if slot > 1:
                fail(f"`{name}` immediate must be zero or one: {slot}", d.offset)
            slots = (core.I32 if valtype == core.I32 else core.I64,)
            if name == "context.get":
                return core.FuncType((), slots)
            return core.FuncType(slots, ())
        case _:
            return core.FuncType((I32, I32), (I32,))
