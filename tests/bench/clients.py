# SPDX-License-Identifier: MIT
"""
The clients that fetchd is measured beside, as far as they are installed.

A library has a program in peers/ with the command line of bare_loop.c, which counts its time from the first
request. A tool is a command of its own, and its start counts: it has to start each time. All verify
certificates, keep connections, speak HTTP/1.1, and throw bodies away; aria2c, which cannot, writes
them into memory.
"""
import json
import os
import re
import shutil
import subprocess

from common import Failed, run_child
from servers import HERE

PEERS = os.path.join(HERE, "peers")
PYTHON = "/usr/bin/python3"  # Debian's, which has Debian's Trio


def can_python(*modules):
    return subprocess.run([PYTHON, "-c", f"import {', '.join(modules)}"], stderr=subprocess.DEVNULL,
                          check=False).returncode == 0


def version_of(command):
    """Of what is asked for its version: the first number with a dot that it says."""
    try:
        said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout
    except FileNotFoundError:
        return None
    found = re.search(r"\d+(\.\d+)+", said)
    return found and found[0]


def build_go(bench, name):
    folder = bench.kept_folder("go")
    subprocess.run(["go", "build", "-o", f"{folder}/{name}", f"{PEERS}/{name}.go"], check=True,
                   env=dict(os.environ, GO111MODULE="off", GOCACHE=f"{folder}/cache"))
    return [f"{folder}/{name}"]


def install_undici(bench):
    """The command, or None where it is neither there nor to be had."""
    folder = bench.kept_folder("undici")
    wanted = "undici@7" if int(version_of(["node", "--version"]).split(".", maxsplit=1)[0]) >= 20 else "undici@6"
    if not os.path.isdir(f"{folder}/node_modules/undici"):
        got = subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, wanted],
                             stdout=subprocess.DEVNULL, check=False)
        if got.returncode != 0:
            return None
    return ["env", f"NODE_PATH={folder}/node_modules", "node", f"{PEERS}/fetch_undici.js"]


def libraries(bench):
    """Name and command of each; a URL's beginning, how many, and how many at once are to follow."""
    found = {
        "Go net/http": build_go(bench, "fetch_go") if shutil.which("go") else None,
        "undici": install_undici(bench) if shutil.which("npm") else None,
        "aiohttp": [PYTHON, f"{PEERS}/fetch_aiohttp.py"] if can_python("aiohttp") else None,
        "httpx on Trio": [PYTHON, f"{PEERS}/fetch_trio.py"] if can_python("httpx", "trio") else None,
    }
    for name in [name for name, command in found.items() if not command]:
        bench.note(f"{name} is not installed")
        del found[name]
    return found


def bare_loop(bench):
    """The baseline is called as the libraries are."""
    return [f"{bench.build}/tests/bench/bare_loop"]


def run_library(command, url, n, window, batch=None, ca=None):
    """What it printed of itself."""
    environment = ["env", f"BENCH_CA={ca}"] if ca else []
    output = run_child([*environment, *command, url, str(n), str(window), str(batch or n)])[2]
    result = json.loads(output)
    if result["ok"] != n:
        raise Failed(f"{result['ok']} of {n} fetched")
    return result


def write_lists(bench, url, n):
    """The URLs as wget2 and aria2c want them, and as curl does."""
    stem = f"{bench.folder}/list-{bench.next_number()}"
    with open(f"{stem}.urls", "w", encoding="ascii") as file:
        file.writelines(f"{url}/{i}\n" for i in range(n))
    with open(f"{stem}.curl", "w", encoding="ascii") as file:
        file.writelines(f'url = "{url}/{i}"\noutput = "/dev/null"\n' for i in range(n))
    return f"{stem}.urls", f"{stem}.curl"


def tools(bench, url, n, window, ca=None):
    """Name and command of each."""
    urls, config = write_lists(bench, url, n)
    found = {
        "wget2": ["wget2", "-q", "--no-config", "--robots=off", f"--max-threads={window}", "-O", "/dev/null",
                  *([f"--ca-certificate={ca}"] if ca else []), "-i", urls],
        "curl -Z": ["curl", "-q", "-Z", "--parallel-max", str(window), "-s", "-f", *(["--cacert", ca] if ca else []),
                    "-K", config],
        "aria2c": ["aria2c", "-q", "--no-conf", "-j", str(window), "-d", bench.memory_folder(),
                   "--allow-overwrite=true", "--auto-file-renaming=false", "--file-allocation=none",
                   *([f"--ca-certificate={ca}"] if ca else []), "-i", urls],
    }
    for name in [name for name, command in found.items() if not shutil.which(command[0])]:
        bench.note(f"{name} is not installed")
        del found[name]
    return found


def versions(bench):
    """What takes part, in words."""
    undici = f"{bench.kept_folder('undici')}/node_modules/undici/package.json"
    asked = {
        "libcurl and curl": ["curl", "--version"],
        "wget2": ["wget2", "--version"],
        "aria2c": ["aria2c", "--version"],
        "h2load": ["h2load", "--version"],
        "wrk": ["wrk", "--version"],
        "nginx": ["/usr/sbin/nginx", "-v"],
        "Go": ["go", "version"],
        "Node.js": ["node", "--version"],
        "undici": ["node", "-p", f"try {{ require('{undici}').version }} catch {{ '' }}"],
        "Python": [PYTHON, "--version"],
    }
    for module in ("aiohttp", "httpx", "trio"):
        asked[module] = [PYTHON, "-c", f"import {module}; print({module}.__version__)"]
    found = {name: version_of(command) for name, command in asked.items()}
    return ", ".join(f"{name} {version}" for name, version in found.items() if version)
