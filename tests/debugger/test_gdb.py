#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Lets gdb look at the parked tasks of a process, and of a core file.

    test_gdb.py SCRIPT PROGRAM SWITCH      SWITCH: how the build switches tasks

Prints TAP: one skip where gdb is not there, may not trace, or the backtraces are not known.
"""
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile


def gdb(*arguments):
    """What gdb prints that neither reads files of the user's nor asks the network for symbols."""
    command = ['gdb', '-nx', '-batch', '-iex', 'set debuginfod enabled off', *map(str, arguments)]
    return subprocess.run(command, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=120).stdout


def is_usable(switch):
    """The backtraces are known, Python is in gdb, and this process may be its tracer."""
    if switch != 'x86_64 assembly' or not shutil.which('gdb'):
        return False
    return 'exited normally' in gdb('-ex', 'python print("python")', '-ex', 'run', '--args', shutil.which('true'))


TREE = (
    r'^thread 1: run$',
    r'^  main: running ',
    r'^    nursery, 3 tasks$',
    r'^      digger: waiting \(sleep\) for \d+\.\d{3} s  \[\(struct nur_task \*\) 0x[0-9a-f]+\]$',
    r'^      wait_for_event: waiting \(event\) for ',
    r'^      fresh: runnable  \[\(struct nur_task \*\) 0x[0-9a-f]+\]\n(?! +#)',
)
FRAMES = (
    r'^ +#0 .*\n(?: +#\d+ .*\n)* +#(\d+) wait_deep_inside at .*parked\.c:\d+\n'
    r'(?: +#\d+ wait_deep_inside at .*\n){3} +#\d+ dig at .*parked\.c:\d+\n',
    r'^ +#\d+ nur_parking_lot_park at .*\n(?: +#\d+ nur_event_wait at .*\n)? +#\d+ wait_for_event at .*parked\.c:\d+\n',
)


def dump_core(program, folder):
    """The core file of the kernel's (that of gdb's generate-core-file has no stacks), or None."""
    def allow():
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    try:
        subprocess.run([program, 'abort'], cwd=folder, preexec_fn=allow, stderr=subprocess.DEVNULL)
    except (OSError, subprocess.SubprocessError):
        return None  # the limit is not ours to raise
    return next(pathlib.Path(folder).glob('core*'), None)


class Cases:
    def __init__(self):
        self.n = self.n_bad = 0

    def skip(self, name, reason):
        self.n += 1
        print(f'ok {self.n} - {name} # SKIP {reason}')

    def check(self, name, output, patterns):
        missing = [p for p in patterns if not re.search(p, output, re.M)]
        self.n += 1
        self.n_bad += bool(missing)
        print(f'{"not " if missing else ""}ok {self.n} - {name}')
        for pattern in missing:
            print(f'# nothing like {pattern!r} in:', *output.splitlines(), sep='\n# ')


def main():
    script, program = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
    switch = sys.argv[3]
    if not is_usable(switch):
        print('1..0 # SKIP no gdb that can show the tasks')
        return 0
    cases, source = Cases(), f'source {script}'
    process = gdb('-ex', 'break everybody_waits', '-ex', 'run', '-ex', source, '-ex', 'nursery tasks',
                  '-ex', 'backtrace 1', '--args', program)
    cases.check('the tree of a process', process, TREE)
    cases.check('backtraces of parked tasks', process, FRAMES)
    cases.check('the innermost frame is as it was', process, [r'^#0  everybody_waits \('])
    cases.check('a program that does not run', gdb(program, '-ex', source, '-ex', 'nursery tree'),
                [r'no process and no core file'])
    with tempfile.TemporaryDirectory() as folder:
        core = dump_core(program, folder)
        if core:
            tasks = gdb(program, core, '-ex', source, '-ex', 'nursery tasks')
            cases.check('the tree of a core file', tasks, TREE)
            cases.check('backtraces in a core file', tasks, FRAMES)
        else:
            cases.skip('a core file', 'the system puts none here')
    print(f'1..{cases.n}')
    return 1 if cases.n_bad else 0


sys.exit(main())
