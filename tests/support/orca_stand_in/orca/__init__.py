"""A stand-in for what an extension may use of Orca 51 (docs/user-extensions.md, src/orca/extension.py there).

Debian 12 has Orca 43, which knows no extensions. Names, arguments and results are those of Orca 51.beta; what
Orca does with them is in `support.orca_host`.
"""
