# SPDX-License-Identifier: MIT
"""Tables as pictures: SVG by gnuplot, where it is installed."""
import os
import shutil
import subprocess
import textwrap

# One hue for each column; the first is ours.
COLOURS = ["#1b6ca8", "#58a39b", "#e0a030", "#c96f3b", "#8a6fae", "#8c8c8c"]

SCRIPT = """\
set terminal svg size 900,440 font "sans-serif,13" background "white" name "chart"
set output "{output}"
set title "{title}"
set ylabel "{unit}, logarithmic"
set logscale y
set yrange [1:*]
set xrange [-0.6:{last} + 0.6]
set bmargin 5
set grid ytics linecolor "#dddddd"
set border 3
set tics nomirror
set key outside right top
set style data histograms
set style histogram clustered gap 1.5
set style fill solid noborder
set boxwidth 0.9
set datafile separator tab
set datafile missing "-"
plot {plots}
"""


def quoted(text):
    return text.replace("\\", "\\\\").replace('"', '\\"')


def draw(folder, name, title, unit, columns, rows):
    """A group of bars for each row: a name, and a value or None for each column."""
    path = f"{folder}/{name}.svg"
    if not shutil.which("gnuplot"):
        print(f"\nno gnuplot: {path} is not drawn")
        return
    os.makedirs(folder, exist_ok=True)
    data = "\n".join("\t".join(["\\n".join(textwrap.wrap(label, 16))] +
                               ["-" if value is None else f"{value:.2f}" for value in values])
                     for label, values in rows)
    plots = ", ".join(f'$data using {i + 2}:xtic(1) title "{quoted(column)}" linecolor "{COLOURS[i]}"'
                      for i, column in enumerate(columns))
    script = SCRIPT.format(output=quoted(path), title=quoted(title), unit=unit, plots=plots,
                           last=len(rows) - 1)
    subprocess.run(["gnuplot"], input=f"$data << END_OF_DATA\n{data}\nEND_OF_DATA\n{script}", text=True, check=True)
