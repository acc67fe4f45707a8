//! The paths found in JSON documents, as a tree: each has a small number, and a document is read in one pass.

use super::metadata_path::{JSON_COLUMNS, push_element, push_key};
use crate::run::json::{DEPTH_LIMIT, Entries, JsonText};
use std::collections::HashMap;

/// The number of different keys, over all documents, from which on an object counts as a map: the values of further
/// keys share the path `.*`.
const MAX_KEYS: usize = 1000;

/// The number of paths from which on every object counts as a map. Both bound the memory for documents with an id as a
/// key.
const MAX_PATHS: usize = 20_000;

/// The step to the values of further keys in a map.
const FURTHER_KEYS: &str = ".*";

/// The number of a path.
pub(super) type PathId = usize;

/// The paths of the values met so far. Elements of an array share a path: `[*]`.
pub(super) struct JsonTree {
    /// By path. The columns come first, in the order of [`JSON_COLUMNS`].
    nodes: Vec<Node>,
}

/// A path: a step from another one.
struct Node {
    /// `None`: the path is a column.
    parent: Option<PathId>,
    step: Step,
    keys: HashMap<String, PathId>,
    further_keys: Option<PathId>,
    elements: Option<PathId>,
}

enum Step {
    Column(&'static str),
    Key(String),
    FurtherKeys,
    Elements,
}

/// A value in a document.
#[derive(Debug, Clone, Copy)]
pub(super) struct PathValue<'j> {
    /// Its path.
    pub(super) path: PathId,
    /// Its JSON.
    pub(super) json: JsonText<'j>,
}

impl JsonTree {
    /// A tree of the columns.
    pub(super) fn new() -> JsonTree {
        let nodes = JSON_COLUMNS.map(|column| Node::new(None, Step::Column(column)));
        JsonTree { nodes: nodes.into() }
    }

    /// Passes each value of the document in the column with this place in [`JSON_COLUMNS`] to `visit`, parents first.
    pub(super) fn for_each_value<'j>(
        &mut self,
        column: usize,
        document: &'j str,
        visit: &mut impl FnMut(&JsonTree, PathValue<'j>),
    ) {
        if let Some(json) = JsonText::parse(document) {
            self.read(column, json, 0, visit);
        }
    }

    fn read<'j>(
        &mut self,
        path: PathId,
        json: JsonText<'j>,
        depth: usize,
        visit: &mut impl FnMut(&JsonTree, PathValue<'j>),
    ) {
        visit(self, PathValue { path, json });
        // The archive stores no deeper values.
        if depth > DEPTH_LIMIT {
            return;
        }
        for entry in Entries::of(json).into_iter().flat_map(|entries| entries.0) {
            let child = self.key(path, &entry.key);
            self.read(child, entry.value, depth + 1, visit);
        }
        for element in json.elements().into_iter().flatten() {
            let child = self.elements(path);
            self.read(child, element, depth + 1, visit);
        }
    }

    fn key(&mut self, path: PathId, key: &str) -> PathId {
        let next = self.nodes.len();
        let node = &mut self.nodes[path];
        if let Some(child) = node.keys.get(key) {
            return *child;
        }
        if node.keys.len() < MAX_KEYS && next < MAX_PATHS {
            node.keys.insert(key.to_owned(), next);
            self.nodes.push(Node::new(Some(path), Step::Key(key.to_owned())));
            return next;
        }
        if let Some(child) = node.further_keys {
            return child;
        }
        node.further_keys = Some(next);
        self.nodes.push(Node::new(Some(path), Step::FurtherKeys));
        next
    }

    fn elements(&mut self, path: PathId) -> PathId {
        let next = self.nodes.len();
        let node = &mut self.nodes[path];
        if let Some(child) = node.elements {
            return child;
        }
        node.elements = Some(next);
        self.nodes.push(Node::new(Some(path), Step::Elements));
        next
    }

    /// The text of a path, as `--by` accepts it if it leads to one value.
    pub(super) fn text(&self, path: PathId) -> String {
        let Node { parent, step, .. } = &self.nodes[path];
        let mut text = parent.map(|parent| self.text(parent)).unwrap_or_default();
        match step {
            Step::Column(column) => text.push_str(column),
            Step::Key(key) => push_key(key, &mut text),
            Step::FurtherKeys => text.push_str(FURTHER_KEYS),
            Step::Elements => push_element("*", &mut text),
        }
        text
    }

    /// The place of the path's column in [`JSON_COLUMNS`].
    pub(super) fn column(&self, path: PathId) -> usize {
        match self.nodes[path].parent {
            Some(parent) => self.column(parent),
            None => path,
        }
    }

    /// The key that names the values at a path: elements have the name of their array. `None`: they have no key of
    /// their own.
    pub(super) fn name(&self, path: PathId) -> Option<&str> {
        let Node { parent, step, .. } = &self.nodes[path];
        match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Elements => self.name((*parent)?),
            Step::Column(_) | Step::FurtherKeys => None,
        }
    }
}

impl Node {
    fn new(parent: Option<PathId>, step: Step) -> Node {
        Node { parent, step, keys: HashMap::new(), further_keys: None, elements: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of a document as `path type`.
    fn values(tree: &mut JsonTree, document: &str) -> Vec<String> {
        let mut values = Vec::new();
        tree.for_each_value(0, document, &mut |tree, value| {
            values.push(format!("{} {}", tree.text(value.path), value.json.json_type().name()));
        });
        values
    }

    #[test]
    fn every_value_has_a_path_and_elements_share_theirs() {
        let document = r#"{"a b":{"usd":1},"items":[{"x":null},{"x":true}],"n":["s"]}"#;
        assert_eq!(
            values(&mut JsonTree::new(), document),
            [
                "el_cost_metadata object",
                r#"el_cost_metadata."a b" object"#,
                r#"el_cost_metadata."a b".usd number"#,
                "el_cost_metadata.items array",
                "el_cost_metadata.items[*] object",
                "el_cost_metadata.items[*].x null",
                "el_cost_metadata.items[*] object",
                "el_cost_metadata.items[*].x boolean",
                "el_cost_metadata.n array",
                "el_cost_metadata.n[*] string",
            ]
        );
    }

    #[test]
    fn an_object_with_very_many_keys_is_a_map() {
        let mut tree = JsonTree::new();
        for number in 0..2 * MAX_KEYS {
            values(&mut tree, &format!(r#"{{"run-{number}":{{"usd":1}}}}"#));
        }
        assert!(tree.nodes.len() < 3 * MAX_KEYS);
        assert_eq!(values(&mut tree, r#"{"new":{"usd":1}}"#)[2], "el_cost_metadata.*.usd number");
    }

    #[test]
    fn elements_have_the_name_of_their_array() {
        let mut tree = JsonTree::new();
        let mut names = Vec::new();
        tree.for_each_value(0, r#"{"parts_usd":[[1]]}"#, &mut |tree, value| {
            names.push(tree.name(value.path).map(str::to_owned));
        });
        let name = Some("parts_usd".to_owned());
        assert_eq!(names, [None, name.clone(), name.clone(), name]);
    }
}
