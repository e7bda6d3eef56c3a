#!/usr/bin/env bats
# A mount in steady use for many windows' time, retention in its background: the store stays as large as it was after the
# first, every instant of the window is what it was, and what is older is gone. SOAK_WINDOWS and SOAK_CHANGES (in each) tell how
# long, SEED repeats a run.

bats_require_minimum_version 1.5.0
load ../support/mount

DAY=86400
NOON=1740830400 # 2025-03-01T12:00:00Z

setup() {
	export PITR_CLOCK_FILE=$BATS_TEST_TMPDIR/clock
	echo ${NOON}000000 >"$PITR_CLOCK_FILE"
	pitr_setup
	CHECK_STORE=$(dirname "$PITRFS")/tests/crash/check_store
	[ -x "$CHECK_STORE" ] || skip "check_store is not built: $CHECK_STORE"
	pitr_mount -o "clock_file=$PITR_CLOCK_FILE"
	mkdir "$MNT/orders"
	jq '.PointInTimeRecoveryDescription.RecoveryPeriodInDays = 1' "$MNT/orders/.table.json" >"$WORK/table"
	cat "$WORK/table" >"$MNT/orders/.table.json"
}

teardown() {
	pitr_teardown
}

# use WINDOW: a window's time of changes in eight parts; keeps what the table was after each in $WORK/states.
use() {
	python3 - "$MNT/orders" "$WORK/states" "$PITR_CLOCK_FILE" $((NOON + $1 * DAY)) "$CHANGES" $((SEED + $1)) <<-'END'
		import json, os, random, sys
		directory, states, clock, begin, changes, seed = *sys.argv[1:4], *map(int, sys.argv[4:])
		random.seed(seed)
		items = {name[:-5]: json.load(open(f"{directory}/{name}"))["n"] for name in os.listdir(directory) if name[0] != "."}
		for part in range(8):
		    now = begin + (part + 1) * 86400 // 8
		    with open(clock + ".new", "w") as file:
		        file.write(f"{now}000000\n")
		    os.rename(clock + ".new", clock)
		    for i in range(changes // 8):
		        key = f"order-{random.randrange(120)}"
		        if key in items and random.randrange(5) == 0:
		            os.remove(f"{directory}/{key}.json")
		            del items[key]
		        else:
		            items[key] = random.randrange(10**9)
		            with open(f"{directory}/{key}.json", "w") as file:
		                json.dump({"n": items[key], "text": "%x" % random.getrandbits(12000)}, file)
		    descriptor = os.open(directory, os.O_RDONLY)
		    os.fsync(descriptor)
		    os.close(descriptor)
		    with open(states, "a") as file:
		        file.write(json.dumps([now + 60, items]) + "\n")
	END
}

# The states of the last window, and those before it; and what is live.
compare() {
	python3 - "$MNT/orders" "$WORK/states" <<-'END'
		import datetime, json, os, sys
		directory, states = sys.argv[1], [json.loads(line) for line in open(sys.argv[2])]
		def read(path):
		    return {name[:-5]: json.load(open(f"{path}/{name}"))["n"] for name in os.listdir(path) if name[0] != "."}
		def view(state):
		    time = datetime.datetime.fromtimestamp(state[0], datetime.timezone.utc)
		    return f"{directory}/@{time:%Y-%m-%dT%H:%M:%SZ}"
		assert read(directory) == states[-1][1], "the items are not what they should be"
		for state in states[-9:-1]:
		    assert read(view(state)) == state[1], f"{view(state)} is not what it was"
		for state in states[:-9]:
		    assert not os.path.exists(view(state)), f"{view(state)} is still there"
	END
}

# Nothing that could go is left.
is_forgotten() {
	[ "$(pitr gc --dry-run --json | jq .versions)" = 0 ]
}

size() {
	stat -c %s "$STORE/data.mdb"
}

@test "a store in steady use stays as large as it is after some windows" {
	local windows=${SOAK_WINDOWS:-6} window third
	CHANGES=${SOAK_CHANGES:-320}
	SEED=${SEED:-$RANDOM}
	echo "SEED=$SEED"
	for ((window = 1; window <= windows; window++)); do
		use "$window"
		eventually -t 60 is_forgotten
		[ "$window" -ne 3 ] || third=$(size)
	done
	compare
	printf '# %d windows of %d changes: %d KiB after the third, %d at the end\n' "$windows" "$CHANGES" $((third / 1024)) \
		$(($(size) / 1024)) >&3
	[ "$(size)" -le $((third + third / 4 + 65536)) ]
	pitr_umount
	"$CHECK_STORE" "$STORE"
	pitr verify
}
