"""`python -m generation.worker` is the engine's process; see `main`."""

from generation.worker.main import local, run

if __name__ == "__main__":
    run(local)
