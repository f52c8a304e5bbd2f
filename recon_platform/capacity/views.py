"""`Problem` and `State` as compiled code sees them: one address each, behind it the addresses and lengths of their arrays.

An inner function gets two pointers instead of fifty arrays, so calls are cheap and compile fast; a field read through a
view counts no references, which cost half of a dispatch pass; and a column takes an index as it is, with no look whether
a negative one counts from the end, which cost a tenth. Whoever calls compiled code with `words_of` keeps the arrays
until it returns.

Belongs here: the types and how fields and items are read. Fields and their meaning are those of `problem` and `state`.
"""

from __future__ import annotations

import operator
from typing import Any

import numba as nb
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.imputils import lower_builtin, lower_getattr
from numba.core.types.containers import BaseTuple, UniTuple
from numba.core.typing.templates import AbstractTemplate, AttributeTemplate, infer_getattr, infer_global, signature
from numba.extending import intrinsic, lower_getattr_generic, models, register_model

from recon_platform.capacity.problem import PROBLEM_FIELDS, Array, Fields
from recon_platform.capacity.state import STATE_FIELDS


class Column(types.Type):
    """Compiled type of an array read by address, of one or two dimensions, its rows one after another. Records are read
    and written in place."""

    def __init__(self, dtype: Any, ndim: int) -> None:
        self.dtype, self.ndim = dtype, ndim
        self.index = types.intp if ndim == 1 else UniTuple(types.intp, ndim)
        super().__init__(f"Column({dtype}, {ndim})")

    def is_index(self, given: Any) -> bool:
        """Whether `given` is a type that names one item."""
        if self.ndim == 1:
            return isinstance(given, types.Integer)
        return isinstance(given, BaseTuple) and all(isinstance(one, types.Integer) for one in given.types)


@register_model(Column)
class _ColumnModel(models.StructModel):
    def __init__(self, manager: Any, kind: Column) -> None:
        members = [("data", types.voidptr), *((f"length{d}", types.intp) for d in range(kind.ndim))]
        super().__init__(manager, kind, members)


@infer_getattr
class _ShapeType(AttributeTemplate):
    key = Column

    def resolve_shape(self, column: Column) -> Any:
        return UniTuple(types.intp, column.ndim)


@lower_getattr(Column, "shape")
def _shape(context: Any, builder: Any, kind: Column, value: Any) -> Any:
    return cgutils.pack_array(builder, [builder.extract_value(value, 1 + d) for d in range(kind.ndim)])


@infer_global(operator.getitem)
class _ItemType(AbstractTemplate):
    def generic(self, arguments: Any, keywords: Any) -> Any:
        column, index = arguments
        if isinstance(column, Column) and column.is_index(index):
            return signature(column.dtype, column, column.index)
        return None


@infer_global(operator.setitem)
class _NewItemType(AbstractTemplate):
    def generic(self, arguments: Any, keywords: Any) -> Any:
        column, index, _ = arguments
        if isinstance(column, Column) and column.is_index(index):
            return signature(types.none, column, column.index, column.dtype)
        return None


def _place(context: Any, builder: Any, kind: Column, column: Any, index: Any) -> Any:
    item = context.data_model_manager[kind.dtype].get_data_type()
    at = index if kind.ndim == 1 else builder.extract_value(index, 0)
    for d in range(1, kind.ndim):
        at = builder.add(builder.mul(at, builder.extract_value(column, 1 + d)), builder.extract_value(index, d))
    data = builder.bitcast(builder.extract_value(column, 0), item.as_pointer())
    return builder.gep(data, [at], inbounds=True)


@lower_builtin(operator.getitem, Column, types.Any)
def _item(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
    kind = sig.args[0]
    return context.unpack_value(builder, kind.dtype, _place(context, builder, kind, *arguments))


@lower_builtin(operator.setitem, Column, types.Any, types.Any)
def _new_item(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
    column, index, value = arguments
    kind = sig.args[0]
    context.pack_value(builder, kind.dtype, value, _place(context, builder, kind, column, index))
    return context.get_dummy_value()


@intrinsic
def soon(typing_context: Any, column: Any, index: Any) -> Any:
    """Have the processor fetch an item that will be looked at soon: memory answers while other work is done."""

    def code(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        kind, byte = sig.args[0], ir.IntType(8).as_pointer()
        address = builder.bitcast(_place(context, builder, kind, *arguments), byte)
        number = ir.IntType(32)
        fetch = builder.module.declare_intrinsic(
            "llvm.prefetch", [byte], fnty=ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        )
        builder.call(fetch, [address, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(column, types.intp), code


class View(types.Type):
    """Compiled type of an address of words; a number takes one word, an array its address and a length per dimension."""

    def __init__(self, name: str, fields: Fields) -> None:
        self.places: dict[str, tuple[Any, int]] = {}
        at = 0
        for field, kind, dimensions in fields:
            element = nb.from_dtype(np.dtype(kind))
            self.places[field] = (Column(element, dimensions) if dimensions else types.intp, at)
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

    if not isinstance(kind, Column):
        return word(0)
    column = cgutils.create_struct_proxy(kind)(context, builder)
    column.data = builder.inttoptr(word(0), cgutils.voidptr_t)
    for d in range(kind.ndim):
        setattr(column, f"length{d}", word(1 + d))
    return column._getvalue()


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
