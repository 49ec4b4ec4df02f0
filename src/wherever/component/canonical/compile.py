"""Owns whole calls: `canon lift` and `canon lower` compiled into one Python function each.

`lift_function` is what Python calls to enter a guest, `lower_function` what a guest calls to reach
Python, `bridge_function` what one guest calls to reach another: lifted from the caller's memory and
lowered into the callee's by one generated function, with no Python classes in between.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from wherever.component.canonical import giving, values
from wherever.component.canonical.context import ComponentInstance, Task
from wherever.component.canonical.emit import Emitter
from wherever.component.canonical.lift import Lifter
from wherever.component.canonical.lower import MASK32, Handles, Lowerer
from wherever.component.canonical.memory import Options
from wherever.component.canonical.values import Classes, explain, unexplained
from wherever.component.layout import Layouts
from wherever.component.syntax import StringEncoding
from wherever.component.types import FuncType, ResultType, TupleType, ValType
from wherever.errors import Unsupported

REFUSED = (values.BadValue, TypeError, AttributeError, struct.error, UnicodeError, OverflowError)
"""What the generated check of a value may raise; `explain` then says what is wrong."""


@dataclass(frozen=True, slots=True, eq=False)
class Lifted:
    """One guest function as `canon lift` has it: who it is in, how to call it."""

    type: FuncType
    inst: ComponentInstance
    options: Options
    core: Callable[..., Any]
    post_return: Callable[..., Any] | None
    handles: Handles

    def seen_as(self, type_: FuncType, handles: Handles) -> Lifted:
        """The same function under the type, and with the handles, of whoever calls it."""
        return Lifted(type_, self.inst, self.options, self.core, self.post_return, handles)


@dataclass(frozen=True, slots=True, eq=False)
class Lowered:
    """One function that a guest imports, as `canon lower` has it on the guest's side."""

    type: FuncType
    inst: ComponentInstance
    options: Options
    handles: Handles


class _Missing:
    """The default of every parameter: not given."""


_MISSING = _Missing()


def _synchronous(ft: FuncType, name: str) -> None:
    if ft.is_async:
        raise Unsupported(
            f"{name}: an async function: wherever does not have the asynchronous ABI yet"
        )


def bind(
    args: tuple[Any, ...], keywords: Mapping[str, Any], names: tuple[str, ...], name: str
) -> list[Any]:
    """Positional and keyword arguments in the order of `names`; TypeError as Python has it."""
    given = [a for a in args if a is not _MISSING]
    if len(given) > len(names):
        raise TypeError(f"{name}() takes {len(names)} arguments but {len(given)} were given")
    bound = dict(zip(names, given, strict=False))
    for keyword, value in keywords.items():
        if keyword not in names:
            raise TypeError(f"{name}() got an unexpected keyword argument {keyword!r}")
        if keyword in bound:
            raise TypeError(f"{name}() got multiple values for argument {keyword!r}")
        bound[keyword] = value
    missing = [n for n in names if n not in bound]
    if missing:
        raise TypeError(f"{name}() missing arguments: {', '.join(missing)}")
    return [bound[n] for n in names]


