"""A plot by hand: bad answers until a regression was put back, one row a regression, one dot a judge."""

from math import log10

from benchmarks.verdicts.bars import Results

COLOURS = ("#0b6e4f", "#d1495b", "#e8a0a8", "#3d5a80", "#98b4d4", "#8d6a9f", "#edae49")
LEFT, WIDTH, ROW, TOP = 120, 620, 30, 60


def dots(results: Results, judges: tuple[str, ...], names: tuple[str, ...]) -> str:
    rows = [name for name in names if name.startswith("+") and f"{name} 500/s" in results]
    height = TOP + ROW * len(rows) + 60
    size = f'viewBox="0 0 {LEFT + WIDTH + 40} {height}" font-family="sans-serif" font-size="12"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}>',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{LEFT}" y="18" font-size="14">Bad answers until put back, median, 500 requests/s (log scale)</text>',
    ]
    parts += _legend(judges) + _grid(height)
    for number, name in enumerate(rows):
        y = TOP + ROW * number + ROW / 2
        parts.append(f'<text x="{LEFT - 10}" y="{y + 4}" text-anchor="end">{name}</text>')
        parts += _row(results[f"{name} 500/s"]["judges"], judges, y)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _place(bad: float) -> float:
    return LEFT + WIDTH * log10(max(bad, 1.0)) / 5.2


def _row(found: dict[str, dict], judges: tuple[str, ...], y: float) -> list[str]:  # type: ignore[type-arg]
    parts = []
    for judge, colour in zip(judges, COLOURS, strict=True):
        one = found.get(judge)
        if not one or not one["bad"] or one["found"]["share"] < 0.05:
            continue
        share = one["found"]["share"]
        parts.append(
            f'<circle cx="{_place(one["bad"]["p50"]):.1f}" cy="{y}" r="{3 + 4 * share:.1f}" fill="{colour}"'
            f' fill-opacity="{0.35 + 0.65 * share:.2f}"><title>{judge}: {share:.0%} found, median'
            f" {one['bad']['p50']:,.0f} bad answers</title></circle>"
        )
    return parts


def _legend(judges: tuple[str, ...]) -> list[str]:
    parts, x = [], LEFT
    for judge, colour in zip(judges, COLOURS, strict=True):
        parts.append(f'<circle cx="{x}" cy="38" r="5" fill="{colour}"/><text x="{x + 9}" y="42">{judge}</text>')
        x += 26 + 6 * len(judge)
    return parts


def _grid(height: int) -> list[str]:
    parts = []
    for power in range(6):
        x = _place(10.0**power)
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{height - 50}" stroke="#ddd"/>')
        parts.append(f'<text x="{x:.1f}" y="{height - 34}" text-anchor="middle">{10**power:,}</text>')
    note = "small and pale: found in fewer releases; not shown: in less than 5 %"
    parts.append(f'<text x="{LEFT}" y="{height - 12}" fill="#555">{note}</text>')
    return parts
