# SPDX-License-Identifier: BSD-3-Clause
"""ionwatch: watches ion transport while a molecular-dynamics run is still going.

    ionwatch.Stream             frames from any Python code to the daemon (libionwatch)
    ionwatch.ase.Observer       the same for dynamics of ASE
    ionwatch.vasp.structure     the same as a plugin of VASP
    ionwatch.live.Runs          what the daemon knows about runs, now
    ionwatch.database.Database  the records of finished runs

`Stream` needs NumPy and libionwatch; `Runs` the program `ionwatch`; tables need pandas, plots
Matplotlib.  The modules are imported by name: `import ionwatch.ase`.
"""
from .errors import IonwatchError, IonwatchStop, IonwatchWarning, Status
from .stream import Stats, Stream, Units

__all__ = ["IonwatchError", "IonwatchStop", "IonwatchWarning", "Stats", "Status", "Stream", "Units"]
__version__ = "0.1.0"
