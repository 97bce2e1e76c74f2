#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The example that fetches, against the scripted origin: what it prints, and that it hangs up.

    test_fetch_urls.py ORIGIN EXAMPLE EXPECTED

/crowd/3 answers as soon as three requests wait: only who fetches concurrently sees an end.
Exit status: 0, or 1 with what differs.
"""
import pathlib
import re
import subprocess
import sys

PATHS = ('/crowd/3?200', '/crowd/3?404', '/crowd/3?503')


def tell(origin, command):
    origin.stdin.write(command + '\n')
    origin.stdin.flush()
    return origin.stdout.readline().strip()


def check(origin, example, expected):
    port = re.search(r'http=(\d+)', origin.stdout.readline())[1]
    urls = [f'http://127.0.0.1:{port}{path}' for path in PATHS]
    result = subprocess.run([example] + urls, text=True, stdout=subprocess.PIPE)
    print(result.stdout, end='')
    gone = tell(origin, 'wait open<=0 60000')
    counts = tell(origin, 'counts')
    print(f'exit status {result.returncode}; its connections: {gone}; {counts}')
    return (result.returncode == 0 and result.stdout == expected and gone == 'reached'
            and 'accepted=3 ' in counts)


def main():
    server, example, expected = sys.argv[1:]
    with subprocess.Popen([server], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as origin:
        is_good = check(origin, example, pathlib.Path(expected).read_text())
        origin.stdin.close()
    return 0 if is_good else 1


if __name__ == '__main__':
    sys.exit(main())
