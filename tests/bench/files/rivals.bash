# Other mounts of the same files: mount_<rival> FILES makes one at $RIVAL_MNT; $RIVAL_FILES is where the files are then, and
# end_rival ends it. $DATA/ext4/FILES are put into their repositories by fill_rivals, which sets $rivals: those that can be mounted here.
# shellcheck shell=bash

RIVAL_PID=

rival_name() {
	case $1 in
	plain) echo 'plain FUSE' ;;
	*) echo "$1 mount" ;;
	esac
}

# fill_rivals FILES...
fill_rivals() {
	local rival
	export RESTIC_REPOSITORY=$WORK/restic RESTIC_PASSWORD=bench RESTIC_CACHE_DIR=$WORK/restic-cache
	export BORG_REPO=$WORK/borg BORG_BASE_DIR=$WORK/home
	rivals=()
	for rival in plain restic borg; do
		if "fill_$rival" "$@" && "mount_$rival" "$1"; then
			end_rival
			rivals+=("$rival")
		else
			progress "no $(rival_name $rival) on this machine"
		fi
	done
}

fill_plain() {
	[ -x "$PLAIN_FUSE" ]
}

fill_restic() {
	command -v restic >/dev/null && timeout $PATIENCE restic --quiet init &&
		(cd "$DATA/ext4" && timeout $PATIENCE restic --quiet backup "$@")
}

fill_borg() {
	command -v borg >/dev/null && timeout $PATIENCE borg init -e none &&
		(cd "$DATA/ext4" && timeout $PATIENCE borg create ::files "$@")
}

# rival_in_background COMMAND...: it mounts at $RIVAL_MNT.
rival_in_background() {
	local end=$((SECONDS + 60))
	"$@" >"$WORK/rival.log" 2>&1 </dev/null &
	RIVAL_PID=$!
	until mountpoint -q "$RIVAL_MNT"; do
		if ! kill -0 $RIVAL_PID 2>/dev/null || [ $SECONDS -ge $end ]; then
			cat "$WORK/rival.log" >&2
			end_rival
			return 1
		fi
		sleep 0.05
	done
}

mount_plain() {
	rival_in_background "$PLAIN_FUSE" "$DATA/ext4/$1" "$RIVAL_MNT" -f || return
	RIVAL_FILES=$RIVAL_MNT
}

mount_restic() {
	rival_in_background restic mount "$RIVAL_MNT" || return
	RIVAL_FILES=$RIVAL_MNT/snapshots/latest$DATA/ext4/$1
	if [ ! -d "$RIVAL_FILES" ]; then
		RIVAL_FILES=$RIVAL_MNT/snapshots/latest/$1
	fi
}

mount_borg() {
	rival_in_background borg mount --foreground ::files "$RIVAL_MNT" || return
	RIVAL_FILES=$RIVAL_MNT/$1
}

end_rival() {
	[ -n "$RIVAL_PID" ] || return 0
	if grep -qF " $RIVAL_MNT " /proc/self/mountinfo; then
		eventually timeout 10 fusermount3 -u "$RIVAL_MNT" || fusermount3 -uz "$RIVAL_MNT" || true
	fi
	pitr_reap "$RIVAL_PID" 20 >/dev/null || true
	RIVAL_PID=
}
