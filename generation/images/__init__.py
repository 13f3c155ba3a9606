"""Pictures brought along: reading them safely, colour profiles, masks and canvases, segmentation."""
