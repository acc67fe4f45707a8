//! Tests of the bisection, against lists in which some records fail.

use super::*;

/// Bisects a region of a list in which these records fail. Returns the records read, the finding and the requests.
fn bisect(
    mut bisection: Bisection,
    length: u64,
    fails: impl Fn(Range<u64>) -> bool,
) -> (Vec<u64>, Vec<Range<u64>>, Finding, u32) {
    let (mut read, mut gaps, mut requests) = (Vec::new(), Vec::new(), 0);
    loop {
        assert!(requests < 1000, "the bisection does not end");
        let request = bisection.request();
        let (Request::Read(block) | Request::Probe(block)) = request;
        let records = block.start..block.end().min(length);
        requests += 1;
        let finding = if fails(records.clone()) {
            requests += u32::from(!bisection.expects_failure());
            bisection.failed()
        } else {
            if let Request::Read(_) = request {
                gaps.extend(bisection.take_skipped());
                read.extend(records);
            }
            bisection.answered()
        };
        if finding != Finding::Continues {
            gaps.extend(bisection.take_skipped());
            read.sort_unstable();
            read.dedup();
            return (read, gaps, finding, requests);
        }
    }
}

fn one(record: u64) -> Range<u64> {
    record..record + 1
}

#[test]
fn one_bad_record_is_found_within_forty_requests() {
    for page_length in [1, 2, 3, 20, 100, 256, 500] {
        for bad in 0..page_length {
            for first in [0, page_length * 7] {
                let (bad, region) = (first + bad, first..first + page_length);
                let length = first + page_length * 3;
                let bisection = Bisection::of_failed_page(region.clone(), Some(length), None);
                let (read, gaps, finding, requests) =
                    bisect(bisection, length, |records| records.contains(&bad));
                assert_eq!(gaps, Vec::from_iter([one(bad)]), "{page_length}, {bad}");
                assert_eq!(finding, Finding::Done);
                assert!(region.filter(|position| *position != bad).all(|position| read.contains(&position)));
                assert!(requests <= 40, "{requests} requests for record {bad} of {page_length}");
            }
        }
    }
}

#[test]
fn an_expected_record_costs_few_requests() {
    for bad in 1000..1500 {
        let bisection =
            Bisection::around(1000..1500, Some(3000), None, vec![Expected { position: bad, to_end: false }]);
        let (read, gaps, finding, requests) = bisect(bisection, 3000, |records| records.contains(&bad));
        assert_eq!((gaps, finding), (Vec::from_iter([one(bad)]), Finding::Done));
        assert!((1000..1500).filter(|position| *position != bad).all(|position| read.contains(&position)));
        assert!(requests <= 16, "{requests} requests for record {bad}");
    }
}

#[test]
fn an_expected_record_that_is_readable_again_is_read() {
    let expected = vec![Expected { position: 77, to_end: false }];
    let (read, gaps, ..) = bisect(Bisection::around(0..500, Some(3000), None, expected), 3000, |_| false);
    assert!(gaps.is_empty() && (0..500).all(|position| read.contains(&position)));
}

#[test]
fn an_api_that_is_down_is_an_outage_after_few_requests() {
    for region in [0..500, 1000..1500, 0..1] {
        let bisection = Bisection::of_failed_page(region, None, None);
        let (read, _, finding, requests) = bisect(bisection, 3000, |_| true);
        assert_eq!((read.len(), finding), (0, Finding::Outage));
        assert!(requests <= 6, "{requests}");
    }
}

#[test]
fn a_refused_part_of_the_list_is_found_by_its_position() {
    for refused in [1000, 1001, 1234, 1498] {
        let bisection = Bisection::of_failed_page(1000..1500, Some(1_000_000), None);
        let (read, _, finding, requests) = bisect(bisection, 1_000_000, |records| records.end > refused);
        assert_eq!(finding, Finding::RefusedFrom(refused));
        assert!((1000..refused).all(|position| read.contains(&position)));
        assert!(requests <= 100, "{requests}");
    }
}

#[test]
fn an_expected_refusal_costs_few_requests() {
    let expected = vec![Expected { position: 1234, to_end: true }];
    let bisection = Bisection::around(1000..1500, Some(1_000_000), None, expected);
    let (read, _, finding, requests) = bisect(bisection, 1_000_000, |records| records.end > 1234);
    assert_eq!((finding, requests <= 12), (Finding::RefusedFrom(1234), true), "{requests}");
    assert!((1000..1234).all(|position| read.contains(&position)));
}

#[test]
fn many_bad_records_in_a_row_are_skipped_together() {
    let bad = 1100..1700;
    let overlaps = |records: &Range<u64>| records.start < bad.end && bad.start < records.end;
    let bisection = Bisection::of_failed_page(1000..1500, Some(5000), None);
    let (read, gaps, finding, requests) = bisect(bisection, 5000, |records| overlaps(&records));
    assert_eq!((gaps, finding), (Vec::from_iter([bad.clone()]), Finding::Done));
    assert!((1000..2000).filter(|position| !bad.contains(position)).all(|position| read.contains(&position)));
    assert!(requests <= 90, "{requests}");
}

#[test]
fn a_page_size_that_the_api_cannot_serve_becomes_smaller() {
    let mut bisection = Bisection::of_failed_page(0..500, None, None);
    loop {
        let (Request::Read(block) | Request::Probe(block)) = bisection.request();
        let finding = if block.length > 100 { bisection.failed() } else { bisection.answered() };
        if finding == Finding::Done {
            break;
        }
    }
    assert_eq!(bisection.largest_read(), 64);
}
