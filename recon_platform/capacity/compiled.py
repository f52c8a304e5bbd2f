"""How the scheduler's kernels are compiled: inner functions as parts of one entry, cached with their sources.

Belongs here: the decorators and the digest only. The compiler caches a function by its own file; a change in a file it
calls would go unnoticed. So inner functions are never cached by themselves, and the entry carries the digest of all
sources as a constant, which is part of its key.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import llvmlite.binding as ll
import numba as nb
from llvmlite import ir
from numba.core import cgutils
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler

ENVIRONMENT = "_ZN08NumbaEnv"


class _Part(JITCodeLibrary):
    """Code that only ever becomes part of an entry: neither optimised nor made into machine code by itself.

    The compiler would do both for each function together with all it calls, over and over on every level; the entry,
    into which all parts are linked, is optimised as a whole anyway.
    """

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._codegen._add_module(self._environment())
        self._finalized = True

    def _environment(self) -> Any:
        """A module with nothing but the places where the compiler notes the environment of a function."""
        module = ir.Module()
        for found in self._final_module.global_variables:
            if found.name.startswith(ENVIRONMENT) and not self._codegen._engine.is_symbol_defined(found.name):
                place = ir.GlobalVariable(module, cgutils.voidptr_t, found.name)
                place.linkage, place.initializer = "common", ir.Constant(cgutils.voidptr_t, None)
        parsed = ll.parse_assembly(str(module))
        parsed.data_layout = self._codegen._data_layout
        return parsed

    def get_pointer_to_function(self, name: str) -> int:
        """No address: nothing outside of the entry calls a part."""
        self._ensure_finalized()
        return 0


class _PartCompiler(Compiler):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.state.library = _Part(self.state.targetctx.codegen(), "part")


inner = nb.njit(
    nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False, error_model="numpy", pipeline_class=_PartCompiler
)  # fmt: skip
"""Compiled code calls these only, so nothing is made to call them from outside; they own no arrays, so no references are
counted; they divide by nothing that may be 0, so nothing is raised."""

inner_search = nb.njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, pipeline_class=_PartCompiler)
"""The same for the searches, which copy whole solutions: that needs counted references."""

SOURCES = (
    "causes", "compiled", "dispatch", "in_force", "index", "offers", "placing", "problem", "queues", "state", "together", "views", "waiting",
)  # fmt: skip


SEARCH_SOURCES = ("compiled", "problem", "sequence", "shop", "single", "tabu")


def sources_digest(sources: tuple[str, ...] = SOURCES) -> int:
    """A number that changes with any source the dispatch pass, or a search of `SEARCH_SOURCES`, is compiled from."""
    folder = Path(__file__).parent
    return zlib.crc32(b"".join((folder / f"{name}.py").read_bytes() for name in sources)) & 0x7FFFFFFF
