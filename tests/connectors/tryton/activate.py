"""`trytond-admin` with its own arguments, less the validation of the records that Tryton's own wheels bring.

Half of the minute that activating modules takes goes into it, and it decides nothing: Tryton's records are in its wheels as
they are. What the seed writes afterwards is validated as ever.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    from trytond.model import ModelStorage

    ModelStorage._validate = classmethod(lambda cls, records, field_names=None: None)
    runpy.run_path(str(Path(sys.executable).with_name("trytond-admin")), run_name="__main__")
