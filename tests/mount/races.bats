# What happens when others act at the same moment: nothing that was closed is lost, and nothing hangs.

load ../support/mount

setup() {
	pitr_setup
}

teardown() {
	pitr_teardown
}

is_absent() {
	! pitr get "$1" >/dev/null 2>&1
}

@test "an item moved aside is not removed once somebody else wrote it" {
	pitr_mount
	mkdir "$MNT/orders"
	echo '{"v":1}' >"$MNT/orders/a.json"
	mv "$MNT/orders/a.json" "$MNT/orders/a.bak"
	[ ! -e "$MNT/orders/a.json" ]
	echo '{"v":2}' | pitr put orders/a
	eventually grep -q '"v": 2' "$MNT/orders/a.json"
	sleep 2.5
	grep -q '"v": 2' "$MNT/orders/a.json"
	[ "$(pitr get orders/a | jq .v)" = 2 ]
}

@test "an item moved aside and left is removed" {
	pitr_mount
	mkdir "$MNT/orders"
	echo '{"v":1}' >"$MNT/orders/a.json"
	mv "$MNT/orders/a.json" "$MNT/orders/a.bak"
	sleep 2.5
	run pitr get orders/a
	[ "$status" -eq 1 ]
	grep -q '"v": 1' "$MNT/orders/a.bak"
}

@test "an empty placeholder gives way to an item made elsewhere" {
	pitr_mount
	mkdir "$MNT/orders"
	touch "$MNT/orders/b.json"
	[ ! -s "$MNT/orders/b.json" ]
	echo '{"v":7}' | pitr put orders/b
	eventually grep -q '"v": 7' "$MNT/orders/b.json"
	[ "$(find "$MNT/orders" -name b.json | wc -l)" -eq 1 ]
	rm "$MNT/orders/b.json"
	eventually is_absent orders/b
}

@test "closing a document whose table is gone fails, and its bytes are kept" {
	pitr_mount
	mkdir "$MNT/orders"
	echo '{"v":1}' >"$MNT/orders/a.json"
	cat >"$WORK/close.py" <<-'PY'
		import os, subprocess, sys
		mnt, pitr, store = sys.argv[1:]
		fd = os.open(mnt + "/orders/a.json", os.O_WRONLY | os.O_TRUNC)
		os.write(fd, b'{"v":2}')
		subprocess.run([pitr, "--store", store, "delete-table", "--table-name", "orders"], check=True)
		while os.path.exists(mnt + "/orders"):
		    pass
		try:
		    os.close(fd)
		except OSError as e:
		    sys.exit(3)
	PY
	run python3 "$WORK/close.py" "$MNT" "$PITR" "$STORE"
	[ "$status" -eq 3 ]
	eventually grep -q 'its table is gone' "$MNT/.pitr/errors.jsonl"
	grep -rq '"v":2' "$MNT/.pitr/rejected"
}

@test "a file that was emptied through its descriptor is empty for who holds it" {
	pitr_mount
	mkdir "$MNT/orders"
	echo '{"v":1,"text":"long enough to notice"}' >"$MNT/orders/a.json"
	cat >"$WORK/rewrite.py" <<-'PY'
		import os, sys
		f = open(sys.argv[1], "r+")
		f.truncate(0)
		f.seek(0, 2)
		assert f.tell() == 0
		f.write('{"v":3}')
		f.close()
	PY
	python3 "$WORK/rewrite.py" "$MNT/orders/a.json"
	[ "$(jq .v "$MNT/orders/a.json")" = 3 ]
	[ "$(jq 'has("text")' "$MNT/orders/a.json")" = false ]
}

@test "a file is made anew although another mount has just removed it" {
	pitr_mount
	mkdir "$MNT/orders" "$WORK/other"
	pitr_mount_at "$STORE" "$WORK/other"
	cat >"$WORK/anew.py" <<-'PY'
		import os, sys, time
		here, there = (root + "/orders" for root in sys.argv[1:])
		directory = None
		for i in range(60):
		    with open(here + "/a.json", "w") as f:
		        f.write('{"v":%d}' % i)
		        f.flush()
		        os.fsync(f.fileno())
		    while not os.path.exists(there + "/a.json"):
		        time.sleep(0.001)
		    os.unlink(there + "/a.json")
		    directory = directory or os.open(there, os.O_RDONLY)
		    os.fsync(directory)
	PY
	python3 "$WORK/anew.py" "$MNT" "$WORK/other"
}

@test "what is written to a removed item leads nowhere" {
	pitr_mount
	mkdir "$MNT/orders"
	cat >"$WORK/removed.py" <<-'PY'
		import os, sys
		path = sys.argv[1]
		fd = os.open(path, os.O_RDWR | os.O_CREAT)
		os.write(fd, b'{"v":1}')
		os.fsync(fd)
		os.unlink(path)
		os.pwrite(fd, b'{"v":2}', 0)
		os.close(fd)
	PY
	python3 "$WORK/removed.py" "$MNT/orders/r.json"
	sleep 0.3
	[ ! -e "$MNT/orders/r.json" ]
	run pitr get orders/r
	[ "$status" -eq 1 ]
}

@test "a mount ends on SIGTERM under load, with everything committed" {
	pitr_mount
	mkdir "$MNT/orders"
	cat >"$WORK/load.py" <<-'PY'
		import os, sys
		mnt, log, who = sys.argv[1:]
		done = open(log, "w", buffering=1)
		try:
		    for i in range(100000):
		        path = "%s/orders/w%s-%d.json" % (mnt, who, i)
		        with open(path, "w") as f:
		            f.write('{"i":%d}' % i)
		        done.write("w%s-%d\n" % (who, i))
		        os.stat(path)
		        if i % 3 == 0:
		            other = "%s/orders/x%s-%d.json" % (mnt, who, i % 50)
		            open(other, "w").write('{"i":%d}' % i)
		            os.unlink(other)
		except OSError:
		    pass
	PY
	local who writers=()
	for who in 1 2 3 4 5 6; do
		python3 "$WORK/load.py" "$MNT" "$WORK/done-$who" "$who" 3>&- &
		writers+=($!)
	done
	eventually -t 20 test -s "$WORK/done-1"
	sleep 2
	kill -TERM "$PITRFS_PID"
	local status=0
	wait "$PITRFS_PID" || status=$?
	unset "PITR_MOUNTS[$MNT]"
	[ "$status" -eq 0 ]
	wait "${writers[@]}"
	cat "$WORK"/done-* | sort >"$WORK/closed"
	[ -s "$WORK/closed" ]
	pitr_mount
	find "$MNT/orders" -name 'w*.json' -printf '%f\n' | sed 's/\.json$//' | sort >"$WORK/there"
	[ -z "$(comm -23 "$WORK/closed" "$WORK/there")" ]
}
