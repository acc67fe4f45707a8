#!/usr/bin/env bash
# Monitoring: promtool reads the metrics file and the alert rules, Monitoring::Plugin the line of `status --check`.
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

check() {
    local archive=$work/runledger.db metrics=$work/runledger.prom line
    rm -f "$archive" "$archive"-* "$metrics"
    start_sandbox --runs 2000
    NEKT_API_KEY=sandbox-key "$runledger" sync --quiet --db "$archive" --api-url "$sandbox_url" --metrics-file "$metrics"
    stop_all
    "$promtool" check metrics <"$metrics" || fail "promtool rejects the metrics"
    "$promtool" check rules --lint=all --lint-fatal contrib/prometheus/runledger.rules.yml >/dev/null ||
        fail "promtool rejects the alert rules"
    line=$("$runledger" status --check --db "$archive") || fail "status --check exited with $?: $line"
    perl -MMonitoring::Plugin::Performance -e '
        my @all = Monitoring::Plugin::Performance->parse_perfstring($ARGV[0] =~ s/.* \| //r);
        my ($age) = grep { $_->label eq "age" } @all;
        my ($runs) = grep { $_->label eq "runs" } @all;
        die "it reads " . @all . " values" unless @all == 12 && $runs->value == 2000 && $age->uom eq "s";
        die "it does not read the thresholds" unless $age->threshold->get_status($age->value) == 0
            && $age->threshold->get_status(100000) == 1 && $age->threshold->get_status(200000) == 2;
    ' "$line" || fail "Monitoring::Plugin cannot parse: $line"
    echo "promtool accepts the metrics; Monitoring::Plugin parses: ${line%% |*}"
}

run_family "$@"