def lift_function(
    lifted: Lifted,
    classes: Classes,
    layouts: Layouts,
    name: str,
    names: tuple[str, ...],
) -> Callable[..., Any]:
    """The Python function that calls `lifted`; `names` are its parameters'."""
    ft = lifted.type
    _synchronous(ft, name)
    out = Emitter()
    constant = out.constant
    types = tuple(t for _, t in ft.params)
    lowerer = Lowerer(out, layouts, lifted.options, lifted.handles, classes)
    lifter = Lifter(out, layouts, lifted.options, lifted.handles, classes)

    def refuse(error: BaseException, args: tuple[Any, ...]) -> NoReturn:
        for t, label, value in zip(types, names, args, strict=True):
            explain(t, value, f"{name}: argument {label!r}", classes)
        unexplained(error)

    params = [f"a{i}" for i in range(len(types))]
    missing = constant(_MISSING)
    heads = "".join(f"{p}={missing}, " for p in params)
    test = " or ".join(["more", "kw", *([f"{params[-1]} is {missing}"] if params else [])])
    everything = "".join(f"{p}, " for p in params)
    with out.block(f"if {test}:"):
        target = f"{everything}= " if params else ""
        given = f"({everything}*more,), kw, {constant(names)}, {constant(name)}"
        out.line(f"{target}{constant(bind)}({given})")
    prepared: list[str] = []
    if params:
        with out.block("try:"):
            prepared = [lowerer.prepare(t, p) for t, p in zip(types, params, strict=True)]
            out.line("pass")
        with out.block(f"except {constant(REFUSED)} as error:"):
            out.line(f"{constant(refuse)}(error, ({everything}))")
    together = giving.check(types)
    if together is not None:
        kept = [out.name() for _ in prepared]
        out.line(f"{', '.join(kept)}, = {', '.join(prepared)},")
        prepared = kept
        out.line(f"{constant(together)}(({', '.join(kept)},), {constant(name)})")
    inst = constant(lifted.inst)
    with out.block(f"with {constant(lifted.inst.lock)}:"):
        with out.block(f"if {inst}.entered:"):
            out.line(f"{inst}.refuse_entry()")
        if lifted.inst.begin is not None:
            out.line(f"{constant(lifted.inst.begin)}()")
        out.line(f"{inst}.entered = True")
        value, closing = _enter(out, lowerer, lifter, lifted, prepared, layouts)
        for line in closing:
            out.line(line)
        if any(layouts.of(t).has_borrow for t in types):
            out.line("cx.release()")
        out.line(f"{inst}.entered = False")
    if isinstance(ft.result, ResultType):
        with out.block(f"if {value}.__class__ is {constant(values.Err)}:"):
            out.line(f"raise {constant(classes.error(ft.result.error))}({value}.value)")
        out.line(f"return {value}.value")
    elif ft.result is not None:
        out.line(f"return {value}")
    made = out.build(f"{heads}{'/, ' if params else ''}*more, **kw")
    made.__name__ = made.__qualname__ = name
    return made


def _needs_task(types: tuple[ValType, ...], layouts: Layouts) -> bool:
    return any(layouts.of(t).needs_memory or layouts.of(t).has_borrow for t in types)


def _enter(
    out: Emitter,
    lowerer: Lowerer,
    lifter: Lifter,
    lifted: Lifted,
    prepared: list[str],
    layouts: Layouts,
    own_task: bool = True,
) -> tuple[str, list[str]]:
    """Emit the call itself: lower, call, lift; the result's variable, and the closing lines."""
    ft = lifted.type
    types = tuple(t for _, t in ft.params)
    constant = out.constant
    inst = constant(lifted.inst)
    has_borrow = any(layouts.of(t).has_borrow for t in types)
    results = () if ft.result is None else (ft.result,)
    if own_task and _needs_task((*types, *results), layouts):
        out.line(f"cx = {constant(Task)}()")
    flat = layouts.flatten_types(types)
    runs_realloc = flat is None or any(layouts.of(t).needs_memory for t in types)
    if runs_realloc:
        out.line(f"{inst}.may_leave = False")
    flats: list[str] = []
    if flat is None:
        whole = TupleType(types)
        layout = layouts.of(whole)
        place, buffer = out.name(), out.name()
        options = lifted.options
        out.line(f"{place} = {constant(options.alloc)}({layout.size}, {layout.alignment})")
        out.line(f"{buffer} = bytearray({layout.size})")
        all_params = out.name()
        out.line(f"{all_params} = ({''.join(p + ', ' for p in prepared)})")
        if not own_task or _needs_task((*types, *results), layouts):
            pass
        else:
            out.line("cx = None")
        zero = out.name()
        out.line(f"{zero} = 0")
        lowerer.store(whole, all_params, buffer, zero, 0)
        view = constant(options.view)
        out.line(
            f"{view}({place}, {layout.size}, {layout.alignment}, 'parameters')"
            f"[{place}:{place} + {layout.size}] = {buffer}"
        )
        flats = [place]
    else:
        for t, p in zip(types, prepared, strict=True):
            flats += lowerer.flatten(t, p)
    if runs_realloc:
        out.line(f"{inst}.may_leave = True")
    if lifted.inst.has_context:
        out.line(f"{inst}.context = [0, 0]")
    returned = out.name()
    out.line(f"{returned} = {constant(lifted.core)}({', '.join(flats)})")
    value = "None"
    closing: list[str] = []
    if ft.result is not None:
        value = out.name()
        layout = layouts.of(ft.result)
        if layout.flat is not None and len(layout.flat) <= 1:
            out.line(f"{value} = {lifter.lift_flat(ft.result, [returned] * len(layout.flat))}")
        else:
            at, view = out.name(), out.name()
            out.line(f"{at} = {returned} & {MASK32}")
            look = constant(lifted.options.view)
            out.line(f"{view} = {look}({at}, {layout.size}, {layout.alignment}, 'result')")
            if not own_task or _needs_task((*types, *results), layouts):
                pass
            else:
                out.line("cx = None")
            out.line(f"{value} = {lifter.load(ft.result, view, at, 0)}")
    if has_borrow:
        closing.append("cx.exit()")
    if lifted.post_return is not None:
        returns = ft.result is not None
        closing += [
            f"{inst}.may_leave = False",
            f"{constant(lifted.post_return)}({returned if returns else ''})",
            f"{inst}.may_leave = True",
        ]
    return value, closing


