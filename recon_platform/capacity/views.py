"""`Problem` and `State` as compiled code sees them: one address each, behind it the addresses and lengths of their arrays.

An inner function gets two pointers instead of fifty arrays, so calls are cheap and compile fast; and a field read through
a view counts no references, which cost half of a dispatch pass. Whoever calls compiled code with `words_of` keeps the
arrays until it returns.

Belongs here: the type and how a field is read. Fields and their meaning are those of `problem` and `state`.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import intrinsic, lower_getattr_generic, models, register_model
from numba.np.arrayobj import populate_array

from recon_platform.capacity.problem import PROBLEM_FIELDS, Array, Fields
from recon_platform.capacity.state import STATE_FIELDS


class View(types.Type):
    """Compiled type of an address of words; a number takes one word, an array its address and a length per dimension."""

    def __init__(self, name: str, fields: Fields) -> None:
        self.places: dict[str, tuple[Any, int]] = {}
        at = 0
        for field, kind, dimensions in fields:
            element = nb.from_dtype(np.dtype(kind))
            self.places[field] = (types.Array(element, dimensions, "C") if dimensions else types.intp, at)
            at += 1 + dimensions
        super().__init__(name)


register_model(View)(models.OpaqueModel)
PROBLEM_VIEW = View("ProblemView", PROBLEM_FIELDS)
STATE_VIEW = View("StateView", STATE_FIELDS)


@infer_getattr
class _FieldType(AttributeTemplate):
    key = View

    def generic_resolve(self, view: View, name: str) -> Any:
        return view.places[name][0] if name in view.places else None


@lower_getattr_generic(View)
def _field(context: Any, builder: Any, view: View, address: Any, name: str) -> Any:
    kind, at = view.places[name]
    words = builder.bitcast(address, ir.IntType(64).as_pointer())

    def word(k: int) -> Any:
        value = builder.load(cgutils.gep_inbounds(builder, words, at + k))
        value.set_metadata(
            "invariant.load", builder.module.add_metadata([])
        )  # the words never change, what they say may
        return value

    if not isinstance(kind, types.Array):
        return word(0)
    array = context.make_array(kind)(context, builder)
    itemsize = context.get_abi_sizeof(context.get_data_type(kind.dtype))
    shape = [word(1 + d) for d in range(kind.ndim)]
    strides = [context.get_constant(types.intp, itemsize)]
    for length in shape[:0:-1]:
        strides.insert(0, builder.mul(strides[0], length))
    populate_array(
        array, data=builder.inttoptr(word(0), array.data.type), shape=shape, strides=strides, itemsize=itemsize, meminfo=None
    )  # fmt: skip
    return array._getvalue()


def _opening(view: View) -> Any:
    @intrinsic
    def open_view(typing_context: Any, words: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            array = context.make_array(signature.args[0])(context, builder, arguments[0])
            return builder.bitcast(array.data, cgutils.voidptr_t)

        return view(words), code

    return open_view


problem_at = _opening(PROBLEM_VIEW)
state_at = _opening(STATE_VIEW)


def words_of(fields: Fields, values: Any) -> Array:
    """The words that a view of `values` reads. Raises TypeError for an array of another type or layout than declared."""
    words: list[int] = []
    for name, kind, dimensions in fields:
        value = getattr(values, name)
        if dimensions == 0:
            words.append(int(value))
            continue
        if value.dtype != kind or value.ndim != dimensions or not value.flags.c_contiguous:
            raise TypeError(
                f"{type(values).__name__}.{name}: expected a contiguous array of {np.dtype(kind)} with {dimensions} dimensions, "
                f"found {value.dtype} with {value.ndim}; make the problem with `problem.sealed`"
            )
        words.append(value.__array_interface__["data"][0])
        words.extend(value.shape)
    return np.array(words, np.int64)
