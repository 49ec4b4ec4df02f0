"""Owns the names of what grew on the first WebAssembly: the proposals, finished or not.

A name is the proposal's, as engines, compilers and `target_features` sections spell it. `WASM_1`
is what version 1 of the specification had and is never reported as a feature used.
"""

from __future__ import annotations

from enum import Enum


class Feature(Enum):
    """A proposal that a module can use; all are in WebAssembly 3.0 but the last five."""

    WASM_1 = "mvp"
    MUTABLE_GLOBALS = "mutable-globals"
    SIGN_EXTENSION = "sign-extension"
    SATURATING_FLOAT_TO_INT = "saturating-float-to-int"
    MULTI_VALUE = "multi-value"
    BULK_MEMORY = "bulk-memory"
    REFERENCE_TYPES = "reference-types"
    SIMD = "simd"
    RELAXED_SIMD = "relaxed-simd"
    TAIL_CALL = "tail-call"
    EXTENDED_CONST = "extended-const"
    EXCEPTIONS = "exceptions"
    FUNCTION_REFERENCES = "function-references"
    GC = "gc"
    MULTI_MEMORY = "multi-memory"
    MEMORY64 = "memory64"
    THREADS = "threads"
    LEGACY_EXCEPTIONS = "legacy-exceptions"
    WIDE_ARITHMETIC = "wide-arithmetic"
    CUSTOM_PAGE_SIZES = "custom-page-sizes"
    BRANCH_HINTING = "branch-hinting"

    def __str__(self) -> str:
        return self.value
