"""How a line of an order is called where one column names it: order and line with a slash between, as in `SO500001/10`."""

from __future__ import annotations

import polars as pl

CUSTOMER_LINE = pl.concat_str("sales_order", "line", separator="/")
PURCHASE_LINE = pl.concat_str("purchase_order", "line", separator="/")
