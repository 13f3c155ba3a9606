"""Writes the table of samplers and the charts of schedules that docs/sampling.md shows.

`python -m benchmarks.sampling_page` brings the page and docs/schedules/*.svg up to date.
"""

import math
from pathlib import Path

from generation import SAMPLERS, SCHEDULES
from generation.request import presets
from generation.sdxl.sampling.sigmas import schedule

DOCS = Path(__file__).parents[1] / "docs"
STEPS = 20
WIDTH, HEIGHT, MARGIN = 240, 120, 14
LOWEST, HIGHEST = 0.02, 20.0


def main() -> None:
    """Writes everything anew."""
    (DOCS / "schedules").mkdir(exist_ok=True)
    for name in SCHEDULES:
        (DOCS / "schedules" / f"{name}.svg").write_text(chart(name), encoding="utf-8")
    page = DOCS / "sampling.md"
    page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")


def filled(page: str) -> str:
    """Returns the page with its three tables as the code says."""
    for name, table in {"samplers": sampler_table(), "schedules": schedule_table(), "presets": preset_table()}.items():
        before, mark, rest = page.partition(f"<!-- {name} -->\n")
        page = before + mark + table + rest[rest.index("<!-- end -->") :]
    return page


def sampler_table() -> str:
    """Writes the samplers' table, as `easel samplers` prints it."""
    lines = ["| name | order | calls per step | stochastic | good for |", "|---|---|---|---|---|"]
    for each in SAMPLERS.values():
        calls = "adaptive" if each.adaptive else str(each.calls_per_step)
        noise = "yes" if each.stochastic else ""
        lines.append(f"| `{each.name}` | {each.order} | {calls} | {noise} | {each.good_for} |")
    return "\n".join(lines) + "\n"


def schedule_table() -> str:
    """Writes the schedules' table with their charts."""
    lines = ["| name | 20 steps, sigma on a logarithmic scale | good for |", "|---|---|---|"]
    lines += [
        f"| `{each.name}` | ![{each.name}](schedules/{each.name}.svg) | {each.good_for} |"
        for each in SCHEDULES.values()
    ]
    return "\n".join(lines) + "\n"


def preset_table() -> str:
    """Writes the presets' table."""
    lines = ["| name | steps | cfg | sampler | scheduler | suits |", "|---|---|---|---|---|---|"]
    lines += [
        f"| `{each.name}` | {each.steps} | {each.cfg:g} | `{each.sampler}` | `{each.scheduler}` | {each.suits} |"
        for each in presets.presets().values()
    ]
    return "\n".join(lines) + "\n"


def chart(name: str) -> str:
    """Draws one schedule: a dot per noise level above 0, from left to right."""
    sigmas = [float(sigma) for sigma in schedule(name, "euler", STEPS) if sigma > 0]
    points = [(_across(index / (len(sigmas) - 1)), _up(sigma)) for index, sigma in enumerate(sigmas)]
    rules = "".join(
        f'<path d="M{MARGIN} {_up(sigma):.1f}H{WIDTH - MARGIN}" stroke="#ccc"/>'
        f'<text x="2" y="{_up(sigma) - 2:.1f}" font-size="8" fill="#888">{sigma:g}</text>'
        for sigma in (0.1, 1.0, 10.0)
    )
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2"/>' for x, y in points)
    line = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>{rules}'
        f'<path d="{line}" fill="none" stroke="#36c"/><g fill="#36c">{dots}</g></svg>\n'
    )


def _across(share: float) -> float:
    return MARGIN + share * (WIDTH - 2 * MARGIN)


def _up(sigma: float) -> float:
    share = math.log(sigma / LOWEST) / math.log(HIGHEST / LOWEST)
    return HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN)


if __name__ == "__main__":
    main()
