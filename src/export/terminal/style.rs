//! The colors of terminal output. None carries anything that words do not say.

/// What a text is, for its color.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// A value.
    Plain,
    /// What frames the values: headings, rules, notes, unknown values.
    Dim,
    /// What is read first: titles and totals.
    Bold,
    /// What may need attention: running months, unknown costs, warnings.
    Warning,
    /// What failed.
    Error,
}

impl Role {
    /// The text in the color of the role; unchanged without colors.
    pub(crate) fn paint(self, text: &str, color: bool) -> String {
        let code = match self {
            _ if !color || text.is_empty() => return text.to_owned(),
            Role::Plain => return text.to_owned(),
            Role::Dim => "2",
            Role::Bold => "1",
            Role::Warning => "33",
            Role::Error => "31",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_colors_change_a_text() {
        assert_eq!(Role::Error.paint("failed", true), "\u{1b}[31mfailed\u{1b}[0m");
        for role in [Role::Plain, Role::Dim, Role::Bold, Role::Warning, Role::Error] {
            assert_eq!(role.paint("failed", false), "failed");
        }
    }
}
