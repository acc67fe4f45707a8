//! The names of periods, days and moments.

use super::Language;
use chrono::{Datelike, NaiveDate, NaiveDateTime};

/// The months in English and Portuguese. Portuguese months are in lower case.
const MONTHS: [(&str, &str); 12] = [
    ("January", "janeiro"),
    ("February", "fevereiro"),
    ("March", "março"),
    ("April", "abril"),
    ("May", "maio"),
    ("June", "junho"),
    ("July", "julho"),
    ("August", "agosto"),
    ("September", "setembro"),
    ("October", "outubro"),
    ("November", "novembro"),
    ("December", "dezembro"),
];

impl Language {
    /// The name of a period by its label: `outubro de 2026` for `2026-10`, `semana 47 de 2026` for `2026-W47`, the
    /// date for a day. Any other text is unchanged.
    pub fn period(self, label: &str) -> String {
        let named = || {
            if let Ok(day) = NaiveDate::parse_from_str(label, "%Y-%m-%d") {
                return Some(self.day(day));
            }
            let (year, part) = label.split_once('-')?;
            let name = match part.strip_prefix('W') {
                Some(week) => {
                    let week: u32 = week.parse().ok()?;
                    match self {
                        Language::English => format!("week {week} of {year}"),
                        Language::Portuguese => format!("semana {week} de {year}"),
                    }
                }
                None => {
                    let month = self.month_name(part.parse().ok()?)?;
                    match self {
                        Language::English => format!("{month} {year}"),
                        Language::Portuguese => format!("{month} de {year}"),
                    }
                }
            };
            Some(name)
        };
        named().unwrap_or_else(|| label.to_owned())
    }

    /// The name of a month from 1 to 12. `None`: there is no such month.
    pub fn month_name(self, month: u32) -> Option<&'static str> {
        let (english, portuguese) = MONTHS.get(usize::try_from(month.checked_sub(1)?).ok()?)?;
        Some(match self {
            Language::English => english,
            Language::Portuguese => portuguese,
        })
    }

    /// A day: `2026-10-31`, or `31/10/2026`.
    pub fn day(self, day: NaiveDate) -> String {
        let format = match self {
            Language::English => "%Y-%m-%d",
            Language::Portuguese => "%d/%m/%Y",
        };
        day.format(format).to_string()
    }

    /// A day without its year: `31 Oct`, or `31/10`.
    pub fn day_of_month(self, day: NaiveDate) -> String {
        match self {
            Language::English => format!("{} {}", day.day(), &MONTHS[day.month0() as usize].0[..3]),
            Language::Portuguese => day.format("%d/%m").to_string(),
        }
    }

    /// A moment in local time, to the minute: `2026-10-31 09:06`, or `31/10/2026 09:06`.
    pub fn moment(self, moment: NaiveDateTime) -> String {
        format!("{} {}", self.day(moment.date()), moment.format("%H:%M"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_has_a_name_in_each_language() {
        for (label, english, portuguese) in [
            ("2026-10", "October 2026", "outubro de 2026"),
            ("2026-03", "March 2026", "março de 2026"),
            ("2026-W07", "week 7 of 2026", "semana 7 de 2026"),
            ("2026-10-31", "2026-10-31", "31/10/2026"),
            ("2026-13", "2026-13", "2026-13"),
            ("2026", "2026", "2026"),
            ("", "", ""),
        ] {
            assert_eq!(Language::English.period(label), english);
            assert_eq!(Language::Portuguese.period(label), portuguese);
        }
    }

    #[test]
    fn a_moment_is_written_as_in_its_country() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 5).unwrap();
        let moment = day.and_hms_opt(9, 6, 59).unwrap();
        assert_eq!(Language::English.moment(moment), "2026-11-05 09:06");
        assert_eq!(Language::Portuguese.moment(moment), "05/11/2026 09:06");
        assert_eq!(Language::English.day_of_month(day), "5 Nov");
        assert_eq!(Language::Portuguese.day_of_month(day), "05/11");
    }
}
