//! Finding a run by what people know of it: the beginning of its id, or its pipeline and number.

use super::Archive;
use super::run_row::RunId;
use crate::error::{Error, Result};
use crate::escape::escape_control;
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
pub(crate) struct Candidate {
    /// Its id.
    pub(crate) run_id: Uuid,
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
    /// Reads an id, the beginning of one, or `PIPELINE#NUMBER`.
    ///
    /// # Errors
    /// [`Error::Usage`] when the text is none of them.
    pub(crate) fn parse(text: &str) -> Result<RunReference> {
        if let Some((pipeline, number)) = text.rsplit_once('#')
            && !pipeline.is_empty()
        {
            return match number.parse() {
                Ok(number) => Ok(RunReference::Number { pipeline: pipeline.to_owned(), number }),
                Err(_) => Err(Error::Usage {
                    what: format!("{text}: the number of a run follows #, and {number} is none"),
                    hint: Some(format!("`runledger runs --pipeline '{pipeline}'` lists its runs")),
                }),
            };
        }
        id_prefix(text).map(RunReference::Id).ok_or_else(|| Error::Usage {
            what: format!("{text}: neither the beginning of a run id nor PIPELINE#NUMBER"),
            hint: Some(format!("`runledger runs --pipeline '{text}'` lists the runs of a pipeline")),
        })
    }
}

impl Archive {
    /// The run that a reference means.
    ///
    /// # Errors
    /// [`Error::Usage`] when no run or several runs fit, with the newest of them.
    pub(crate) fn find_run(&self, reference: &RunReference) -> Result<Uuid> {
        match reference {
            RunReference::Id(prefix) => self.run_of_id(prefix),
            RunReference::Number { pipeline, number } => self.run_of_number(pipeline, *number),
        }
    }

    fn run_of_id(&self, prefix: &str) -> Result<Uuid> {
        let (count, found) = self.candidates(ID_BEGINS_SO, named_params! {":prefix": prefix})?;
        match (count, found.as_slice()) {
            (1, [run]) => Ok(run.run_id),
            (0, _) => Err(match Uuid::try_parse(prefix) {
                Ok(id) => Error::Usage {
                    what: format!("the archive has no run {id}"),
                    hint: Some(format!("`runledger fetch {id}` fetches it from the API")),
                },
                Err(_) => Error::Usage {
                    what: format!("the archive has no run whose id begins with {prefix}"),
                    hint: Some("`runledger runs` lists the newest".to_owned()),
                },
            }),
            _ => Err(Error::Usage {
                what: format!("{prefix} is the beginning of {count} runs:{}", listed(count, &found)),
                hint: Some(format!("add more of the id; `runledger runs --id {prefix}` lists them")),
            }),
        }
    }

    fn run_of_number(&self, pipeline: &str, number: i64) -> Result<Uuid> {
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
                what: format!("{pipeline}#{number} is the number of {count} runs:{}", listed(count, &found)),
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

/// The candidates, one per line.
fn listed(count: u64, found: &[Candidate]) -> String {
    let mut text = String::new();
    for Candidate { run_id, booked_at, status, pipeline } in found {
        let minute = booked_at
            .map_or_else(|| "–".to_owned(), |at| at.to_utc().format("%Y-%m-%d %H:%M UTC").to_string());
        let (status, pipeline) = (status.as_deref().unwrap_or("–"), pipeline.as_deref().unwrap_or("–"));
        let pipeline = escape_control(pipeline);
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
        assert_eq!(parsed("notas-fiscais#1231"), number("notas-fiscais", 1231));
        assert_eq!(parsed("C# jobs#7"), number("C# jobs", 7));
        assert_eq!(parsed("A0"), RunReference::Id("a0".to_owned()));
        for text in ["notas-fiscais", "notas#", "notas#x", "#7", ""] {
            assert_eq!(RunReference::parse(text).unwrap_err().exit_code(), 2, "{text}");
        }
    }
}
