// SPDX-License-Identifier: MIT

// Promises and the loop of Node.js beside tasks: the figures of bench_nursery.c that exist for them.
"use strict";
const fs = require("fs");

const N_SPAWNS = 1000000, N_YIELDS = 1000000, N_SLEEPERS = 1000, N_SLEEPS = 10;
const N_TIMERS = 100000, N_TIMER_CHANGES = 200000, N_WAITERS = 10000, N_EVENTS = 20;

function cpuNs() {
	const usage = process.cpuUsage();
	return (usage.user + usage.system) * 1000;
}

function report(what, startNs, n) {
	console.log(`${what}\t${((cpuNs() - startNs) / n).toFixed(2)}\tns`);
}

function residentKiB() {
	return Number(fs.readFileSync("/proc/self/statm", "ascii").split(" ")[1]) * 4; // pages of x86_64
}

async function nothing() {
}

async function measureSpawn(batch) {
	const start = cpuNs();
	for (let n = 0; n < N_SPAWNS; n += batch) {
		const tasks = [];
		for (let i = 0; i < batch; i++) {
			tasks.push(nothing());
		}
		await Promise.all(tasks);
	}
	report(`spawn and join, batches of ${batch}`, start, N_SPAWNS);
}

async function yields(n) {
	while (n-- > 0) {
		await null;
	}
}

async function measureYield(nTasks) {
	const start = cpuNs(), tasks = [];
	for (let i = 0; i < nTasks; i++) {
		tasks.push(yields(N_YIELDS / nTasks));
	}
	await Promise.all(tasks);
	report(`checkpoint, ${nTasks} tasks in turn`, start, N_YIELDS);
}

function sleep(ms) {
	return new Promise((resolve) => setTimeout(resolve, ms));
}

async function sleepOften() {
	for (let n = 0; n < N_SLEEPS; n++) {
		await sleep(1); // there is no shorter one
	}
}

async function measureSleep() {
	const start = cpuNs(), tasks = [];
	for (let i = 0; i < N_SLEEPERS; i++) {
		tasks.push(sleepOften());
	}
	await Promise.all(tasks);
	report("sleep, 1000 tasks at a time", start, N_SLEEPERS * N_SLEEPS);
}

function measureTimers() {
	const add = () => setTimeout(nothing, 1000000 + Math.floor(10000 * Math.random()));
	const timers = [];
	for (let i = 0; i < N_TIMERS; i++) {
		timers.push(add());
	}
	const start = cpuNs();
	for (let n = 0; n < N_TIMER_CHANGES; n++) {
		const i = Math.floor(N_TIMERS * Math.random());
		clearTimeout(timers[i]);
		timers[i] = add();
	}
	report("timer cancelled and added, among 100000", start, N_TIMER_CHANGES);
	timers.forEach(clearTimeout);
}

function newEvent() {
	const event = {};
	event.isSet = new Promise((resolve) => { event.set = resolve; });
	return event;
}

// The functions that wait are also the parked ones whose memory is measured.
async function measureEvent() {
	const events = Array.from({ length: N_EVENTS }, newEvent);
	const allWaiting = Array.from({ length: N_EVENTS }, newEvent);
	const tasks = [], before = residentKiB();
	let nWaits = 0;
	async function waitForEach() {
		for (const event of events) {
			if (++nWaits % N_WAITERS === 0) {
				allWaiting[nWaits / N_WAITERS - 1].set();
			}
			await event.isSet;
		}
	}
	for (let i = 0; i < N_WAITERS; i++) {
		tasks.push(waitForEach());
	}
	await allWaiting[0].isSet;
	console.log(`resident memory of a parked task\t${((residentKiB() - before) / N_WAITERS).toFixed(2)}\tKiB`);
	const start = cpuNs();
	for (let i = 1; i < N_EVENTS; i++) {
		events[i - 1].set();
		await allWaiting[i].isSet;
	}
	report("wake of one of 10000 waiters", start, N_WAITERS * (N_EVENTS - 1));
	events[N_EVENTS - 1].set();
	await Promise.all(tasks);
}

async function main() {
	await measureEvent(); // first: later it would find memory that is free
	for (const batch of [1, 20, 1000]) {
		await measureSpawn(batch);
	}
	for (const nTasks of [1, 1000]) {
		await measureYield(nTasks);
	}
	await measureSleep();
	measureTimers();
}

main();
