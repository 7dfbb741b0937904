//! Dictionaries: texts, tag sets and resource sets that series refer to by number. Number 0 is the empty one of each.

use std::borrow::Cow;

use super::column::Deltas;
use crate::proto::{Proto, Wire};
use crate::repair::repair;
use crate::report::DecodeError;
use crate::validate::{MAX_RESOURCES, MAX_TAGS};

/// How deep tag sets may be put together from earlier ones. Agents use one or two levels.
const MAX_TAG_SET_DEPTH: u32 = 32;
/// Most entries that are walked to resolve one tag set, entries of the sets that it includes counted each time.
const MAX_TAG_SET_STEPS: u32 = 512;

/// All dictionaries of a payload.
pub(super) struct Dictionaries<'a> {
    pub(super) names: Vec<&'a str>,
    pub(super) units: Vec<&'a str>,
    /// Number of source type names; nothing is made of them.
    pub(super) source_types: usize,
    /// Number of origins; nothing is made of them.
    pub(super) origins: usize,
    pub(super) tags: TagSets<'a>,
    pub(super) resources: Resources<'a>,
}

/// Tags and resources that hold for all series of a payload.
#[derive(Default)]
pub(super) struct Metadata<'a> {
    pub(super) tags: Vec<Cow<'a, str>>,
    pub(super) resources: Vec<(&'a str, &'a str)>,
}

impl<'a> Metadata<'a> {
    pub(super) fn read(&mut self, mut message: Proto<'a>) -> Result<(), DecodeError> {
        let mut odd_resource = None;
        while let Some((field, wire)) = message.next()? {
            match (field, wire) {
                (1, Wire::Bytes(tag)) => self.tags.push(repair(tag.bytes())),
                (2, Wire::Bytes(text)) => {
                    let text = text.text("resource")?;
                    match odd_resource.take() {
                        Some(kind) => self.resources.push((kind, text)),
                        None => odd_resource = Some(text),
                    }
                }
                _ => {}
            }
        }
        if odd_resource.is_some() { Err(message.malformed("resource type without a name")) } else { Ok(()) }
    }
}

/// A list that belongs to the number it was resolved for; series in a row often share it.
#[derive(Debug)]
pub(super) struct Resolved<T> {
    index: Option<usize>,
    pub(super) list: Vec<T>,
}

impl<T> Default for Resolved<T> {
    fn default() -> Self {
        Self { index: None, list: Vec::new() }
    }
}

/// A dictionary of strict UTF-8 texts.
pub(super) fn texts<'a>(mut blob: Proto<'a>, field: &'static str) -> Result<Vec<&'a str>, DecodeError> {
    let mut texts = vec![""];
    while !blob.is_empty() {
        texts.push(blob.delimited()?.text(field)?);
    }
    Ok(texts)
}

/// How many origins the column of triples holds.
pub(super) fn origins(mut column: Proto<'_>) -> Result<usize, DecodeError> {
    let mut numbers = 0;
    while !column.is_empty() {
        column.varint()?;
        numbers += 1;
    }
    if numbers % 3 == 0 { Ok(1 + numbers / 3) } else { Err(column.malformed("origins are not triples")) }
}

/// The host among resources: the first of that type with a name.
pub(super) fn host_of<'a>(resources: &[(&'a str, &'a str)]) -> &'a str {
    resources.iter().find(|(kind, name)| *kind == "host" && !name.is_empty()).map_or("", |(_, name)| name)
}

/// The resources that are no host.
pub(super) fn without_host<'r, 'a>(resources: &'r [(&'a str, &'a str)]) -> Cow<'r, [(&'a str, &'a str)]> {
    match resources {
        // By far the most frequent: the host alone, first.
        [("host", _), others @ ..] if others.iter().all(|(kind, _)| *kind != "host") => Cow::Borrowed(others),
        _ => resources.iter().copied().filter(|(kind, _)| *kind != "host").collect(),
    }
}

/// The tag sets: each a list of tags and of earlier sets that it includes.
pub(super) struct TagSets<'a> {
    tags: Vec<Cow<'a, str>>,
    sets: Vec<TagSet>,
    entries: Vec<Entry>,
    shared: &'a [Cow<'a, str>],
}

#[derive(Debug, Clone, Copy, Default)]
struct TagSet {
    /// Where its entries stand.
    start: usize,
    end: usize,
    depth: u32,
    /// Entries to walk, saturating.
    steps: u32,
}

#[derive(Debug, Clone, Copy)]
enum Entry {
    Tag(usize),
    Set(usize),
}

