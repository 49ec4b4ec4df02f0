"""Owns the shared library of wasmtime: finding it, refusing another version, its C prototypes.

The library is the one inside the `wasmtime` wheel, opened without importing that package (whose
import costs more than a whole `wherever run`). Every prototype takes and gives plain integers: an
address is an `int`, and who keeps the bytes at it alive is said where it is made.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from ctypes import c_bool, c_char_p, c_int64, c_size_t, c_uint8, c_uint32, c_uint64
from ctypes import c_void_p as ptr
from typing import Any

from wherever.engine.release import VERSION
from wherever.errors import Unsupported

__all__ = [
    "Library",
    "Words1",
    "Words2",
    "Words3",
    "Words4",
    "find_library",
    "library",
    "message_of",
]

# name -> (result, arguments); None is void. Grouped as in the C headers. An address is given as
# c_void_p and comes back as c_size_t, so that NULL is 0.
size = c_size_t
_PROTOTYPES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    # wasm.h: configuration, engine, types
    "wasm_config_new": (size, ()),
    "wasm_engine_new_with_config": (size, (ptr,)),
    "wasm_engine_delete": (None, (ptr,)),
    "wasm_byte_vec_delete": (None, (ptr,)),
    "wasm_valtype_new": (size, (c_uint8,)),
    "wasm_valtype_vec_new": (None, (ptr, c_size_t, ptr)),
    "wasm_functype_new": (size, (ptr, ptr)),
    "wasm_functype_delete": (None, (ptr,)),
    "wasm_functype_params": (size, (ptr,)),
    "wasm_functype_results": (size, (ptr,)),
    "wasm_globaltype_new": (size, (ptr, c_uint8)),
    "wasm_globaltype_delete": (None, (ptr,)),
    "wasm_tabletype_new": (size, (ptr, ptr)),
    "wasm_tabletype_delete": (None, (ptr,)),
    "wasm_tagtype_new": (size, (ptr,)),
    "wasm_tagtype_delete": (None, (ptr,)),
    "wasm_memorytype_delete": (None, (ptr,)),
    "wasm_trap_delete": (None, (ptr,)),
    "wasm_trap_message": (None, (ptr, ptr)),
    "wasm_trap_trace": (None, (ptr, ptr)),
    "wasm_frame_vec_delete": (None, (ptr,)),
    "wasm_frame_func_index": (c_uint32, (ptr,)),
    "wasm_frame_func_offset": (c_size_t, (ptr,)),
    "wasm_frame_module_offset": (c_size_t, (ptr,)),
    # wasmtime/config.h
    "wasmtime_config_epoch_interruption_set": (None, (ptr, c_bool)),
    "wasmtime_config_consume_fuel_set": (None, (ptr, c_bool)),
    "wasmtime_config_cranelift_opt_level_set": (None, (ptr, c_uint8)),
    "wasmtime_config_max_wasm_stack_set": (None, (ptr, c_size_t)),
    "wasmtime_config_async_stack_size_set": (None, (ptr, c_size_t)),
    "wasmtime_config_memory_may_move_set": (None, (ptr, c_bool)),
    "wasmtime_config_memory_reservation_set": (None, (ptr, c_uint64)),
    "wasmtime_config_memory_init_cow_set": (None, (ptr, c_bool)),
    "wasmtime_config_parallel_compilation_set": (None, (ptr, c_bool)),
    "wasmtime_config_shared_memory_set": (None, (ptr, c_bool)),
    "wasmtime_config_debug_info_set": (None, (ptr, c_bool)),
    "wasmtime_config_target_set": (size, (ptr, c_char_p)),
    "wasmtime_config_wasm_custom_page_sizes_set": (None, (ptr, c_bool)),
    "wasmtime_config_wasm_exceptions_set": (None, (ptr, c_bool)),
    "wasmtime_config_wasm_wide_arithmetic_set": (None, (ptr, c_bool)),
    "wasmtime_config_cranelift_nan_canonicalization_set": (None, (ptr, c_bool)),
    "wasmtime_pooling_allocation_config_new": (size, ()),
    "wasmtime_pooling_allocation_config_delete": (None, (ptr,)),
    "wasmtime_pooling_allocation_config_total_core_instances_set": (None, (ptr, c_uint32)),
    "wasmtime_pooling_allocation_config_total_memories_set": (None, (ptr, c_uint32)),
    "wasmtime_pooling_allocation_config_total_tables_set": (None, (ptr, c_uint32)),
    "wasmtime_pooling_allocation_config_total_stacks_set": (None, (ptr, c_uint32)),
    "wasmtime_pooling_allocation_config_total_gc_heaps_set": (None, (ptr, c_uint32)),
    "wasmtime_pooling_allocation_config_max_core_instance_size_set": (None, (ptr, c_size_t)),
    "wasmtime_pooling_allocation_config_max_memories_per_module_set": (None, (ptr, c_uint32)),
    "wasmtime_pooling_allocation_config_max_tables_per_module_set": (None, (ptr, c_uint32)),
    "wasmtime_pooling_allocation_config_max_memory_size_set": (None, (ptr, c_size_t)),
    "wasmtime_pooling_allocation_config_table_elements_set": (None, (ptr, c_size_t)),
    "wasmtime_pooling_allocation_config_linear_memory_keep_resident_set": (None, (ptr, c_size_t)),
    "wasmtime_pooling_allocation_config_table_keep_resident_set": (None, (ptr, c_size_t)),
    "wasmtime_pooling_allocation_config_async_stack_keep_resident_set": (None, (ptr, c_size_t)),
    "wasmtime_pooling_allocation_config_max_unused_warm_slots_set": (None, (ptr, c_uint32)),
    "wasmtime_pooling_allocation_strategy_set": (None, (ptr, ptr)),
    # wasmtime/{engine,error,trap}.h
    "wasmtime_engine_increment_epoch": (None, (ptr,)),
    "wasmtime_error_new": (size, (c_char_p,)),
    "wasmtime_error_delete": (None, (ptr,)),
    "wasmtime_error_message": (None, (ptr, ptr)),
    "wasmtime_error_wasm_trace": (None, (ptr, ptr)),
    "wasmtime_trap_new": (size, (c_char_p, c_size_t)),
    "wasmtime_trap_code": (c_bool, (ptr, ptr)),
    "wasmtime_frame_func_name": (size, (ptr,)),
    "wasmtime_frame_module_name": (size, (ptr,)),
    # wasmtime/val.h, types/val.h
    "wasmtime_valtype_to_wasm": (size, (ptr, ptr)),
    "wasmtime_valtype_new": (None, (ptr, ptr)),
    "wasmtime_valtype_delete": (None, (ptr,)),
    "wasmtime_val_unroot": (None, (ptr,)),
    "wasmtime_val_clone": (None, (ptr, ptr)),
    "wasmtime_externref_new": (c_bool, (ptr, ptr, ptr, ptr)),
    "wasmtime_externref_data": (size, (ptr, ptr)),
    "wasmtime_externref_unroot": (None, (ptr,)),
    "wasmtime_externref_clone": (None, (ptr, ptr)),
    "wasmtime_externref_from_raw": (None, (ptr, c_uint32, ptr)),
    "wasmtime_externref_to_raw": (c_uint32, (ptr, ptr)),
    "wasmtime_anyref_from_i31": (None, (ptr, c_uint32, ptr)),
    "wasmtime_anyref_is_i31": (c_bool, (ptr, ptr)),
    "wasmtime_anyref_i31_get_s": (c_bool, (ptr, ptr, ptr)),
    "wasmtime_exnref_new": (size, (ptr, ptr, ptr, c_size_t, ptr)),
    "wasmtime_exnref_tag": (size, (ptr, ptr, ptr)),
    "wasmtime_exnref_field_count": (c_size_t, (ptr, ptr)),
    "wasmtime_exnref_field": (size, (ptr, ptr, c_size_t, ptr)),
    "wasmtime_exnref_unroot": (None, (ptr,)),
    "wasmtime_context_set_exception": (size, (ptr, ptr)),
    "wasmtime_context_take_exception": (c_bool, (ptr, ptr)),
    "wasmtime_context_has_exception": (c_bool, (ptr,)),
    # wasmtime/module.h
    "wasmtime_module_new": (size, (ptr, ptr, c_size_t, ptr)),
    "wasmtime_module_delete": (None, (ptr,)),
    "wasmtime_module_validate": (size, (ptr, ptr, c_size_t)),
    "wasmtime_module_serialize": (size, (ptr, ptr)),
    "wasmtime_module_deserialize": (size, (ptr, ptr, c_size_t, ptr)),
    "wasmtime_module_deserialize_file": (size, (ptr, c_char_p, ptr)),
    "wasmtime_wat2wasm": (size, (c_char_p, c_size_t, ptr)),
    # wasmtime/store.h
    "wasmtime_store_new": (size, (ptr, ptr, ptr)),
    "wasmtime_store_context": (size, (ptr,)),
    "wasmtime_store_delete": (None, (ptr,)),
    "wasmtime_store_limiter": (None, (ptr, c_int64, c_int64, c_int64, c_int64, c_int64)),
    "wasmtime_store_epoch_deadline_callback": (None, (ptr, ptr, ptr, ptr)),
    "wasmtime_context_set_epoch_deadline": (None, (ptr, c_uint64)),
    "wasmtime_context_set_fuel": (size, (ptr, c_uint64)),
    "wasmtime_context_get_fuel": (size, (ptr, ptr)),
    "wasmtime_context_gc": (size, (ptr,)),
    # wasmtime/{func,instance,linker}.h
    "wasmtime_func_new_unchecked": (None, (ptr, ptr, ptr, ptr, ptr, ptr)),
    "wasmtime_func_new": (None, (ptr, ptr, ptr, ptr, ptr, ptr)),
    "wasmtime_func_type": (size, (ptr, ptr)),
    "wasmtime_func_call": (size, (ptr, ptr, ptr, c_size_t, ptr, c_size_t, ptr)),
    "wasmtime_func_call_unchecked": (size, (ptr, ptr, ptr, c_size_t, ptr)),
    "wasmtime_instance_new": (size, (ptr, ptr, ptr, c_size_t, ptr, ptr)),
    "wasmtime_instance_export_get": (c_bool, (ptr, ptr, ptr, c_size_t, ptr)),
    "wasmtime_instance_export_nth": (c_bool, (ptr, ptr, c_size_t, ptr, ptr, ptr)),
    "wasmtime_linker_new": (size, (ptr,)),
    "wasmtime_linker_delete": (None, (ptr,)),
    "wasmtime_linker_allow_shadowing": (None, (ptr, c_bool)),
    "wasmtime_linker_define": (size, (ptr, ptr, ptr, c_size_t, ptr, c_size_t, ptr)),
    "wasmtime_linker_define_async_func": (
        size,
        (ptr, ptr, c_size_t, ptr, c_size_t, ptr, ptr, ptr, ptr),
    ),
    "wasmtime_linker_define_func_unchecked": (
        size,
        (ptr, ptr, c_size_t, ptr, c_size_t, ptr, ptr, ptr, ptr),
    ),
    "wasmtime_linker_instantiate_pre": (size, (ptr, ptr, ptr)),
    "wasmtime_instance_pre_instantiate": (size, (ptr, ptr, ptr, ptr)),
    "wasmtime_instance_pre_delete": (None, (ptr,)),
    "wasmtime_caller_context": (size, (ptr,)),
    "wasmtime_linker_instantiate_async": (size, (ptr, ptr, ptr, ptr, ptr, ptr)),
    "wasmtime_linker_get": (c_bool, (ptr, ptr, ptr, c_size_t, ptr, c_size_t, ptr)),
    # wasmtime/async.h
    "wasmtime_func_call_async": (size, (ptr, ptr, ptr, c_size_t, ptr, c_size_t, ptr, ptr)),
    "wasmtime_call_future_poll": (c_bool, (ptr,)),
    "wasmtime_call_future_delete": (None, (ptr,)),
    # wasmtime/{memory,table,global,tag}.h
    "wasmtime_memorytype_new": (
        size,
        (c_uint64, c_bool, c_uint64, c_bool, c_bool, c_uint8, ptr),
    ),
    "wasmtime_memory_new": (size, (ptr, ptr, ptr)),
    "wasmtime_memory_data": (size, (ptr, ptr)),
    "wasmtime_memory_data_size": (c_size_t, (ptr, ptr)),
    "wasmtime_memory_grow": (size, (ptr, ptr, c_uint64, ptr)),
    "wasmtime_table_new": (size, (ptr, ptr, ptr, ptr)),
    "wasmtime_table_get": (c_bool, (ptr, ptr, c_uint64, ptr)),
    "wasmtime_table_set": (size, (ptr, ptr, c_uint64, ptr)),
    "wasmtime_table_size": (c_uint64, (ptr, ptr)),
    "wasmtime_table_grow": (size, (ptr, ptr, c_uint64, ptr, ptr)),
    "wasmtime_global_new": (size, (ptr, ptr, ptr, ptr)),
    "wasmtime_global_get": (None, (ptr, ptr, ptr)),
    "wasmtime_global_set": (size, (ptr, ptr, ptr)),
    "wasmtime_tag_new": (size, (ptr, ptr, ptr)),
    "wasmtime_tag_eq": (c_bool, (ptr, ptr, ptr)),
}


# Handles of the C API in words: functions and instances, memories and such, externs. Named, since
# making an array type again costs as much as an array.
Words1 = c_uint64 * 1
Words2 = c_uint64 * 2
Words3 = c_uint64 * 3
Words4 = c_uint64 * 4


class Bare:
    """The functions without argument conversion, which is a third of a short call.

    Callers hand over ctypes objects of the right types (an int would travel as a C int), and look
    only at results of a word. `Library.brief` keeps the interpreter's lock too: for functions that
    neither wait nor work.
    """

    def __init__(self, dll: ctypes.CDLL) -> None:
        self._dll = dll

    def __getattr__(self, name: str) -> Callable[..., int]:
        function = self._dll[name]
        function.restype = c_size_t
        self.__dict__[name] = function
        return function


class Library:
    """The opened library: one attribute a C function, bound when first used.

    Functions of type `void` return None in fact; no caller looks at it.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._dll = ctypes.CDLL(path)
        self.bare = Bare(self._dll)
        self.brief = Bare(ctypes.PyDLL(path))

    def __getattr__(self, name: str) -> Callable[..., int]:
        prototype = _PROTOTYPES.get(name)
        if prototype is None:
            raise AttributeError(f"the engine room has no prototype for {name!r}")
        function = self._dll[name]
        function.restype, function.argtypes = prototype
        self.__dict__[name] = function
        return function  # type checkers see a C function as any callable

    def address(self, name: str) -> int:
        """Where the C function is, for C code that calls it."""
        return ctypes.cast(self._dll[name], ptr).value or 0


