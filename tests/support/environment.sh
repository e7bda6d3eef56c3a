# What every test program runs with; sourced by tests/run and by mount.bash.
# shellcheck shell=sh

# A finding of a sanitizer ends the program, with a status of its own and the place it happened.
export ASAN_OPTIONS="detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:handle_segv=2:print_legend=0:exitcode=99"
export UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1"
export TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1:exitcode=98"
if [ -f "$PWD/tests/support/tsan.supp" ]; then
	TSAN_OPTIONS="$TSAN_OPTIONS:suppressions=$PWD/tests/support/tsan.supp"
fi

export CMOCKA_MESSAGE_OUTPUT=tap
export LC_ALL=C.UTF-8 TZ=UTC
# Nothing of the one who runs the tests may reach them.
unset PITR_STORE XDG_DATA_HOME
