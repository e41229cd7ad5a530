#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""run.py FILE...: the tests of these files, with pytest; 77 where it is not installed."""
import pathlib
import sys

try:
    import pytest
except ImportError:
    print("SKIPPED: python3-pytest is not installed")
    sys.exit(77)
here = pathlib.Path(__file__).resolve().parent
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", *[str(here / name) for name in sys.argv[1:]]]))
