"""A picture of the ratios: a bar per engine, grouped by model and threads, drawn as SVG."""
from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT = 920, 250, 60       # of the picture, of the names, of the figures behind the longest bar
BAR, GAP, GROUP_GAP, TOP, BOTTOM = 13, 3, 14, 56, 34
COLORS = {"onnxruntime": "#4e79a7", "openvino": "#76b7b2", "mnn": "#f28e2b", "ncnn": "#b07aa1", "litert": "#59a14f"}
OURS = "#d1352b"
LONGEST = 4.0  # bars beyond this ratio are cut, with their figure beside them


def _text(x, y, content, anchor="start", size=11, weight="normal", fill="#222"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}" '
            f'fill="{fill}">{escape(content)}</text>')


def _rect(x, y, width, height, fill):
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}"/>'


def _groups(results, precision):
    """(title, peers with a ratio, the fastest first) of each contest that has some."""
    groups = []
    for contest in results["contests"]:
        rows = [row for row in contest["rows"] if row["precision"] == precision and row["ratio"] and row["engine"] != "slipway"]
        if rows:
            threads = f"{contest['threads']} thread" + ("s" if contest["threads"] > 1 else "")
            groups.append((contest["model"], threads, sorted(rows, key=lambda row: row["ratio"]["median"])))
    return groups


def svg(results, precision):
    """Time of every peer / Slipway's: a bar that ends right of the line at 1 is slower than Slipway. None without ratios."""
    groups = _groups(results, precision)
    if not groups:
        return None
    longest = min(LONGEST, max(1.2, *(row["ratio"]["median"] for _, _, rows in groups for row in rows)))
    unit = (WIDTH - LEFT - RIGHT) / longest
    parts, y = [], TOP
    for model, threads, rows in groups:
        middle = y + len(rows) * (BAR + GAP) / 2
        parts += [_text(8, middle - 2, model, weight="bold"), _text(8, middle + 11, threads, size=10, fill="#666")]
        for row in rows:
            ratio = row["ratio"]["median"]
            parts += [_rect(LEFT, y, min(ratio, longest) * unit, BAR, COLORS[row["engine"]]),
                      _text(LEFT - 5, y + BAR - 3, row["label"], "end", 9, fill="#555"),
                      _text(LEFT + min(ratio, longest) * unit + 4, y + BAR - 3, f"{ratio:.2f}", size=10)]
            y += BAR + GAP
        y += GROUP_GAP
    height = y + BOTTOM
    one = LEFT + unit
    line = f'<line x1="{one:.1f}" y1="{TOP - 8}" x2="{one:.1f}" y2="{y:.1f}" stroke="{OURS}" stroke-width="1.5"/>'
    head = [_text(8, 20, f"Time of each engine over Slipway's, {precision}, batch 1", size=14, weight="bold"),
            _text(one, TOP - 13, "Slipway = 1", "middle", 11, "bold", OURS),
            _text(8, height - 10, f"{results['machine']['cpu']}, {results['machine']['cores']} cores; right of the line: slower "
                  "than Slipway", size=10, fill="#666")]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}" viewBox="0 0 {WIDTH} {height:.0f}" '
            'font-family="Helvetica, Arial, sans-serif">\n'
            f'{_rect(0, 0, WIDTH, height, "#fff")}\n' + "\n".join([*head, *parts, line]) + "\n</svg>\n")
