"""How the starter model is made, from the pictures' download to the exported checkpoint.

`python -m generation.starter.train --help` says what can be chosen.
"""
