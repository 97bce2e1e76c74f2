# SPDX-License-Identifier: MIT
"""
What the sections have found, as JSON, as markdown and in README.md.

results.json beside this file is what README.md shows: a section that is measured anew replaces what it
has there, the others stay. README.md and charts/ are written from it alone.
"""
import json
import os

from charts import draw
from servers import HERE

RESULTS, README = f"{HERE}/results.json", f"{HERE}/README.md"
BEGIN, END = "<!-- from here on run.py writes -->\n", "<!-- until here -->\n"


def load(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return {}


def save(path, results):
    """All of it or nothing."""
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1, ensure_ascii=False, default=vars)
        file.write("\n")
    os.replace(f"{path}.new", path)


def rounded(cell):
    if cell is None:
        return "–"
    if not isinstance(cell, float):
        return str(cell)
    return f"{cell:.0f}" if abs(cell) >= 100 else f"{cell:.2f}"


def table_lines(columns, rows):
    yield "| " + " | ".join(columns) + " |"
    yield "|" + " --- |" * len(columns)
    for row in rows:
        yield "| " + " | ".join(map(rounded, row)) + " |"


def section_lines(found):
    for table in found["tables"]:
        yield from ["", f"### {table['title']}", ""]
        yield from table_lines(table["columns"], table["rows"])
    for chart in found["charts"]:
        yield from ["", f"![{chart['title']}](charts/{chart['name']}.svg)"]
    for note in found["notes"]:
        yield from ["", f"{note}."]


def command_lines(results):
    """What was run where; mostly one line for all sections."""
    runs = {}
    for name, found in results.items():
        runs.setdefault((found["command"], found["machine"]), []).append(f"{name} (load {found['load']})")
    for (command, machine), names in runs.items():
        yield f"- `{command}` on {machine}: {', '.join(names)}"
    yield from sorted({f"- {found['versions']}" for found in results.values() if found.get("versions")})


def limit(value):
    return f"≤ {value}" if value else "–"


def verdict(bar):
    if not bar["bar"]:
        return ""
    if bar["value"] > bar["bar"]:
        return "**missed**"
    return "very good" if bar["very_good"] and bar["value"] <= bar["very_good"] else "met"


def bar_lines(results):
    yield from ["", "### The bars", ""]
    rows = [(bar["figure"], f"{rounded(bar['value'])} {bar['unit']}".rstrip(), limit(bar["bar"]),
             limit(bar["very_good"]), verdict(bar))
            for found in results.values() for bar in found["bars"]]
    yield from table_lines(["figure", "measured", "bar", "very good", ""], rows)


def markdown(found):
    return "\n".join(section_lines(json.loads(json.dumps(found, default=vars))))


def update_readme(measured, order):
    results = {**load(RESULTS), **measured}
    results = {name: results[name] for name in order if name in results}
    save(RESULTS, results)
    lines = [*command_lines(results), *bar_lines(results),
             *(line for found in results.values() for line in section_lines(found))]
    with open(README, encoding="utf-8") as file:
        before, rest = file.read().split(BEGIN)
    after = rest.split(END)[1]
    with open(README, "w", encoding="utf-8") as file:
        file.write(before + BEGIN + "\n".join(lines) + "\n" + END + after)
    for found in measured.values():
        for chart in found["charts"]:
            draw(f"{HERE}/charts", **chart)
