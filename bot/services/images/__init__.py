"""Pictures people bring and get: inputs, originals, grids, region masks, fitting uploads."""
