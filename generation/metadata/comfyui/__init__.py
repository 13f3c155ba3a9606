"""ComfyUI's graphs, written and read."""
