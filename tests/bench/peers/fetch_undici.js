// SPDX-License-Identifier: MIT

// undici beside fetchd: the command line and the output of bare_loop.c, and one thing more.
//
//     node fetch_undici.js URL COUNT WINDOW [BATCH [FAILING]]
//
// With FAILING, an URL, every batch has that one, too, and ends with the first failure. Certificates are
// verified against $BENCH_CA. undici is found through $NODE_PATH.
"use strict";
const events = require("events");
const fs = require("fs");
const { Agent, request } = require("undici");

const [prefix, count, windowText, batchText, failing] = process.argv.slice(2);
const n = Number(count), width = Number(windowText), batch = Number(batchText || count);
const ca = process.env.BENCH_CA ? fs.readFileSync(process.env.BENCH_CA) : undefined;
const dispatcher = new Agent({ connections: width + 1, pipelining: 1, headersTimeout: 0, bodyTimeout: 0, connect: { ca } });
let nOk = 0;

async function fetchOne(url, signal) {
	const response = await request(url, { dispatcher, signal });
	await response.body.dump();
	if (response.statusCode !== 200) {
		throw new Error(`status ${response.statusCode}`);
	}
}

async function worker(urls, signal) {
	for (const i of urls) {
		await fetchOne(`${prefix}/${i}`, signal);
		nOk++;
	}
}

function* numbers(first, end) {
	for (let i = first; i < end; i++) {
		yield i;
	}
}

async function runBatch(first) {
	// a signal costs each request something, so it is there where it is used
	const controller = failing ? new AbortController() : undefined;
	const urls = numbers(first, first + batch), tasks = [];
	if (controller) {
		events.setMaxListeners(0, controller.signal);
		tasks.push(fetchOne(failing, controller.signal));
	}
	for (let i = 0; i < Math.min(width, batch); i++) {
		tasks.push(worker(urls, controller && controller.signal));
	}
	if (!controller) {
		await Promise.all(tasks);
		return;
	}
	await Promise.all(tasks.map((task) => task.catch(() => controller.abort())));
}

async function main() {
	const times = [], start = process.hrtime.bigint(), cpu = process.cpuUsage();
	for (let first = 0; first < n; first += batch) {
		const batchStart = process.hrtime.bigint();
		await runBatch(first);
		times.push(Number(process.hrtime.bigint() - batchStart));
	}
	const wall = Number(process.hrtime.bigint() - start), used = process.cpuUsage(cpu);
	times.sort((a, b) => a - b);
	console.log(JSON.stringify({ n, ok: nOk, wall_ns: wall, cpu_ns: (used.user + used.system) * 1000,
		p50_ns: times[times.length >> 1], p99_ns: times[Math.floor(times.length * 0.99)] }));
	await dispatcher.close();
}

main();
