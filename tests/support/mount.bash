# Helpers for bats: a store and a mount of its own for every test.
#
#	load ../support/mount
#	setup() { pitr_setup; }
#	teardown() { pitr_teardown; }
#	@test "a closed file is an item" {
#		pitr_mount
#		mkdir "$MNT/orders"
#		...
#	}
#
# pitr_setup makes a directory for the test with $STORE and $MNT in it, and skips where there is no FUSE; files that
# need no mount call pitr_setup_store instead. pitr_teardown unmounts what the test has left mounted, and fails if a
# mount did not end well. Mounts are started by the test's own shell: do not `run pitr_mount`.
# shellcheck shell=bash

PITR_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
if [ -z "${ASAN_OPTIONS-}" ]; then
	pushd "$PITR_ROOT" >/dev/null || exit 1
	. tests/support/environment.sh
	popd >/dev/null || exit 1
fi
export PITR=${PITR:-$PITR_ROOT/build/asan/pitr}
export PITRFS=${PITRFS:-$PITR_ROOT/build/asan/pitrfs}

# The mounts this test has started and not ended: mount point -> process. Logs: $WORK/mount-<process>.log
declare -gA PITR_MOUNTS=()

pitr_setup_store() {
	WORK=$BATS_TEST_TMPDIR
	STORE=$WORK/store
	MNT=$WORK/mnt
	mkdir "$MNT" "$WORK/home"
	export WORK STORE MNT HOME=$WORK/home
	if [ -n "${PREPARED-}" ]; then
		cp -r "$PREPARED" "$STORE"
	else
		pitr_store "$STORE"
	fi
}

# For setup_file: what pitr does then, it does to a store of which every test of the file gets a copy.
pitr_prepare() {
	export PREPARED=$BATS_FILE_TMPDIR/prepared STORE=$BATS_FILE_TMPDIR/prepared HOME=$BATS_FILE_TMPDIR
	pitr_store "$STORE"
}

pitr_setup() {
	require_fuse
	pitr_setup_store
}

pitr_teardown() {
	local mountpoint failed=0
	for mountpoint in "${!PITR_MOUNTS[@]}"; do
		pitr_umount "$mountpoint" || failed=1
	done
	pitr_unmount_strays
	return $failed
}

require_fuse() {
	[ -c /dev/fuse ] || skip "there is no /dev/fuse"
}

# Data that lies beside the project on some machines only: skip_without_shared ca-fires. Its path is $SHARED_DATA.
# A setup_file cannot skip: it does nothing where the data is not, and each setup skips.
has_shared() {
	SHARED_DATA=$PITR_ROOT/../shared/data/${1-}
	[ -e "$SHARED_DATA" ]
}

skip_without_shared() {
	has_shared "$@" || skip "shared data is not on this machine: ${1-}"
}

# pitr_store STORE: makes an empty store.
pitr_store() {
	"$PITR" --store "$1" init
}

# pitr ...: the command line, on the store of the test.
pitr() {
	"$PITR" --store "$STORE" "$@"
}

# refused TEXT COMMAND...: it fails, and says so.
refused() {
	local text=$1 output
	shift
	if output=$(LC_ALL=C "$@" 2>&1); then
		printf 'succeeded: %s\n' "$*"
		return 1
	fi
	printf '%s\n' "$output"
	[[ $output == *"$text"* ]]
}

absent() {
	[ ! -e "$1" ]
}

# eventually [-t SECONDS] COMMAND...: again and again until it succeeds, for 5 seconds unless said otherwise.
# Fails as the last attempt did, and shows its output.
eventually() {
	local seconds=5 end output status
	if [ "$1" = -t ]; then
		seconds=$2
		shift 2
	fi
	end=$((${EPOCHREALTIME/[.,]/} + seconds * 1000000))
	while true; do
		status=0
		output=$("$@" 2>&1) || status=$?
		if [ $status -eq 0 ]; then
			return 0
		fi
		if [ "${EPOCHREALTIME/[.,]/}" -ge $end ]; then
			printf 'not within %s seconds: %s\n%s\n' "$seconds" "$*" "$output"
			return $status
		fi
		sleep 0.05
	done
}

# pitr_mount [OPTION...]: mounts $STORE at $MNT and returns when it answers; the options are for pitrfs (-o ro).
pitr_mount() {
	pitr_mount_at "$STORE" "$MNT" "$@"
}

# pitr_mount_at STORE MOUNTPOINT [OPTION...]. Afterwards PITRFS_PID is the process, MOUNT_LOG its output.
# On failure the output is printed, and nothing is left running.
pitr_mount_at() {
	local store=$1 mountpoint=$2 ready answer=
	shift 2
	ready=$(mktemp -u "$WORK/ready.XXXXXX")
	mkfifo "$ready"
	# bats waits for everything that holds its descriptor 3. The log is named after the process.
	(
		MOUNT_LOG=$WORK/mount-$BASHPID.log
		exec "$PITRFS" "$store" "$mountpoint" -f -o ready_fd=9 "$@" 9>"$ready" >"$MOUNT_LOG" 2>&1 3>&- 4>&- </dev/null
	) &
	PITRFS_PID=$!
	MOUNT_LOG=$WORK/mount-$PITRFS_PID.log
	# A process that dies closes the other end, so that this never waits for the dead.
	IFS= read -r -n 1 -t 30 answer <"$ready" || true
	rm -f "$ready"
	if [ "$answer" = s ]; then
		PITR_MOUNTS[$mountpoint]=$PITRFS_PID
		return 0
	fi
	pitr_reap "$PITRFS_PID" 10 || true
	printf 'mounting %s at %s failed; pitrfs said:\n' "$store" "$mountpoint"
	cat "$MOUNT_LOG"
	return 1
}

