#!/bin/bash
# SPDX-License-Identifier: MIT
# Installs what is needed, builds in every configuration that matters and runs all tests in each. The
# last line is the sum: `N passed, N failed, N skipped`. Exit status: 0 when nothing failed.
#
#   ./test.sh            everything; what CI runs
#   ./test.sh --quick    gcc only: for work in between
#   ./test.sh RUN...     only these: gcc clang ndebug ucontext aarch64 asan tsan valgrind coverage tidy package
#
# Each configuration has its folder below build-ci/ (or $BUILD_ROOT) and is built again only where
# sources changed. Without root or sudo the missing packages are named and nothing is built.
set -uo pipefail
cd "$(dirname "$0")" || exit 1

source=$PWD
build=${BUILD_ROOT:-$source/build-ci}
jobs=$(nproc)
export CK_TIMEOUT_MULTIPLIER=10 # a busy machine is no failure
n_passed=0 n_failed=0 n_skipped=0
failures=()

count() { # PASSED FAILED SKIPPED RUN
	n_passed=$((n_passed + $1)) n_failed=$((n_failed + $2)) n_skipped=$((n_skipped + $3))
	echo "-- $4: $1 passed, $2 failed, $3 skipped (at $SECONDS s)"
	[ "$2" = 0 ] || failures+=("$4")
}

# build_in FOLDER MESON-SETUP-OPTION...; the compiler is $CC
build_in() {
	local name=$1 folder=$build/$1
	shift
	echo "== $name: build"
	if [ ! -e "$folder/build.ninja" ]; then
		meson setup "$folder" "$source" -Dtests=enabled -Ddaemon=enabled "$@"
	fi >"$log" 2>&1 && ninja -C "$folder" -j "$jobs" >>"$log" 2>&1 && return
	tail -n 80 "$log"
	count 0 1 0 "$name (build)"
	return 1
}

# meson_test LOG-NAME FOLDER OPTION...; $prefix is a command to run it with
prefix=()
meson_test() {
	local name=$1 folder=$2
	shift 2
	rm -f "$folder/meson-logs/$name"*.json
	"${prefix[@]}" meson test -C "$folder" --no-rebuild --print-errorlogs \
		--timeout-multiplier 5 --logbase "$name" "$@" >"$log" 2>&1
	grep -Ev '^ *[0-9]+/[0-9]+ .* (OK|SKIP) |^(ninja|[A-Z][A-Za-z ]+: +[0-9]+ *$|$)' "$log" | tail -n 500
}

