#!/usr/bin/env bash
# Fuzzing with libFuzzer: each target of fuzz/ for 30 seconds, or FUZZ_SECONDS.
source "$(dirname "$0")/lib.sh"

targets=(document page)

install_tools() { cargo_tool cargo-fuzz 0.13.2; }

# libFuzzer's instrumentation needs a nightly compiler, or a stable one with RUSTC_BOOTSTRAP.
cargo_fuzz() {
    local command=$1
    shift
    RUSTC_BOOTSTRAP=1 PATH=$PATH:$tools/cargo/bin cargo fuzz "$command" --target-dir target/interop/fuzz/build "$@"
}

fuzz() {
    local target=$1
    mkdir -p "$work/corpus/$target"
    cargo_fuzz run "$target" "$work/corpus/$target" "fuzz/seeds/$target" -- \
        -max_total_time="${FUZZ_SECONDS:-30}" -max_len=4096 -timeout=10 -dict=fuzz/words.dict >"$work/$target.log" 2>&1
}

check() {
    local i target
    cargo_fuzz build >"$work/build.log" 2>&1 || {
        tail -n 60 "$work/build.log" >&2
        fail "the fuzz targets do not build"
    }
    for target in "${targets[@]}"; do
        fuzz "$target" &
        started+=($!)
    done
    for i in "${!targets[@]}"; do
        target=${targets[i]}
        wait "${started[i]}" || {
            tail -n 60 "$work/$target.log" >&2
            fail "libFuzzer found an input that breaks the target $target"
        }
        echo "fuzz target $target: $(grep -Eo 'Done [0-9]+ runs in [0-9]+ second' "$work/$target.log")s, no failure"
    done
}

run_family "$@"
