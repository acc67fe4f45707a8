#!/usr/bin/env bash
# Monitoring: promtool reads the metrics file, the alert rules and their tests; every metric that the rules and the
# dashboard name is in a file that a sync exported; Monitoring::Plugin reads the line of `status --check`.
source "$(dirname "$0")/lib.sh"

promtool=$tools/prometheus/usr/bin/promtool

install_tools() {
    [ -x "$promtool" ] || {
        locked apt apt_update
        # Unpacked, not installed: the package would start a service.
        (cd "$work" && apt-get download -qq prometheus)
        dpkg -x "$work"/prometheus_*.deb "$tools/prometheus"
        rm "$work"/prometheus_*.deb
    }
    perl -MMonitoring::Plugin::Performance -e 1 2>/dev/null || apt_packages libmonitoring-plugin-perl
}

check_rules() {
    "$promtool" check rules --lint=all --lint-fatal contrib/prometheus/runledger.rules.yml >/dev/null ||
        fail "promtool rejects the alert rules"
    (cd contrib/prometheus && "$promtool" test rules runledger.tests.yml >/dev/null) ||
        fail "an alert rule fires or is silent when it should not"
}

# check_names METRICS: each metric that the rules and the dashboard name has a sample in the file.
check_names() {
    python3 interop/monitoring.py "$1" "$work/dashboard.rules.json" || fail "the rules or the dashboard are wrong"
    "$promtool" check rules "$work/dashboard.rules.json" >/dev/null || fail "promtool rejects the dashboard"
}

check() {
    local archive=$work/runledger.db metrics=$work/runledger.prom line
    rm -f "$archive" "$archive"-* "$metrics"
    # A budget, and one pipeline for each kind of trouble, so that each series has a sample.
    printf '[[budget]]\nname = "All \\"pipelines\\""\namount_usd = 20\n' >"$work/runledger.toml"
    start_sandbox --runs 2000 --incidents skipped,delayed,hung,failing
    NEKT_API_KEY=sandbox-key "$runledger" sync --quiet --db "$archive" --api-url "$sandbox_url" --metrics-file "$metrics"
    stop_all
    "$promtool" check metrics <"$metrics" || fail "promtool rejects the metrics"
    check_rules
    check_names "$metrics"
    line=$("$runledger" status --check --db "$archive") || fail "status --check exited with $?: $line"
    perl -MMonitoring::Plugin::Performance -e '
        my @all = Monitoring::Plugin::Performance->parse_perfstring($ARGV[0] =~ s/.* \| //r);
        my ($age) = grep { $_->label eq "age" } @all;
        my ($runs) = grep { $_->label eq "runs" } @all;
        die "it reads " . @all . " values" unless @all == 12 && $runs->value == 2000 && $age->uom eq "s";
        die "it does not read the thresholds" unless $age->threshold->get_status($age->value) == 0
            && $age->threshold->get_status(100000) == 1 && $age->threshold->get_status(200000) == 2;
    ' "$line" || fail "Monitoring::Plugin cannot parse: $line"
    echo "promtool accepts $(grep -vc '^#' "$metrics") samples and the rules; Monitoring::Plugin parses: ${line%% |*}"
}

run_family "$@"
