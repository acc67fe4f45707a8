//! Progress on standard error: a bar in a terminal, else a line every 30 seconds.

use super::output::print_note;
use crate::sync::{Observer, Phase, Progress};
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// The interval between lines without a terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(30);

/// An observer that prints nothing.
pub(crate) struct NoProgress;

impl Observer for NoProgress {
    fn advanced(&mut self, _: &Progress) {}
}

/// The observer that suits standard error.
pub(crate) fn observer() -> Box<dyn Observer> {
    if std::io::stderr().is_terminal() {
        Box::new(Bar { bar: ProgressBar::no_length(), phase: None })
    } else {
        Box::new(Lines { last: Instant::now() })
    }
}

struct Bar {
    bar: ProgressBar,
    phase: Option<Phase>,
}

impl Observer for Bar {
    fn advanced(&mut self, progress: &Progress) {
        if self.phase != Some(progress.phase) {
            self.phase = Some(progress.phase);
            self.bar.finish_and_clear();
            self.bar = ProgressBar::new(progress.total.unwrap_or(0)).with_message(label(progress.phase));
            self.bar.set_style(style(progress.total.is_some()));
        }
        // New runs can push the count past the total that the API gave at the start of the walk.
        if let Some(total) = progress.total {
            self.bar.set_length(total.max(progress.done));
        }
        self.bar.set_position(progress.done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn style(has_total: bool) -> ProgressStyle {
    let template = if has_total {
        "{msg} {wide_bar} {human_pos}/{human_len} runs, {rate}/s, {eta} left"
    } else {
        "{msg} {spinner} {human_pos} runs, {rate}/s"
    };
    let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let _ = write!(out, "{:.0}", state.per_sec());
    };
    ProgressStyle::with_template(template).expect("the template is well formed").with_key("rate", rate)
}

struct Lines {
    last: Instant,
}

impl Observer for Lines {
    fn advanced(&mut self, progress: &Progress) {
        if self.last.elapsed() < LINE_INTERVAL {
            return;
        }
        self.last = Instant::now();
        let total = progress.total.map_or_else(String::new, |total| format!(" of {total}"));
        let Progress { phase, done, requests, .. } = progress;
        print_note(&format!("{}: {done}{total} runs, {requests} requests", label(*phase)));
    }
}

fn label(phase: Phase) -> &'static str {
    match phase {
        Phase::Walk => "reading the run list",
        Phase::Unsettled => "fetching unsettled runs",
        Phase::Vanished => "fetching runs missing from the list",
        Phase::Fetch => "fetching runs",
    }
}
