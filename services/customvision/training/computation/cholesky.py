"""SciPy's solver of symmetric systems, without what would take most of the time that importing it takes."""

import numpy as np

# SciPy takes in all that NumPy names, its wrapper of Fortran and its test tools too, which are loaded by that alone.
_unwanted = [name for name in ("f2py", "testing") if name not in vars(np)]
for _name in _unwanted:
    setattr(np, _name, None)

from scipy.linalg import cho_factor, cho_solve  # noqa: E402
from scipy.linalg.lapack import spotri  # noqa: E402

for _name in _unwanted:
    delattr(np, _name)

__all__ = ["cho_factor", "cho_solve", "spotri"]
