# SPDX-License-Identifier: BSD-3-Clause
"""Copy this beside the INCAR, which says PLUGINS/STRUCTURE = T."""
from ionwatch.vasp import structure

__all__ = ["structure"]