def _lift_params(
    out: Emitter, lifter: Lifter, options: Options, types: tuple[ValType, ...], layouts: Layouts
) -> tuple[list[str], list[str]]:
    """Emit lifting the parameters of an imported function: the flat names, the values' names."""
    flat = layouts.flatten_types(types)
    if flat is None:
        whole = TupleType(types)
        layout = layouts.of(whole)
        view, at = out.name(), out.name()
        out.line(f"{at} = f0 & {MASK32}")
        look = out.constant(options.view)
        out.line(f"{view} = {look}({at}, {layout.size}, {layout.alignment}, 'parameters')")
        item = out.name()
        out.line(f"{item} = {lifter.load(whole, view, at, 0)}")
        names = [out.name() for _ in types]
        out.line(f"{''.join(n + ', ' for n in names)}= {item}")
        return ["f0"], names
    names = list[str]()
    at_flat = 0
    for t in types:
        count = len(layouts.of(t).flat or ())
        flats = [f"f{i}" for i in range(at_flat, at_flat + count)]
        item = out.name()
        out.line(f"{item} = {lifter.lift_flat(t, flats)}")
        names.append(item)
        at_flat += count
    return [f"f{i}" for i in range(at_flat)], names


def _return_to(
    out: Emitter, lowerer: Lowerer, lowered: Lowered, value: str, given: int, layouts: Layouts
) -> tuple[list[str], str]:
    """Emit lowering a result to the caller: further flat parameters, and what to return."""
    result = lowered.type.result
    if result is None:
        return [], ""
    layout = layouts.of(result)
    inst = out.constant(lowered.inst)
    if layout.needs_memory:
        out.line(f"{inst}.may_leave = False")
    if layout.flat is not None and len(layout.flat) <= 1:
        flats = lowerer.flatten(result, value)
        text, params = "".join(flats), list[str]()
        if flats:
            item = out.name()
            out.line(f"{item} = {text}")
            text = item
    else:
        pointer = f"f{given}"
        params, text = [pointer], ""
        buffer, zero, at = out.name(), out.name(), out.name()
        out.line(f"{at} = {pointer} & {MASK32}")
        look = out.constant(lowered.options.view)
        # before anything of the guest's runs: the place must be good
        out.line(f"{look}({at}, {layout.size}, {layout.alignment}, 'return area')")
        out.line(f"{buffer} = bytearray({layout.size})")
        out.line(f"{zero} = 0")
        lowerer.store(result, value, buffer, zero, 0)
        out.line(
            f"{look}({at}, {layout.size}, 1, 'return area')[{at}:{at} + {layout.size}] = {buffer}"
        )
    if layout.needs_memory:
        out.line(f"{inst}.may_leave = True")
    return params, text