# pitr_umount [MOUNTPOINT]: unmounts, and requires that pitrfs then ends with status 0 and without a sanitizer's finding.
pitr_umount() {
	local mountpoint=${1:-$MNT} process=${PITR_MOUNTS[${1:-$MNT}]-} status=0
	if [ -z "$process" ]; then
		printf 'not mounted by this test: %s\n' "$mountpoint"
		return 1
	fi
	# EBUSY passes as soon as those that were just killed have let go.
	if kill -0 "$process" 2>/dev/null && ! eventually fusermount3 -u -- "$mountpoint"; then
		status=1
		fusermount3 -uz -- "$mountpoint" || true
	fi
	unset "PITR_MOUNTS[$mountpoint]"
	pitr_reap "$process" 30 || status=$?
	if [ $status -ne 0 ]; then
		printf 'pitrfs at %s ended with status %d:\n' "$mountpoint" "$status"
		cat "$WORK/mount-$process.log"
		fusermount3 -uz -- "$mountpoint" 2>/dev/null || true
		return 1
	fi
	no_sanitizer_finding "$WORK/mount-$process.log"
}

# pitr_kill [SIGNAL [MOUNTPOINT]]: ends pitrfs by a signal, KILL unless said otherwise, and clears the mount point.
pitr_kill() {
	local signal=${1:-KILL} mountpoint=${2:-$MNT} process
	process=${PITR_MOUNTS[$mountpoint]}
	unset "PITR_MOUNTS[$mountpoint]"
	kill -"$signal" "$process"
	pitr_abort_stuck "$process" "$mountpoint"
	pitr_reap "$process" 30 || true
	fusermount3 -uz -- "$mountpoint" 2>/dev/null || true
	no_sanitizer_finding "$WORK/mount-$process.log"
}

# pitr_abort_stuck PROCESS MOUNTPOINT: a killed pitrfs can have a thread in the kernel that waits for a lock of someone whose
# request nobody will answer any more. Only ending the connection helps both. PITR_ABORTED counts them.
PITR_ABORTED=0
pitr_abort_stuck() {
	local process=$1 mountpoint=$2 state tasks device
	for _ in {1..50}; do
		state=$(sed -n 's/^State:.\(.\).*/\1/p' "/proc/$process/status" 2>/dev/null)
		tasks=(/proc/"$process"/task/*)
		if [ "${state:-Z}" = Z ] && [ ${#tasks[@]} -le 1 ]; then
			return 0
		fi
		sleep 0.02
	done
	[ "$state" = Z ] || return 0
	PITR_ABORTED=$((PITR_ABORTED + 1))
	device=$(awk -v point="$mountpoint" '$5 == point { print $3 }' /proc/self/mountinfo)
	{ echo 1 >"/sys/fs/fuse/connections/${device#*:}/abort"; } 2>/dev/null || umount -f "$mountpoint" 2>/dev/null || true
}

# pitr_reap PROCESS SECONDS: waits for a child to end, and returns its status; one that does not end is killed.
pitr_reap() {
	local process=$1 end=$((SECONDS + $2)) status=0
	while kill -0 "$process" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$process/status" 2>/dev/null; do
		if [ $SECONDS -ge $end ]; then
			printf 'process %d did not end within %d seconds, and is killed\n' "$process" "$2"
			kill -KILL "$process"
			break
		fi
		sleep 0.02
	done
	wait "$process" || status=$?
	return $status
}

no_sanitizer_finding() {
	if grep -Eq 'ERROR: AddressSanitizer|runtime error|WARNING: ThreadSanitizer|LeakSanitizer' "$@"; then
		printf 'a sanitizer found something:\n'
		cat "$@"
		return 1
	fi
}

# Unmounts whatever else is mounted below the directory of the test, such as a mount by `pitr mount`.
pitr_unmount_strays() {
	local mountpoint
	# A test that was skipped before it had a directory has no mounts; below "" is everything there is.
	[ -n "${WORK-}" ] || return 0
	while read -r mountpoint; do
		fusermount3 -uz -- "$mountpoint" || true
	done < <(awk -v under="$WORK/" 'index($5, under) == 1 && / - fuse/ { print $5 }' /proc/self/mountinfo | sort -r)
}

# count_messages: writes how many messages the kernel has sent since the last time to $WORK/since. For mounts that were made with
# -o count_file=$WORK/counts.
count_messages() {
	rm -f "$WORK/counts"
	kill -USR1 "$PITRFS_PID"
	eventually test -s "$WORK/counts"
	if [ -e "$WORK/last" ]; then
		jq -s '.[0] as $last | .[1] | with_entries(.value -= ($last[.key] // 0)) | with_entries(select(.value > 0))' \
			"$WORK/last" "$WORK/counts" >"$WORK/since"
	fi
	cp "$WORK/counts" "$WORK/last"
}

# messages_at_most OTHERS [KIND N]...: what came in since the last count; anything not named at most OTHERS times.
messages_at_most() {
	local others=$1 limits=.
	shift
	count_messages
	# What the mount gives of its own is no message of the kernel's.
	limits+=' | del(.STORE, .STORED, .AHEAD)'
	while [ $# -gt 0 ]; do
		limits+=" | .$1 = (.$1 // 0) - $2"
		shift 2
	done
	jq -c . "$WORK/since"
	jq -e --argjson others "$others" "$limits | all(.[]; . <= \$others)" "$WORK/since" >/dev/null
}
