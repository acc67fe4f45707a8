//! Finding a run by what people know of it: the beginning of its id, or its pipeline and number.

use super::Archive;
use super::find_pipeline::{one_line, short};
use super::run_row::RunId;
use crate::error::{Error, Result};
use crate::run::Instant;
use rusqlite::{Row, named_params};
use uuid::Uuid;

/// How many candidates an error lists.
const MAX_LISTED: usize = 5;

/// The condition in SQL that a run's id begins with `:prefix`. Ids are hexadecimal digits and hyphens, which all sort
/// before this letter.
pub(crate) const ID_BEGINS_SO: &str = "run_id >= :prefix AND run_id < :prefix || 'g'";

/// The lengths of the parts of an id, which hyphens separate.
const PARTS: [usize; 5] = [8, 4, 4, 4, 12];

/// How a user names a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RunReference {
    /// The id, or its beginning in the spelling of the archive.
    Id(String),
    /// The number of the run in a pipeline, by slug, id or name.
    Number {
        /// The pipeline.
        pipeline: String,
        /// The number.
        number: i64,
    },
}

/// A run that a reference can mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    /// Its id.
    pub(super) run_id: Uuid,
    /// When it started, else when it was created. `None`: neither is known.
    booked_at: Option<Instant>,
    status: Option<String>,
    pipeline: Option<String>,
}

/// The beginning of an id in the spelling of the archive: lower case, with hyphens. `None`: no id begins so.
pub(crate) fn id_prefix(text: &str) -> Option<String> {
    let digits: String =
        text.chars().filter(|letter| *letter != '-').collect::<String>().to_ascii_lowercase();
    if digits.is_empty() || digits.len() > 32 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let (mut prefix, mut rest) = (String::new(), digits.as_str());
    for part in PARTS {
        let (digits, after) = rest.split_at(part.min(rest.len()));
        prefix.push_str(digits);
        rest = after;
        if rest.is_empty() {
            break;
        }
        prefix.push('-');
    }
    Some(prefix)
}

impl RunReference {
    /// Reads an id, the beginning of one, or `PIPELINE#NUMBER`. `None`: the text is none of them.
    ///
    /// # Errors
    /// [`Error::Usage`] when no number follows `PIPELINE#`.
    pub(crate) fn parse(text: &str) -> Result<Option<RunReference>> {
        if let Some((pipeline, number)) = text.rsplit_once('#')
            && !pipeline.is_empty()
        {
            return match number.parse() {
                Ok(number) => Ok(Some(RunReference::Number { pipeline: pipeline.to_owned(), number })),
                Err(_) => Err(Error::Usage {
                    what: format!("{text}: the number of a run follows #, and {number} is none"),
                    hint: Some(format!("`runledger runs --pipeline '{pipeline}'` lists its runs")),
                }),
            };
        }
        Ok(id_prefix(text).map(RunReference::Id))
    }
}

