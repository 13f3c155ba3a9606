"""The command line, `easel`: one file for each group of commands."""
