#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Calendar events as systemd reads them: the same texts are taken, and mean the same points of time.

    test_calendar_oracle.py PRINT_CALENDAR SYSTEMD_ANALYZE

Prints TAP. The events are made by a fixed seed, from every form of the grammar; some are broken on purpose.
Left out is what differs on purpose: fractions of seconds, single points of time, events that never come, and
hours in which a zone changes its clocks.
"""
import calendar
import random
import re
import subprocess
import sys
import time

PRINT_CALENDAR, SYSTEMD_ANALYZE = sys.argv[1:3]
START = 1795687200  # 2026-11-26 10:00 UTC
N_TIMES = 4
N_EVENTS = 300


def number(rng, low, high):
    return str(rng.randint(low, high))


def item(rng, low, high):
    first, last = sorted(rng.sample(range(low, high + 1), 2))
    step = rng.randint(1, max(1, (high - low) // 4))
    return rng.choice([f'{first}', f'{first:02}', f'{first}..{last}', f'{first}/{step}', f'{first}..{last}/{step}'])


def part(rng, low, high):
    if rng.random() < 0.4:
        return '*'
    return ','.join(item(rng, low, high) for _ in range(rng.choice([1, 1, 2, 3])))


def weekdays(rng):
    names = ['Mon', 'Tuesday', 'wed', 'Thu', 'FRI', 'Sat', 'Sunday']
    first, last = sorted(rng.sample(range(7), 2))
    return rng.choice([names[first], f'{names[first]},{names[last]}', f'{names[first]}..{names[last]}',
                       f'{names[first]}-{names[last]},', f'{names[last]},{names[first]}'])


def event(rng):
    words = []
    if rng.random() < 0.4:
        words.append(weekdays(rng))
    if rng.random() < 0.6:
        # from the end of the month only what all months have, and no lists: systemd 252 refuses some of them
        day = part(rng, 1, 28)
        tilde = rng.choice('-~') if not set('*,') & set(day) else '-'
        year = rng.choice(['*', '*', part(rng, 2027, 2040), part(rng, 28, 40)])
        words.append(rng.choice([f'{year}-', '']) + part(rng, 1, 12) + tilde + day)
    if rng.random() < 0.7 or not words:
        # no hours in which clocks change
        second = ':' + part(rng, 0, 59) if rng.random() < 0.5 else ''
        words.append(part(rng, 4, 23).replace('*', '4..23') + ':' + part(rng, 0, 59) + second)
    if rng.random() < 0.3:
        words.append(rng.choice(['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Nowhere/Else']))
    text = ' '.join(words)
    if rng.random() < 0.25:  # one character is another, or gone
        at = rng.randrange(len(text))
        text = text[:at] + rng.choice(['', '*', ':', '-', '9', 'x', '/', ',', '..', '~']) + text[at + 1:]
    return text


FIXED = ['minutely', 'hourly', 'Daily', 'weekly', 'monthly', 'quarterly', 'semiannually', 'semi-annually', 'biannually',
         'bi-annually', 'yearly', 'annually', 'daily Europe/Berlin', '*-02-29', '*-02~01', 'Mon *-05~07/1', '5:61', '24:00',
         '*:*/15', '*-*-*/2', '0/15', '25-10', '10-25', 'Fri..Mon', 'Mon,', '*-*-0', '2200-1-1', '70-1-1', '', '1/2-1-1']


def ours(events):
    output = subprocess.run([PRINT_CALENDAR, str(START), str(N_TIMES)], input=''.join(e + '\n' for e in events),
                            stdout=subprocess.PIPE, text=True, check=True).stdout
    return [None if line.startswith('refused') else [int(word) for word in line.split()]
            for line in output.splitlines()]


def theirs(text):
    """None: refused; else the points of time."""
    run = subprocess.run([SYSTEMD_ANALYZE, 'calendar', f'--base-time=@{START}', f'--iterations={N_TIMES}', text],
                         env={'TZ': 'UTC', 'LC_ALL': 'C'}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    if run.returncode != 0:
        return None
    found = re.findall(r'(?:Next elapse|\(in UTC\)|Iter\. #\d+): \w+ (\S+ \S+) UTC', run.stdout)
    return [calendar.timegm(time.strptime(at, '%Y-%m-%d %H:%M:%S')) for at in found]


def main():
    rng = random.Random(2026)
    events = FIXED + [event(rng) for _ in range(N_EVENTS)]
    n_refused = n_bad = 0
    for text, we in zip(events, ours(events)):
        they = theirs(text)
        if they == []:  # never comes: refused here
            they = None
        n_refused += they is None
        if we != they and not (we == [] and they is None):
            n_bad += 1
            print(f'# "{text}": {we}, and systemd: {they}')
    print(f'{"not " if n_bad else ""}ok 1 - {len(events)} events mean what systemd says ({n_refused} are none)')
    print(f'{"" if 20 < n_refused < len(events) / 2 else "not "}ok 2 - some are refused, and most are not')
    print('1..2')


if __name__ == '__main__':
    main()
