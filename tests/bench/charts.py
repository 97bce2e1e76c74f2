# SPDX-License-Identifier: MIT
"""Tables as pictures: SVG by gnuplot, where it is installed."""
import math
import os
import shutil
import subprocess
import textwrap

# One hue for each column; the first is ours.
COLOURS = ["#1b6ca8", "#58a39b", "#e0a030", "#c96f3b", "#8a6fae", "#8c8c8c"]

COMMON = """\
set terminal svg size 900,440 font "sans-serif,13" background "white" name "chart"
set output "{output}"
set title "{title}"
set ylabel "{unit}, logarithmic"
set logscale y
set grid ytics linecolor "#dddddd"
set border 3
set tics nomirror
set key outside top center horizontal
set datafile separator tab
set datafile missing "-"
"""

BARS = """\
set yrange [{lowest}:{highest}]
set xrange [-0.6:{last} + 0.6]
set bmargin 6
set style data histograms
set style histogram clustered gap 1.5
set style fill solid noborder
set boxwidth 0.9
"""

LINES = """\
set logscale x
set xlabel "URLs, logarithmic"
set format x "%.0f"
set style data linespoints
"""


def quoted(text):
    return text.replace("\\", "\\\\").replace('"', '\\"')


def bounds(rows):
    """The power of ten below all bars, where they begin, and some room above them."""
    values = [value for _, row in rows for value in row if value]
    return 10 ** min(0, math.floor(math.log10(min(values)))), 3 * max(values)


def bars(columns, rows):
    """A group of bars for each row."""
    lowest, highest = bounds(rows)
    return BARS.format(lowest=lowest, highest=highest, last=len(rows) - 1) + "plot " + ", ".join(
        f'$data using {i + 2}:xtic(1) title "{quoted(column)}" linecolor "{COLOURS[i]}"'
        for i, column in enumerate(columns))


def ranking(_, rows):
    """One bar for each row, with its figure; ours stand out."""
    lowest, highest = bounds(rows)
    return (BARS.format(lowest=lowest, highest=highest, last=len(rows) - 1) +
            "set key off\nset style data boxes\nset boxwidth 0.6\n"
            'ours(name) = strstrt(name, "fetchd") ? 0x1b6ca8 : 0xa8b4bc\n'
            "plot $data using 0:2:(ours(stringcolumn(1))):xtic(1) linecolor rgb variable, "
            '$data using 0:2:(sprintf($2 < 10 ? "%.2f" : "%.0f", $2)) with labels offset 0, 0.7')


def lines(columns, _):
    """A line for each column."""
    return LINES + "plot " + ", ".join(
        f'$data using 1:{i + 2} title "{quoted(column)}" linecolor "{COLOURS[i]}" pointtype 7 pointsize 0.6'
        for i, column in enumerate(columns))


def data(rows):
    width = max(9, 100 // len(rows))
    for label, values in rows:
        yield "\t".join(["\\n".join(textwrap.wrap(str(label), width)),
                         *("-" if value is None else f"{value:.3f}" for value in values)])


def draw(folder, name, title, unit, columns, rows, kind="bars"):
    """A row: what it is of, and a value or None for each column. @kind: a function above."""
    path = f"{folder}/{name}.svg"
    if not shutil.which("gnuplot"):
        print(f"\nno gnuplot: {path} is not drawn")
        return
    os.makedirs(folder, exist_ok=True)
    plot = {"bars": bars, "ranking": ranking, "lines": lines}[kind](columns, rows)
    block = "\n".join(data(rows))
    subprocess.run(["gnuplot"], text=True, check=True, input=(
        f"$data << END_OF_DATA\n{block}\nEND_OF_DATA\n" +
        COMMON.format(output=quoted(path), title=quoted(title), unit=unit) + plot + "\n"))