impl<'a> TagSets<'a> {
    pub(super) fn read(
        mut blob: Proto<'a>,
        mut packed: Proto<'_>,
        shared: &'a [Cow<'a, str>],
    ) -> Result<Self, DecodeError> {
        let mut tags = vec![Cow::Borrowed("")];
        while !blob.is_empty() {
            tags.push(repair(blob.delimited()?.bytes()));
        }
        let mut read = Self { tags, sets: vec![TagSet::default()], entries: Vec::new(), shared };
        while !packed.is_empty() {
            read.read_set(&mut packed)?;
        }
        Ok(read)
    }

    fn read_set(&mut self, packed: &mut Proto<'_>) -> Result<(), DecodeError> {
        let size = u64::try_from(packed.zigzag()?).map_err(|_| packed.malformed("tag set of negative size"))?;
        let mut set = TagSet { start: self.entries.len(), ..TagSet::default() };
        let mut sum = 0_i64;
        for _ in 0..size {
            if packed.is_empty() {
                return Err(packed.malformed("tag set is cut off"));
            }
            sum = sum.wrapping_add(packed.zigzag()?);
            let entry = self.entry(sum).ok_or_else(|| packed.malformed("tag set refers to what is not there"))?;
            set.steps = set.steps.saturating_add(1);
            if let Entry::Set(included) = entry {
                let included = self.sets[included];
                set.steps = set.steps.saturating_add(included.steps);
                set.depth = set.depth.max(included.depth + 1);
            }
            self.entries.push(entry);
        }
        if set.depth > MAX_TAG_SET_DEPTH {
            return Err(packed.malformed("tag sets include each other too deeply"));
        }
        set.end = self.entries.len();
        self.sets.push(set);
        Ok(())
    }

    /// A number not below 0 is a tag, one below 0 a set that came before.
    fn entry(&self, number: i64) -> Option<Entry> {
        if number >= 0 {
            return usize::try_from(number).ok().filter(|&tag| tag < self.tags.len()).map(Entry::Tag);
        }
        usize::try_from(number.checked_neg()?).ok().filter(|&set| set < self.sets.len()).map(Entry::Set)
    }

    pub(super) fn len(&self) -> usize {
        self.sets.len()
    }

    /// Writes the tags of a set into `into`, those of the payload behind its own. The error is for the report.
    pub(super) fn resolve<'s>(&'s self, index: usize, into: &mut Resolved<&'s str>) -> Result<(), String> {
        if into.index == Some(index) {
            return Ok(());
        }
        into.index = None;
        into.list.clear();
        if self.sets[index].steps > MAX_TAG_SET_STEPS || self.shared.len() > MAX_TAGS {
            return Err(format!("tag set has more than {MAX_TAG_SET_STEPS} entries or {MAX_TAGS} shared tags"));
        }
        self.append(self.sets[index], &mut into.list);
        for tag in self.shared {
            if !into.list.contains(&tag.as_ref()) {
                into.list.push(tag);
            }
        }
        into.index = Some(index);
        Ok(())
    }

    /// Recursion ends at [`MAX_TAG_SET_DEPTH`], its work at [`MAX_TAG_SET_STEPS`].
    fn append<'s>(&'s self, set: TagSet, list: &mut Vec<&'s str>) {
        for entry in &self.entries[set.start..set.end] {
            match *entry {
                Entry::Tag(tag) => list.push(&self.tags[tag]),
                Entry::Set(included) => self.append(self.sets[included], list),
            }
        }
    }
}

/// The resource sets: each a list of (type, name).
pub(super) struct Resources<'a> {
    texts: Vec<&'a str>,
    /// Where the members of each set end; set 0 is empty.
    ends: Vec<usize>,
    members: Vec<(usize, usize)>,
    shared: &'a [(&'a str, &'a str)],
}

impl<'a> Resources<'a> {
    /// Reads the texts and the columns of sizes, types and names.
    pub(super) fn read(
        blob: Proto<'a>,
        [mut sizes, types, names]: [Proto<'_>; 3],
        shared: &'a [(&'a str, &'a str)],
    ) -> Result<Self, DecodeError> {
        let texts = texts(blob, "resource")?;
        let mut read = Self { texts, ends: vec![0], members: Vec::new(), shared };
        let (mut types, mut names) = (Deltas::new(types), Deltas::new(names));
        while !sizes.is_empty() {
            let size = sizes.varint()?;
            // Differences start anew in each set.
            (types, names) = (types.counted_anew(), names.counted_anew());
            for _ in 0..size {
                let kind = types.next_index(read.texts.len(), "resource type out of range")?;
                let name = names.next_index(read.texts.len(), "resource name out of range")?;
                read.members.push((kind, name));
            }
            read.ends.push(read.members.len());
        }
        Ok(read)
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Writes the members of a set into `into`, those of the payload behind its own. The error is for the report.
    pub(super) fn resolve<'s>(&'s self, index: usize, into: &mut Resolved<(&'s str, &'s str)>) -> Result<(), String> {
        if into.index == Some(index) {
            return Ok(());
        }
        into.index = None;
        into.list.clear();
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        let members = &self.members[start..self.ends[index]];
        let count = members.len() + self.shared.len();
        if count > MAX_RESOURCES {
            return Err(format!("series has {count} resources, the limit is {MAX_RESOURCES}"));
        }
        into.list.extend(members.iter().map(|&(kind, name)| (self.texts[kind], self.texts[name])));
        into.list.extend(self.shared);
        into.index = Some(index);
        Ok(())
    }
}
