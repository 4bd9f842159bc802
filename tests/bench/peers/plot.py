"""Draws time and memory against rows, from 0: a straight line is a straight line.

python plot.py FIGURES PICTURE
"""

import json
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt

mpl.rcParams["svg.hashsalt"] = "growth"
drawn = json.loads(Path(sys.argv[1]).read_text())
figure, (time, memory) = plt.subplots(1, 2, figsize=(11, 4.2))
for name, points in drawn.items():
    rows, seconds, held = zip(*points, strict=True)
    millions = [row / 1e6 for row in rows]
    time.plot(millions, seconds, marker="o", label=name)
    memory.plot(millions, [size / 1e9 for size in held], marker="o", label=name)
for axes, title in ((time, "seconds, from a cold start to the exit"), (memory, "GB, the most held at once")):
    axes.set_title(title, fontsize=10)
    axes.set_xlabel("million rows of 25 columns")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
time.legend(fontsize=8)
figure.tight_layout()
figure.savefig(sys.argv[2], metadata={"Date": None})
