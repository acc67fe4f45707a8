//! The load by weekday and hour: a heat map, its table and its summary.

use super::{DataTable, ViewBuilder};
use crate::report::overview::load::HOURS;
use askama::Template;

/// The CSS classes of the shades, from the lightest.
const SHADES: [&str; 5] = ["q0", "q1", "q2", "q3", "q4"];

/// The weekdays in English.
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// The length of the busiest and of the quietest time, in hours.
const WINDOW: usize = 3;

/// The heat map.
#[derive(Debug, Template)]
#[template(path = "load.html")]
pub(super) struct HeatMap {
    label: String,
    /// The weekdays with the position of their row.
    days: Vec<(usize, &'static str)>,
    /// The shades, each with the path of its cells.
    shades: Vec<(&'static str, String)>,
    /// The labels of the hours, with their position in percent.
    hours: Vec<(String, String)>,
}

impl ViewBuilder<'_> {
    /// `None`: there are no runs with a date.
    pub(super) fn heat_map(&self) -> Option<HeatMap> {
        let load = &self.overview.load;
        let cells = || (0..7).flat_map(|day| (0..HOURS).map(move |hour| (day, hour)));
        let most = cells().map(|(day, hour)| load.runs(day, hour)).max().filter(|most| *most > 0)?;
        let mut shades: Vec<(&'static str, String)> =
            SHADES.into_iter().map(|shade| (shade, String::new())).collect();
        for (day, hour) in cells() {
            let runs = load.runs(day, hour);
            if runs > 0 {
                let shade = (runs * SHADES.len() as u64).div_ceil(most) as usize - 1;
                shades[shade].1.push_str(&format!("M{hour} {day}.5h.9"));
            }
        }
        shades.retain(|(_, path)| !path.is_empty());
        Some(HeatMap {
            label: self.text("Runs by weekday and hour"),
            days: WEEKDAYS
                .iter()
                .enumerate()
                .map(|(day, name)| (day * 22 + 15, self.language().page(name)))
                .collect(),
            shades,
            hours: (0..HOURS)
                .step_by(3)
                .map(|hour| ((hour as f64 / HOURS as f64 * 100.0).to_string(), format!("{hour:02}:00")))
                .collect(),
        })
    }

    /// `Busiest from 02:00 to 05:00, quietest from 18:00 to 21:00.`
    pub(super) fn load_summary(&self) -> Option<String> {
        let hours = self.overview.load.by_hour();
        let window = |start: usize| (0..WINDOW).map(|later| hours[(start + later) % HOURS]).sum::<u64>();
        let busiest =
            (0..HOURS).rev().max_by_key(|start| window(*start)).filter(|start| window(*start) > 0)?;
        let quietest = (0..HOURS).min_by_key(|start| window(*start))?;
        let hour = |hour: usize| format!("{:02}:00", hour % HOURS);
        Some(self.filled(
            "Busiest from {busy} to {busy_end}, quietest from {quiet} to {quiet_end}",
            &[
                ("busy", &hour(busiest)),
                ("busy_end", &hour(busiest + WINDOW)),
                ("quiet", &hour(quietest)),
                ("quiet_end", &hour(quietest + WINDOW)),
            ],
        ))
    }

    pub(super) fn load_table(&self) -> DataTable {
        let rows = (0..HOURS).map(|hour| {
            let cells = (0..7).map(|day| self.numbers.count(self.overview.load.runs(day, hour)));
            (format!("{hour:02}:00"), cells.collect())
        });
        let headings = std::iter::once("Hour").chain(WEEKDAYS);
        DataTable {
            id: "load",
            summary: self.language().page("Hours as a table"),
            caption: self.text("Runs by weekday and hour"),
            headings: headings.map(|heading| self.language().page(heading)).collect(),
            rows: rows.collect(),
        }
    }
}