def lower_function(
    lowered: Lowered,
    function: Callable[..., Any],
    classes: Classes,
    layouts: Layouts,
    name: str,
) -> Callable[..., Any]:
    """The core function by which a guest calls the Python `function`."""
    ft = lowered.type
    _synchronous(ft, name)
    out = Emitter()
    constant = out.constant
    types = tuple(t for _, t in ft.params)
    lifter = Lifter(out, layouts, lowered.options, lowered.handles, classes)
    lowerer = Lowerer(out, layouts, lowered.options, lowered.handles, classes)
    inst = constant(lowered.inst)
    with out.block(f"if not {inst}.may_leave:"):
        out.line(f"{inst}.refuse_leave()")
    out.line(f"cx = {constant(Task)}()")
    flats, items = _lift_params(out, lifter, lowered.options, types, layouts)
    value = out.name()
    call = f"{constant(function)}({', '.join(items)})"
    result = ft.result
    if isinstance(result, ResultType):
        with out.block("try:"):
            out.line(f"{value} = {constant(values.Ok)}({call})")
        with out.block(f"except {constant(values.ResultError)} as error:"):
            out.line(f"{value} = {constant(values.Err)}(error.value)")
    else:
        out.line(f"{value} = {call}")
    prepared = value
    if result is not None:
        known = result

        def refuse(error: BaseException, given: Any) -> NoReturn:
            explain(known, given, f"{name}: what the host returned", classes)
            unexplained(error)

        with out.block("try:"):
            prepared = lowerer.prepare(result, value)
            kept = out.name()
            out.line(f"{kept} = {prepared}")
            prepared = kept
        with out.block(f"except {constant(REFUSED)} as error:"):
            out.line(f"{constant(refuse)}(error, {value})")
        together = giving.check((result,))
        if together is not None:
            out.line(f"{constant(together)}(({prepared},), {constant(name)})")
    more, text = _return_to(out, lowerer, lowered, prepared, len(flats), layouts)
    if any(layouts.of(t).has_borrow for t in types):
        out.line("cx.release()")
    out.line(f"return {text}")
    made = out.build(", ".join([*flats, *more]))
    made.__name__ = made.__qualname__ = name
    return made


def bridge_function(
    lowered: Lowered, lifted: Lifted, layouts: Layouts, name: str
) -> Callable[..., Any]:
    """The core function by which one guest calls a function that another guest lifts."""
    ft = lowered.type
    _synchronous(ft, name)
    out = Emitter()
    constant = out.constant
    types = tuple(t for _, t in ft.params)
    utf8 = lowered.options.encoding is lifted.options.encoding is StringEncoding.UTF8
    caller_lifter = Lifter(out, layouts, lowered.options, lowered.handles, None, utf8=utf8)
    callee_lowerer = Lowerer(out, layouts, lifted.options, lifted.handles, None, utf8=utf8)
    callee_lifter = Lifter(out, layouts, lifted.options, lifted.handles, None, utf8=utf8)
    caller_lowerer = Lowerer(out, layouts, lowered.options, lowered.handles, None, utf8=utf8)
    caller, callee = constant(lowered.inst), constant(lifted.inst)
    with out.block(f"if not {caller}.may_leave:"):
        out.line(f"{caller}.refuse_leave()")
    if lowered.inst.is_kin(lifted.inst):
        # call_might_be_recursive: neither a parent into its child nor a child into its parent
        out.line(f"{callee}.refuse_kin()")
    with out.block(f"if {callee}.entered:"):
        out.line(f"{callee}.refuse_entry()")
    out.line(f"{callee}.entered = True")
    out.line(f"cx = {constant(Task)}()")
    flats, items = _lift_params(out, caller_lifter, lowered.options, types, layouts)
    value, closing = _enter(
        out, callee_lowerer, callee_lifter, lifted, items, layouts, own_task=False
    )
    more, text = _return_to(out, caller_lowerer, lowered, value, len(flats), layouts)
    for line in closing:
        out.line(line)
    if any(layouts.of(t).has_borrow for t in types):
        out.line("cx.release()")
    out.line(f"{callee}.entered = False")
    out.line(f"return {text}")
    made = out.build(", ".join([*flats, *more]))
    made.__name__ = made.__qualname__ = name
    return made
