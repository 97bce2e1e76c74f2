#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""asyncio and aiohttp beside fetchd. fetch_common.py has the command line."""
import asyncio
import os
import ssl

import aiohttp
from fetch_common import Work


async def fetch(session, url):
    async with session.get(url) as response:
        response.raise_for_status()
        await response.read()


async def worker(session, work, urls):
    for url in urls:
        await fetch(session, url)
        work.n_ok += 1


async def run_batch(session, work, urls):
    async with asyncio.TaskGroup() as group:
        if work.failing:
            group.create_task(fetch(session, work.failing))
        for _ in range(min(work.window, work.batch)):
            group.create_task(worker(session, work, urls))


async def main():
    work = Work()
    ca = os.environ.get("BENCH_CA")
    connector = aiohttp.TCPConnector(limit=0, ssl=ssl.create_default_context(cafile=ca) if ca else None)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None)) as session:
        for urls in work.batches():
            try:
                await run_batch(session, work, urls)
            except* aiohttp.ClientResponseError:
                pass
        work.report()


asyncio.run(main())
