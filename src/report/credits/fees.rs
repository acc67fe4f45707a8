//! The plan's fee and the price of purchased credits, in US dollars and in the second currency.

use crate::report::fx::{Conversion, Currency, ExactSum};
use crate::report::table::Cell;
use crate::report::terms::MonthTerms;
use crate::run::Usd;

/// The columns of [`cells`].
pub(super) fn columns(currency: &Currency) -> [String; 7] {
    let suffix = currency.suffix();
    [
        "plan_fee_usd".to_owned(),
        format!("plan_fee_{suffix}"),
        "purchased_credits_usd".to_owned(),
        format!("purchased_credits_{suffix}"),
        "fx_rate".to_owned(),
        "fx_date".to_owned(),
        "fx_source".to_owned(),
    ]
}

/// The amounts of a month and its rate, which by the policy `day` is that of its last day. Without a rate, the amounts
/// in the second currency are not known.
pub(super) fn cells(terms: &MonthTerms, month: &str) -> Vec<Cell> {
    let conversion = terms.fx.as_ref().and_then(|fx| fx.conversion(month));
    let converted = |usd: Option<Usd>| {
        Cell::Converted(usd.zip(conversion.as_ref()).map(|(usd, conversion)| {
            let mut sum = ExactSum::default();
            sum.add(usd, conversion);
            sum.amount()
        }))
    };
    let fee = terms.plan.map(|plan| plan.fee_usd);
    let purchased =
        terms.credit_purchases.iter().map(|purchase| purchase.price_usd).reduce(|one, other| one + other);
    let shown = conversion.as_ref().filter(|_| fee.or(purchased).is_some());
    vec![
        Cell::Usd(fee),
        converted(fee),
        Cell::Usd(purchased),
        converted(purchased),
        Cell::Rate(shown.map(Conversion::rate)),
        Cell::Text(shown.map(|conversion| conversion.date.clone())),
        Cell::Text(shown.map(|conversion| conversion.source.clone())),
    ]
}
