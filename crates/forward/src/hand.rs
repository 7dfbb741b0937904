//! The payloads on which a worker works: those of one file of the disk queue, or a few from memory.

use std::collections::VecDeque;

use crate::payload::Payload;

/// What is being sent.
#[derive(Default)]
pub(crate) struct Hand {
    pub(crate) cards: VecDeque<Card>,
    /// The file that they are from, `None` for memory.
    pub(crate) file: Option<u64>,
    next_ticket: u64,
}

/// A payload in hand.
pub(crate) struct Card {
    /// Its number, by which a request that ends finds it.
    pub(crate) ticket: u64,
    pub(crate) payload: Payload,
    pub(crate) in_flight: bool,
}

impl Hand {
    /// The first payload of which none of its kind is under way.
    pub(crate) fn next(&mut self) -> Option<&mut Card> {
        let mut busy = Vec::new();
        self.cards.iter_mut().find(|card| {
            let route = card.payload.route;
            let is_free = !card.in_flight && !busy.contains(&route);
            busy.push(route);
            is_free
        })
    }

    /// Where the payload of a ticket is.
    pub(crate) fn position(&self, ticket: u64) -> Option<usize> {
        self.cards.iter().position(|card| card.ticket == ticket)
    }

    /// Takes payloads up, from a file or from memory.
    pub(crate) fn take_up(&mut self, payloads: Vec<Payload>, file: Option<u64>) {
        self.file = file;
        for payload in payloads {
            self.insert(self.cards.len(), payload);
        }
    }

    /// Takes a payload up at a place.
    pub(crate) fn insert(&mut self, at: usize, payload: Payload) {
        self.next_ticket += 1;
        self.cards.insert(at, Card { ticket: self.next_ticket, payload, in_flight: false });
    }
}
