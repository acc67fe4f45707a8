//! One page of a b-tree, and the cells on it. Any bytes are read without a panic.

use super::record::{can_begin, varint};

/// The length of the file's header, which precedes the b-tree on page 1.
const FILE_HEADER_LENGTH: usize = 100;

/// The kind of a b-tree page: the first byte of its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PageKind {
    IndexInterior,
    TableInterior,
    /// A leaf of an index or of a table without rowids.
    IndexLeaf,
    TableLeaf,
}

impl PageKind {
    fn of(byte: u8) -> Option<PageKind> {
        Some(match byte {
            2 => PageKind::IndexInterior,
            5 => PageKind::TableInterior,
            10 => PageKind::IndexLeaf,
            13 => PageKind::TableLeaf,
            _ => return None,
        })
    }

    /// Whether its tree is that of a table with rowids.
    pub(super) fn is_of_table(self) -> bool {
        matches!(self, PageKind::TableInterior | PageKind::TableLeaf)
    }

    fn is_interior(self) -> bool {
        matches!(self, PageKind::TableInterior | PageKind::IndexInterior)
    }
}

/// A record on a page, with the page that its rest is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Payload<'p> {
    /// The length of the record in bytes.
    pub(super) length: usize,
    /// The bytes on this page.
    pub(super) local: &'p [u8],
    /// The first overflow page. `None`: the record is whole.
    pub(super) overflow: Option<u32>,
}

/// A cell of a b-tree page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell<'p> {
    /// The page with the smaller keys. `None`: it is on a leaf.
    pub(super) child: Option<u32>,
    /// `None`: the tree has no rowids, or the page is interior.
    pub(super) rowid: Option<i64>,
    /// `None`: an interior page of a table has only keys.
    pub(super) payload: Option<Payload<'p>>,
}

/// A page of a b-tree.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BtreePage<'p> {
    pub(super) kind: PageKind,
    /// The readable cells, in the order of their keys.
    pub(super) cells: Vec<Cell<'p>>,
    /// The page with the largest keys. `None`: it is a leaf.
    pub(super) right_child: Option<u32>,
    /// The number of cells that cannot be read.
    pub(super) damaged_cells: usize,
    /// The end of the last readable cell, without its header. 0: there is none.
    pub(super) content_end: usize,
}

impl<'p> BtreePage<'p> {
    /// Reads a page, of which SQLite uses the first `usable` bytes. `None`: it is no page of a b-tree.
    pub(super) fn parse(number: u32, page: &'p [u8], usable: usize) -> Option<BtreePage<'p>> {
        let page = page.get(..usable)?;
        let start = if number == 1 { FILE_HEADER_LENGTH } else { 0 };
        let header = page.get(start..)?;
        let kind = PageKind::of(*header.first()?)?;
        let count = usize::from(u16::from_be_bytes(*header.get(3..)?.first_chunk()?));
        let (right_child, header_length) =
            if kind.is_interior() { (Some(page_number(header.get(8..)?)?), 12) } else { (None, 8) };
        let pointers = header.get(header_length..header_length + 2 * count)?;
        let cells_start = start + header_length + 2 * count;
        let mut cells: Vec<Cell<'p>> = Vec::with_capacity(count);
        let mut content_end = 0;
        for pointer in pointers.chunks_exact(2) {
            let at = usize::from(u16::from_be_bytes([pointer[0], pointer[1]]));
            if let Some(cell) = (at >= cells_start).then(|| cell(kind, page, at)).flatten() {
                content_end = content_end.max(at + cell.payload.map_or(0, |payload| payload.local.len()));
                cells.push(cell);
            }
        }
        let damaged_cells = count - cells.len();
        Some(BtreePage { kind, cells, right_child, damaged_cells, content_end })
    }

    /// The pages below this one.
    pub(super) fn children(&self) -> impl DoubleEndedIterator<Item = u32> {
        self.cells.iter().filter_map(|cell| cell.child).chain(self.right_child)
    }
}

/// The cells of a table's leaf at any place of a damaged page, whose list of cells cannot be trusted. The bytes of a
/// cell only seem to be one now and then: the caller must verify the row.
pub(super) fn carve(page: &[u8], usable: usize) -> Vec<Cell<'_>> {
    let Some(page) = page.get(..usable) else { return Vec::new() };
    let cells = (0..usable).filter_map(|at| cell(PageKind::TableLeaf, page, at));
    cells.filter(|cell| cell.payload.is_some_and(|of| can_begin(of.local, of.length))).collect()
}

