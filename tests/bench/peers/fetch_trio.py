#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Trio and httpx beside fetchd. fetch_common.py has the command line."""
import os

import httpx
import trio
from fetch_common import Work


async def fetch(client, url):
    response = await client.get(url)
    response.raise_for_status()


async def worker(client, work, urls):
    for url in urls:
        await fetch(client, url)
        work.n_ok += 1


async def run_batch(client, work, urls):
    async with trio.open_nursery() as nursery:
        if work.failing:
            nursery.start_soon(fetch, client, work.failing)
        for _ in range(min(work.window, work.batch)):
            nursery.start_soon(worker, client, work, urls)


async def main():
    work = Work()
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=work.window)
    async with httpx.AsyncClient(verify=os.environ.get("BENCH_CA") or True, limits=limits, timeout=None,
                                 trust_env=False) as client:
        for urls in work.batches():
            try:
                await run_batch(client, work, urls)
            except (httpx.HTTPStatusError, trio.MultiError):
                if not work.failing:
                    raise
        work.report()


trio.run(main)
