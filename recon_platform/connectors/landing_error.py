"""The one error of the doors to the plant's data: one line that says which file, column and row, and what to do."""

from __future__ import annotations


class LandingError(ValueError):
    """A landing folder, a file in it or its `plant.toml` cannot be read as the contract says.

    The message is one line: what is wrong, `[file F, column C, row R]` as far as known, and what to do about it.
    """

    def __init__(
        self,
        what: str,
        *,
        file: str | None = None,
        column: str | None = None,
        row: int | None = None,
        action: str | None = None,
    ) -> None:
        self.what, self.file, self.column, self.row, self.action = what, file, column, row, action
        where = [
            f"{name} {value}" for name, value in (("file", file), ("column", column), ("row", row)) if value is not None
        ]
        text = what + (f" [{', '.join(where)}]" if where else "") + (f"; {action}" if action else "")
        super().__init__(" ".join(text.split()))