fn cell(kind: PageKind, page: &[u8], at: usize) -> Option<Cell<'_>> {
    let mut rest = page.get(at..)?;
    let child = if kind.is_interior() {
        let child = page_number(rest)?;
        rest = &rest[4..];
        Some(child)
    } else {
        None
    };
    if kind == PageKind::TableInterior {
        varint(rest)?;
        return Some(Cell { child, rowid: None, payload: None });
    }
    let (length, read) = varint(rest)?;
    rest = &rest[read..];
    let length = usize::try_from(length).ok()?;
    let rowid = if kind == PageKind::TableLeaf {
        let (rowid, read) = varint(rest)?;
        rest = &rest[read..];
        Some(rowid.cast_signed())
    } else {
        None
    };
    let local_length = local_length(kind, length, page.len())?;
    let (local, rest) = rest.split_at_checked(local_length)?;
    let overflow = if local_length < length { Some(page_number(rest)?) } else { None };
    Some(Cell { child, rowid, payload: Some(Payload { length, local, overflow }) })
}

/// How many bytes of a record are on the page itself; the rest is on overflow pages. The formula is that of SQLite's
/// file format. `None`: the page is too small for any.
fn local_length(kind: PageKind, length: usize, usable: usize) -> Option<usize> {
    let embedded = |share: usize| ((usable.checked_sub(12)?) * share / 255).checked_sub(23);
    let most = if kind.is_of_table() { usable.checked_sub(35)? } else { embedded(64)? };
    if length <= most {
        return Some(length);
    }
    let least = embedded(32)?;
    let filled = least + (length - least) % (usable - 4);
    Some(if filled <= most { filled } else { least })
}

/// The number of a page. `None`: the bytes end, or it is zero, which means no page.
pub(super) fn page_number(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|bytes| u32::from_be_bytes(*bytes)).filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A leaf of 512 bytes with one row: rowid 7, and a record of the integer 5.
    fn leaf() -> Vec<u8> {
        let mut page = vec![0; 512];
        page[..8].copy_from_slice(&[13, 0, 0, 0, 1, 1, 0xFB, 0]);
        page[8..10].copy_from_slice(&507_u16.to_be_bytes());
        page[507..].copy_from_slice(&[3, 7, 2, 1, 5]);
        page
    }

    #[test]
    fn a_leaf_gives_its_rows() {
        let page = leaf();
        let payload = Payload { length: 3, local: &[2, 1, 5], overflow: None };
        let cell = Cell { child: None, rowid: Some(7), payload: Some(payload) };
        let parsed = BtreePage::parse(2, &page, 512).unwrap();
        assert_eq!((parsed.kind, parsed.damaged_cells), (PageKind::TableLeaf, 0));
        assert_eq!(parsed.cells, [cell]);
        assert!(carve(&page, 512).contains(&cell));
    }

    #[test]
    fn a_row_is_carved_from_a_page_without_a_header() {
        let mut page = leaf();
        page[..400].fill(0xA5);
        assert_eq!(BtreePage::parse(2, &page, 512), None);
        assert!(carve(&page, 512).iter().any(|cell| cell.rowid == Some(7)));
    }

    #[test]
    fn a_pointer_into_the_header_is_a_damaged_cell() {
        let mut page = leaf();
        page[8..10].copy_from_slice(&4_u16.to_be_bytes());
        let parsed = BtreePage::parse(2, &page, 512).unwrap();
        assert_eq!((parsed.cells.len(), parsed.damaged_cells), (0, 1));
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_page_panic(
            kind in prop::sample::select(vec![2_u8, 5, 10, 13]),
            mut page in proptest::collection::vec(any::<u8>(), 0..600),
            usable in 0_usize..600,
            number in 1_u32..3,
        ) {
            let start = if number == 1 { FILE_HEADER_LENGTH } else { 0 };
            if let Some(first) = page.get_mut(start) {
                *first = kind;
            }
            if let Some(parsed) = BtreePage::parse(number, &page, usable) {
                prop_assert!(parsed.children().count() <= parsed.cells.len() + 1);
            }
            carve(&page, usable);
        }
    }
}
