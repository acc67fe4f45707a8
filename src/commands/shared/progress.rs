//! Progress on standard error: a bar in a terminal, which leaves no trace, else a line every 30 seconds.

use super::output::print_note;
use super::span::format_span;
use crate::sync::{Observer, Phase, Progress};
use chrono::TimeDelta;
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle, WeakProgressBar};
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
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
        Box::new(Bar { began: Instant::now(), bar: ProgressBar::hidden(), estimate: None })
    } else {
        Box::new(Lines { last: Instant::now() })
    }
}

/// How long a command runs before its bar appears: short ones end without one.
const DELAY: Duration = Duration::from_millis(500);

/// The most redraws per second.
const REDRAWS_PER_SECOND: u8 = 10;

/// The progress reports of a phase before it gets an estimate: the first page includes the connection, and the second
/// can have been requested along with it.
const REPORTS_BEFORE_ESTIMATE: u32 = 3;

/// The bar on the terminal, which lines on standard error must not overwrite. `None`: no bar was drawn yet.
static DRAWN: Mutex<Option<WeakProgressBar>> = Mutex::new(None);

/// Writes to standard error while no bar is drawn there: the bar is erased before, and drawn again after it.
pub fn beside_bar<R>(write: impl FnOnce() -> R) -> R {
    // The lock is not kept while the bar is drawn.
    let drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match drawn.and_then(|bar| bar.upgrade()).filter(|bar| !bar.is_finished()) {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

struct Bar {
    began: Instant,
    bar: ProgressBar,
    estimate: Option<(Phase, Estimate)>,
}

impl Observer for Bar {
    fn advanced(&mut self, progress: &Progress) {
        if self.estimate.is_none_or(|(phase, _)| phase != progress.phase) {
            self.bar.finish_and_clear();
            self.bar = ProgressBar::with_draw_target(progress.total, ProgressDrawTarget::hidden())
                .with_style(style(progress.total.is_some()))
                .with_prefix(label(progress.phase));
            self.estimate = Some((progress.phase, Estimate::starting_at(progress.done, Instant::now())));
        }
        let left =
            self.estimate.as_mut().and_then(|(_, estimate)| estimate.time_left(progress, Instant::now()));
        // New runs can push the count past the total that the API gave at the start of the walk.
        if let Some(total) = progress.total {
            self.bar.set_length(total.max(progress.done));
        }
        self.bar.set_position(progress.done);
        self.bar.set_message(figures(progress, left));
        if self.bar.is_hidden() && self.began.elapsed() >= DELAY {
            self.bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(REDRAWS_PER_SECOND));
            *DRAWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.bar.downgrade());
            self.bar.tick();
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn style(has_total: bool) -> ProgressStyle {
    let template = if has_total { "{prefix}  {wide_bar}  {msg}" } else { "{prefix}  {msg}" };
    let style = ProgressStyle::with_template(template).expect("the template is well formed");
    style.progress_chars("█▉▊▋▌▍▎▏ ")
}

/// The figures beside the bar: `7,500 of 12,003  62 %  12 s left`.
fn figures(progress: &Progress, left: Option<Duration>) -> String {
    let done = HumanCount(progress.done);
    let Some(total) = progress.total.map(|total| total.max(progress.done)) else {
        return done.to_string();
    };
    let mut figures = format!("{done} of {}", HumanCount(total));
    if let Some(percent) = (progress.done * 100).checked_div(total) {
        figures.push_str(&format!("  {percent} %"));
    }
    if let Some(left) = left.and_then(|left| TimeDelta::from_std(left).ok()) {
        figures.push_str(&format!("  {} left", format_span(left)));
    }
    figures
}

/// An estimate of the time that the rest of a phase takes, from the pace since its first report. What was done before
/// that, also by an interrupted sync, says nothing about the pace.
#[derive(Debug, Clone, Copy)]
struct Estimate {
    first_done: u64,
    first_at: Instant,
    reports: u32,
}

impl Estimate {
    fn starting_at(done: u64, at: Instant) -> Estimate {
        Estimate { first_done: done, first_at: at, reports: 0 }
    }

    /// The time left after this report. `None`: too early to tell, or the total is unknown.
    fn time_left(&mut self, progress: &Progress, at: Instant) -> Option<Duration> {
        self.reports += 1;
        let done = progress.done.checked_sub(self.first_done).filter(|done| *done > 0)?;
        let left = progress.total?.saturating_sub(progress.done);
        if self.reports < REPORTS_BEFORE_ESTIMATE {
            return None;
        }
        let seconds = at.duration_since(self.first_at).as_secs_f64() * left as f64 / done as f64;
        Duration::try_from_secs_f64(seconds).ok()
    }
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
        Phase::Walk => "Reading runs",
        Phase::Unsettled => "Fetching unsettled runs",
        Phase::Vanished => "Fetching runs missing from the list",
        Phase::Fetch => "Fetching runs",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(done: u64, total: Option<u64>) -> Progress {
        Progress { phase: Phase::Walk, done, total, requests: 0 }
    }

    #[test]
    fn the_time_left_is_estimated_from_the_third_report_on() {
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        let mut estimate = Estimate::starting_at(500, at(0));
        assert_eq!(estimate.time_left(&progress(500, Some(2_000)), at(0)), None);
        assert_eq!(estimate.time_left(&progress(1_000, Some(2_000)), at(1)), None);
        assert_eq!(estimate.time_left(&progress(1_500, Some(2_000)), at(2)), Some(Duration::from_secs(1)));
        assert_eq!(estimate.time_left(&progress(2_000, Some(2_000)), at(3)), Some(Duration::ZERO));
    }

    #[test]
    fn what_an_interrupted_sync_has_read_does_not_speed_up_the_estimate() {
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        let mut estimate = Estimate::starting_at(900_000, at(0));
        for done in [900_000, 900_500] {
            estimate.time_left(&progress(done, Some(1_000_000)), at(1));
        }
        let left = estimate.time_left(&progress(901_000, Some(1_000_000)), at(2)).unwrap();
        assert_eq!(left, Duration::from_secs(198));
    }

    #[test]
    fn the_figures_have_no_rate_and_no_nonsense() {
        let left = Some(Duration::from_secs(12));
        assert_eq!(figures(&progress(7_500, Some(12_003)), left), "7,500 of 12,003  62 %  12 s left");
        assert_eq!(figures(&progress(500, Some(12_003)), None), "500 of 12,003  4 %");
        assert_eq!(figures(&progress(12_004, Some(12_003)), None), "12,004 of 12,004  100 %");
        assert_eq!(figures(&progress(0, Some(0)), None), "0 of 0");
        assert_eq!(figures(&progress(1_000, None), None), "1,000");
    }
}
