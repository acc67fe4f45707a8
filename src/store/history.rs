//! This is the look at an archive's migration history before anything is done on the strength of it.

use super::Archive;
use crate::error::Result;
use chrono::DateTime;
use rusqlite::types::Value;

impl Archive {
    /// What is wrong with the history of migrations. `None`: each row can be read.
    ///
    /// refinery takes for granted that it can, and panics where it cannot.
    pub(super) fn fault_in_history(&self) -> Result<Option<String>> {
        if self.schema_version()?.is_none() {
            return Ok(None);
        }
        let sql = "SELECT version, name, applied_on, checksum FROM refinery_schema_history";
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let fault = match (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?) {
                (Value::Integer(version), Value::Text(_), Value::Text(applied_on), Value::Text(checksum)) => {
                    let is_readable = i32::try_from(version).is_ok()
                        && DateTime::parse_from_rfc3339(&applied_on).is_ok()
                        && checksum.parse::<u64>().is_ok();
                    (!is_readable).then(|| format!("that of version {version}"))
                }
                _ => Some("a row of another type".to_owned()),
            };
            if fault.is_some() {
                return Ok(fault);
            }
        }
        Ok(None)
    }
}