impl Archive {
    /// The number of runs whose id begins with a text in the spelling of the archive, and the newest of them.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(super) fn runs_beginning_with(&self, prefix: &str) -> Result<(u64, Vec<Candidate>)> {
        self.candidates(ID_BEGINS_SO, named_params! {":prefix": prefix})
    }

    /// The number of runs whose id begins with a text. Of a text that no id begins with: 0.
    ///
    /// # Errors
    /// Those of SQLite.
    pub(crate) fn count_runs_beginning_with(&self, text: &str) -> Result<u64> {
        id_prefix(text).map_or(Ok(0), |prefix| Ok(self.runs_beginning_with(&prefix)?.0))
    }

    /// The run with a number in a pipeline, by slug, id or name.
    ///
    /// # Errors
    /// [`Error::Usage`] when no run or several runs fit, with the newest of them.
    pub(super) fn run_of_number(&self, pipeline: &str, number: i64) -> Result<Uuid> {
        let sql = "SELECT kind, pipeline_id, slug FROM pipelines \
                   WHERE :pipeline IN (pipeline_id, slug) OR name = :pipeline";
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query(named_params! {":pipeline": pipeline})?;
        // Runs name their pipeline by id or by slug; one that is not in the catalogue is known from its runs.
        let mut names = vec![pipeline.to_owned()];
        while let Some(row) = rows.next()? {
            names.push(row.get(1)?);
            names.extend(row.get::<_, Option<String>>(2)?);
        }
        let names = serde_json::to_string(&names).map_err(|error| Error::Internal(error.to_string()))?;
        // The covering index of the reports finds the runs of the pipeline; only those are read for their number.
        let conditions = "snapshot_id IN ( \
                SELECT snapshot_id FROM run_snapshots INDEXED BY run_snapshots_for_reports \
                WHERE superseded_at IS NULL \
                  AND coalesce(source, destination, transformation) IN (SELECT value FROM json_each(:names))) \
            AND number = :number";
        let (count, found) =
            self.candidates(conditions, named_params! {":names": names, ":number": number})?;
        match (count, found.as_slice()) {
            (1, [run]) => Ok(run.run_id),
            (0, _) => Err(Error::Usage {
                what: format!("the archive has no run {number} of a pipeline {pipeline}"),
                hint: Some(format!("`runledger runs --pipeline '{pipeline}'` lists its runs")),
            }),
            _ => Err(Error::Usage {
                what: format!(
                    "{pipeline}#{number} is the number of {count} runs:{}",
                    candidates_text(count, &found)
                ),
                hint: Some("give the beginning of the id".to_owned()),
            }),
        }
    }

    /// The number of runs that meet the conditions, and the newest of them.
    fn candidates(
        &self,
        conditions: &str,
        parameters: &[(&str, &dyn rusqlite::ToSql)],
    ) -> Result<(u64, Vec<Candidate>)> {
        let sql = format!(
            "SELECT run_id, booked_at, status, coalesce(pipeline_name, pipeline_id) FROM runs WHERE {conditions} \
             ORDER BY booked_at DESC, run_id LIMIT {MAX_LISTED}"
        );
        let mut statement = self.connection.prepare(&sql)?;
        let found: Vec<Candidate> =
            statement.query_map(parameters, candidate)?.collect::<rusqlite::Result<_>>()?;
        let count = match found.len() < MAX_LISTED {
            true => found.len() as u64,
            false => {
                let sql = format!("SELECT count(*) FROM runs WHERE {conditions}");
                self.connection.query_row(&sql, parameters, |row| row.get(0))?
            }
        };
        Ok((count, found))
    }
}

fn candidate(row: &Row<'_>) -> rusqlite::Result<Candidate> {
    Ok(Candidate {
        run_id: row.get::<_, RunId>(0)?.uuid(),
        booked_at: row.get(1)?,
        status: row.get(2)?,
        pipeline: row.get(3)?,
    })
}

/// The number of runs: `1 run`, `53 runs`.
pub(super) fn runs_text(count: u64) -> String {
    format!("{count} run{}", if count == 1 { "" } else { "s" })
}

/// The candidates, one per line.
pub(super) fn candidates_text(count: u64, found: &[Candidate]) -> String {
    let mut text = String::new();
    for Candidate { run_id, booked_at, status, pipeline } in found {
        let minute = booked_at
            .map_or_else(|| "–".to_owned(), |at| at.to_utc().format("%Y-%m-%d %H:%M UTC").to_string());
        let (status, pipeline) = (status.as_deref().unwrap_or("–"), pipeline.as_deref().unwrap_or("–"));
        let (status, pipeline) = (short(status), short(&one_line(pipeline)));
        text.push_str(&format!("\n  {run_id}  {minute}  {status}  {pipeline}"));
    }
    let more = count.saturating_sub(found.len() as u64);
    if more > 0 {
        text.push_str(&format!("\n  {more} more"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_an_id_gets_the_spelling_of_the_archive() {
        let prefix = |text| id_prefix(text).unwrap_or_default();
        assert_eq!(
            [prefix("A0"), prefix("31a52a1f-39"), prefix("31a52a1f39")],
            ["a0", "31a52a1f-39", "31a52a1f-39"]
        );
        assert_eq!(prefix("31a52a1f"), "31a52a1f");
        let whole = "31a52a1f-3907-430d-87fb-995156708555";
        assert_eq!([prefix(whole), prefix(&whole.replace('-', ""))], [whole, whole]);
        for text in ["", "-", "xyz", "31a52a1f-3907-430d-87fb-9951567085551", "é"] {
            assert_eq!(id_prefix(text), None, "{text}");
        }
    }

    #[test]
    fn a_run_is_named_by_its_id_or_by_pipeline_and_number() {
        let number = |pipeline: &str, number| RunReference::Number { pipeline: pipeline.to_owned(), number };
        let parsed = |text| RunReference::parse(text).unwrap();
        assert_eq!(parsed("notas-fiscais#1231"), Some(number("notas-fiscais", 1231)));
        assert_eq!(parsed("C# jobs#7"), Some(number("C# jobs", 7)));
        assert_eq!(parsed("A0"), Some(RunReference::Id("a0".to_owned())));
        assert_eq!(["notas-fiscais", "#7", ""].map(parsed), [None, None, None]);
        for text in ["notas#", "notas#x"] {
            assert_eq!(RunReference::parse(text).unwrap_err().exit_code(), 2, "{text}");
        }
    }
}
