"""Draw the ratios of a `bench.json`: `python -m tests.bench.picture bench.json bench.png`."""

import json
import sys
from pathlib import Path

import altair as alt


def draw(measured: Path, target: Path) -> None:
    content = json.loads(measured.read_text(encoding="utf-8"))
    about = content["about"]
    figures = alt.InlineData(values=content["figures"])
    base = alt.Chart(figures).encode(y=alt.Y("contender:N", sort="x", title=None))
    bars = base.mark_bar().encode(
        x=alt.X("median(ratio):Q", title="times the floor, or the fastest peer; less is better"),
        color=alt.condition(alt.datum.contender == "connector", alt.value("#635bff"), alt.value("#b8c0cc")),
    )
    points = base.mark_point(color="black", size=18).encode(x="ratio:Q")
    chart = (
        alt.layer(bars, points)
        .properties(width=320, height=alt.Step(22))
        .facet(facet=alt.Facet("case:N", title=None, sort=None), columns=2)
        .resolve_scale(x="independent", y="independent")
        .properties(title=alt.Title(f"{about['date']}, {about['machine']}", anchor="start"))
    )
    chart.save(target, scale_factor=2)


if __name__ == "__main__":
    draw(*map(Path, sys.argv[1:]))
