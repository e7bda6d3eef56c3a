#!/bin/bash
# Fuzzes each target named for FUZZ_SECONDS. New inputs collect in $BUILD/fuzz/corpus and are used the next time;
# those that make a target fail are put into $BUILD/fuzz/findings, to be copied into tests/fuzz/corpus with the fix.
set -u
cd "$(dirname "$0")/../.." || exit 2
BUILD=${BUILD:-build}
FUZZ_SECONDS=${FUZZ_SECONDS:-60}

if [ -z "${PITR_TESTS_SETARCH-}" ] && setarch -R true 2>/dev/null; then
	exec env PITR_TESTS_SETARCH=1 setarch -R tests/fuzz/run.sh "$@"
fi

findings=$BUILD/fuzz/findings
mkdir -p "$findings"
passed=0 failed=0
for target in "$@"; do
	echo "== $target, for $FUZZ_SECONDS seconds"
	corpus=$BUILD/fuzz/corpus/$target
	mkdir -p "$corpus"
	seeds=()
	for directory in "tests/fuzz/corpus/$target" "tests/fuzz/corpus/${target#fuzz_}"; do
		[ ! -d "$directory" ] || seeds+=("$directory")
	done
	if timeout --kill-after=10 $((FUZZ_SECONDS + 120)) "$BUILD/fuzz/tests/fuzz/$target" \
		-max_total_time="$FUZZ_SECONDS" -timeout=10 -rss_limit_mb=2048 -verbosity=0 -print_final_stats=1 \
		-artifact_prefix="$findings/$target-" "$corpus" ${seeds[@]+"${seeds[@]}"}; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED $target: the input is in $findings"
	fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ $failed -eq 0 ]
