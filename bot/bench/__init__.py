"""`easel bench`: how fast this machine paints, and how little the bot takes of that."""
