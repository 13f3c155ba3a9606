"""How the starter gets from 128 to 256 pixels: from an exported checkpoint of generation.starter.train to a larger one.

`python -m generation.starter.enlarge --help` says what can be chosen; README.md how to start, stop and go on.
"""