_opened: Library | None = None


def library() -> Library:
    """The process's one library, opened at the first call."""
    global _opened  # one library a process is what the C side assumes too
    if _opened is None:
        _opened = Library(find_library(sys.path))
    return _opened


def find_library(search: list[str]) -> str:
    """The path of the library of wasmtime `VERSION`; `Unsupported` says what is there instead."""
    folder, file = _names()
    for entry in search:
        home = os.path.join(entry or ".", "wasmtime")  # noqa: PTH118  # pathlib costs 5 ms
        path = os.path.join(home, folder, file)  # noqa: PTH118
        if not os.path.isfile(path):  # noqa: PTH113
            continue
        # The wheel's metadata lies beside it; this is cheaper than importlib.metadata by 15 ms.
        if os.path.isdir(f"{home}-{VERSION}.dist-info"):  # noqa: PTH112
            return path
        raise Unsupported(
            f"wherever needs wasmtime {VERSION} exactly (its C layouts differ between releases); "
            f"{entry} has {_found_version(entry)}: pip install wasmtime=={VERSION}"
        )
    raise Unsupported(
        f"the wasmtime library ({folder}/{file}) is not installed for this platform: "
        f"pip install wasmtime=={VERSION}"
    )


def _names() -> tuple[str, str]:
    machine = os.uname().machine if hasattr(os, "uname") else "x86_64"
    machine = {"arm64": "aarch64", "AMD64": "x86_64"}.get(machine, machine)
    files = {"linux": "_libwasmtime.so", "darwin": "_libwasmtime.dylib", "win32": "_wasmtime.dll"}
    return f"{sys.platform}-{machine}", files.get(sys.platform, "_libwasmtime.so")


def _found_version(entry: str) -> str:
    names = [name for name in os.listdir(entry) if name.startswith("wasmtime-")]  # noqa: PTH208
    return ", ".join(names) or "a copy that does not say its version"


def message_of(error: int) -> str:
    """The text of a wasmtime_error_t, which this frees; causes follow after colons."""
    lib = library()
    vector = (c_size_t * 2)()
    lib.wasmtime_error_message(error, ctypes.addressof(vector))
    text = ctypes.string_at(vector[1], vector[0]).decode("utf-8", "replace")
    lib.wasm_byte_vec_delete(ctypes.addressof(vector))
    lib.wasmtime_error_delete(error)
    said, _, causes = text.removeprefix(_PARSING).partition("\n\nCaused by:\n")
    return ": ".join([said, *[line.strip() for line in causes.splitlines() if line.strip()]])


_PARSING = (
    "failed to parse WebAssembly module\n\nCaused by:\n    "  # of which our words say as much
)
