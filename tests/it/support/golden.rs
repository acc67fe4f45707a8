//! Comparison with golden files, which a person has reviewed.

use std::fs;
use std::path::Path;

/// Compares with the golden file of that name. `RUNLEDGER_BLESS=1 cargo test` writes it instead:
/// review the difference before you commit it.
pub fn assert_golden(name: &str, bytes: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("RUNLEDGER_BLESS").is_some() {
        fs::write(&path, bytes).unwrap();
    }
    let expected = fs::read(&path).unwrap_or_default();
    assert_eq!(String::from_utf8_lossy(bytes), String::from_utf8_lossy(&expected), "tests/golden/{name}");
}