# test_in RUN FOLDER MESON-TEST-OPTION...
#
# One or two programs that fail beside the others are run once more by themselves, and named: what a
# crowded machine does to a test is a flaw of the test, but not the failure of what it tests.
test_in() {
	local name=$1 folder=$build/$2 numbers failed again=()
	shift 2
	echo "== $name: test"
	meson_test "$name" "$folder" --num-processes "$jobs" "$@"
	mapfile -t failed < <(tests/build/count-results --failed "$folder/meson-logs/$name"*.json)
	if [ ${#failed[@]} -gt 0 ] && [ ${#failed[@]} -le 2 ]; then
		echo "-- $name: failed beside others, run again alone: ${failed[*]}"
		meson_test "again-$name" "$folder" --num-processes 1 "$@" "${failed[@]}"
		again=("$folder/meson-logs/again-$name"*.json)
	fi
	read -ra numbers < <(tests/build/count-results "$folder/meson-logs/$name"*.json "${again[@]}")
	tests/build/count-results --left-out "$folder/meson-logs/$name"*.json
	[ ${#numbers[@]} = 3 ] || numbers=(0 1 0)
	count "${numbers[@]}" "$name"
}

# check RUN COMMAND...: of one that prints TAP; that it broke off is a failure, too
check() {
	local name=$1 status n_bad
	shift
	"$@" >"$log" 2>&1
	status=$?
	grep -v '^ok [0-9]* *- [^: ]*$' "$log" | tail -n 500 # a bare name says nothing
	n_bad=$(grep -c '^not ok ' "$log")
	[ $status = 0 ] || [ "$n_bad" -gt 0 ] || n_bad=1
	count "$(grep -c '^ok ' "$log")" "$n_bad" 0 "$name"
}

# What is the same whatever the compiler is tested in the first run only. The tests run again with one
# call after another running short are for the first, and for the sanitizer that sees a leak.
of_binaries=(--no-suite build --no-suite systemd --no-suite package)
once=("${of_binaries[@]}" --no-suite torture)

run_gcc() {
	CC=gcc build_in gcc -Dwerror=true && test_in gcc gcc --no-suite package
}

run_clang() {
	CC=clang build_in clang -Dwerror=true && test_in clang clang "${once[@]}"
}

# Assertions are no part of what the program does.
run_ndebug() {
	CC=gcc build_in ndebug -Dwerror=true -Db_ndebug=true && test_in ndebug ndebug "${once[@]}"
}

# The runtime where there is no assembly for the switch.
run_ucontext() {
	export T_SKIP=$source/tests/support/ucontext.skip
	CC=gcc build_in ucontext -Dwerror=true -Ddaemon=disabled -Ducontext=enabled &&
		test_in ucontext ucontext --suite unit --suite conformance
	unset T_SKIP
}

# The runtime on 64-bit ARM, under qemu; tests of what qemu lacks are left out by name.
run_aarch64() {
	if ! tests/support/install.sh aarch64; then
		count 0 1 0 "aarch64 (packages)"
		return
	fi
	export T_SKIP=$source/tests/support/aarch64/skip
	build_in aarch64 -Dwerror=true -Ddaemon=disabled \
		--cross-file "$source/tests/support/aarch64/cross.ini" \
		-Dpkg_config_path="$source/tests/support/aarch64" &&
		test_in aarch64 aarch64 --suite unit --suite conformance
	unset T_SKIP
}

run_asan() {
	export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:abort_on_error=1
	export UBSAN_OPTIONS=halt_on_error=1:abort_on_error=1:print_stacktrace=1
	CC=clang build_in asan -Dbuildtype=debug -Doptimization=1 -Db_lundef=false \
		-Db_sanitize=address,undefined &&
		test_in asan asan "${of_binaries[@]}"
	unset ASAN_OPTIONS UBSAN_OPTIONS
}

# This sanitizer wants its addresses where no randomisation puts others; a container may forbid that.
# A thousand tasks are a thousand of its threads: crowds are left out.
run_tsan() {
	export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:atexit_sleep_ms=0
	setarch -R true 2>/dev/null && prefix=(setarch -R)
	CC=gcc build_in tsan -Dbuildtype=debug -Doptimization=1 -Db_lundef=false \
		-Db_sanitize=thread &&
		test_in tsan tsan "${once[@]}" --no-suite crowd
	unset TSAN_OPTIONS
	prefix=()
}

# How much of the libraries the tests have run: floors, not aims. What is measured is built without
# assertions (see check-coverage), and counted from nothing, by counters that threads share.
run_coverage() {
	if ! tests/support/install.sh coverage; then
		count 0 1 0 "coverage (packages)"
		return
	fi
	CC=gcc build_in coverage -Doptimization=0 -Db_coverage=true -Db_ndebug=true \
		-Dc_args=-fprofile-update=atomic || return
	find "$build/coverage" -name '*.gcda' -delete
	test_in coverage coverage --suite unit --suite conformance --suite integration
	check "coverage (floors)" tests/build/check-coverage "$source" "$build/coverage" \
		lib/nursery 96.5 91 lib/fetch 95 86
}

run_valgrind() {
	CC=gcc build_in gcc -Dwerror=true &&
		test_in valgrind gcc --setup valgrind --suite unit --no-suite support --no-suite forking
}

run_tidy() {
	CC=clang build_in clang -Dwerror=true || return
	echo "== tidy"
	check tidy tests/build/check-tidy "$source" "$build/clang"
}

# The Debian packages, built as Debian builds and installed under a systemd.
run_package() {
	if ! tests/support/install.sh package; then
		count 0 1 0 "package (packages)"
		return
	fi
	CC=gcc build_in gcc -Dwerror=true && test_in package gcc --suite package
}

all_runs=(gcc clang ndebug ucontext aarch64 asan tsan valgrind coverage tidy package)
runs=("${all_runs[@]}")
case ${1:-} in
--quick) runs=(gcc) ;;
-*)
	sed -n '3,12s/^# \?//p' "$0"
	exit 2
	;;
?*) runs=("$@") ;;
esac

tests/support/install.sh build test || exit 1
if ! mkdir -p "$build" 2>/dev/null || [ ! -w "$build" ]; then
	build=$(mktemp -d "${TMPDIR:-/tmp}/fetchd-test.XXXXXX") || exit 1
	echo "the checkout is somebody else's; building in $build"
fi
log=$build/output.txt

for run in "${runs[@]}"; do
	if ! declare -F "run_$run" >/dev/null; then
		echo "test.sh: no run '$run'; there are: ${all_runs[*]}" >&2
		exit 2
	fi
	"run_$run"
done

tests/conformance/rows docs/conformance.md tests/conformance/test_*.c # a test of each run, too
[ ${#failures[@]} = 0 ] || echo "failed: ${failures[*]}"
echo "$n_passed passed, $n_failed failed, $n_skipped skipped"
[ "$n_failed" = 0 ]
