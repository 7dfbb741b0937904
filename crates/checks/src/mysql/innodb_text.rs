//! The text of SHOW ENGINE INNODB STATUS, whose numbers servers do not all have as status variables.
//!
//! The text is meant for people and differs between releases; a line that looks unlike what is known is passed over.
//! Results carry the names of the status variables that other releases have (reference: agent-metrics.md §9.6).

use std::collections::HashMap;

/// Numbers of the text by name of variable, such as `Innodb_history_list_length`.
pub(super) type Numbers = HashMap<&'static str, f64>;

/// Reads the whole text.
pub(super) fn parse(text: &str) -> Numbers {
    let mut reader = Reader::default();
    for line in text.lines() {
        let line = line.trim();
        if let Some(heading) = heading(line) {
            reader.section = heading;
            continue;
        }
        reader.line(line);
        if !line.is_empty() {
            reader.previous = line.to_owned();
        }
    }
    reader.finish()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Section {
    #[default]
    Other,
    Semaphores,
    Transactions,
    FileIo,
    InsertBuffer,
    Log,
    Memory,
    /// Lines of the single buffer pools, whose sums are in [`Section::Memory`].
    SinglePools,
    RowOperations,
}

/// The section that a heading opens. A deadlock's report quotes transactions and must not be counted.
fn heading(line: &str) -> Option<Section> {
    Some(match line {
        "SEMAPHORES" => Section::Semaphores,
        "TRANSACTIONS" => Section::Transactions,
        "FILE I/O" => Section::FileIo,
        "INSERT BUFFER AND ADAPTIVE HASH INDEX" => Section::InsertBuffer,
        "LOG" => Section::Log,
        "BUFFER POOL AND MEMORY" => Section::Memory,
        "INDIVIDUAL BUFFER POOL INFO" => Section::SinglePools,
        "ROW OPERATIONS" => Section::RowOperations,
        "LATEST DETECTED DEADLOCK" | "LATEST FOREIGN KEY ERROR" | "BACKGROUND THREAD" => Section::Other,
        _ => return None,
    })
}

#[derive(Default)]
struct Reader {
    section: Section,
    previous: String,
    numbers: Numbers,
    counting: bool,
    semaphores: bool,
}

/// All numbers of a line in order.
fn numbers(line: &str) -> Vec<f64> {
    let parts = line.split(|c: char| !c.is_ascii_digit() && c != '.');
    parts.filter(|part| part.starts_with(|c: char| c.is_ascii_digit())).filter_map(|part| part.parse().ok()).collect()
}

/// The first number behind a cue; `None` when the cue is not in the line, or something else stands there.
fn after(line: &str, cue: &str) -> Option<f64> {
    let rest = line.split_once(cue)?.1.trim_start_matches([' ', '\t', ':', '=']);
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    rest[..end].trim_end_matches('.').parse().ok()
}

/// The first word as a number.
fn leading(line: &str) -> Option<f64> {
    line.split([' ', ',']).next()?.parse().ok()
}

impl Reader {
    fn set(&mut self, name: &'static str, value: Option<f64>) {
        if let Some(value) = value {
            self.numbers.insert(name, value);
        }
    }

    fn add(&mut self, name: &'static str, value: Option<f64>) {
        *self.numbers.entry(name).or_default() += value.unwrap_or(0.0);
    }

    fn line(&mut self, line: &str) {
        match self.section {
            Section::Semaphores => self.semaphore(line),
            Section::Transactions => self.transaction(line),
            Section::FileIo => self.file_io(line),
            Section::InsertBuffer => self.insert_buffer(line),
            Section::Log => self.log(line),
            Section::Memory => self.memory(line),
            Section::RowOperations => self.row_operation(line),
            Section::Other | Section::SinglePools => {}
        }
    }

    fn semaphore(&mut self, line: &str) {
        self.semaphores = true;
        if line.starts_with("Mutex spin waits") {
            self.set("Innodb_mutex_spin_waits", after(line, "Mutex spin waits"));
            self.set("Innodb_mutex_spin_rounds", after(line, "rounds"));
            self.set("Innodb_mutex_os_waits", after(line, "OS waits"));
        } else if let Some(old) = line.strip_prefix("RW-shared spins") {
            // Releases before 5.5.17 put both kinds on one line.
            let (shared, exclusive) = old.split_once("RW-excl spins").unwrap_or((old, ""));
            self.set("Innodb_s_lock_spin_waits", after(shared, ""));
            self.set("Innodb_s_lock_spin_rounds", after(shared, "rounds"));
            self.set("Innodb_s_lock_os_waits", after(shared, "OS waits"));
            self.set("Innodb_x_lock_spin_waits", after(exclusive, ""));
            self.set("Innodb_x_lock_os_waits", after(exclusive, "OS waits"));
        } else if let Some(exclusive) = line.strip_prefix("RW-excl spins") {
            self.set("Innodb_x_lock_spin_waits", after(exclusive, ""));
            self.set("Innodb_x_lock_spin_rounds", after(exclusive, "rounds"));
            self.set("Innodb_x_lock_os_waits", after(exclusive, "OS waits"));
        } else if let Some((waiting, _)) = line.split_once("seconds the semaphore:") {
            let seconds = waiting.split_whitespace().next_back().and_then(|word| word.parse::<f64>().ok());
            self.add("Innodb_semaphore_waits", Some(1.0));
            self.add("Innodb_semaphore_wait_time", seconds.map(|seconds| seconds.trunc() * 1000.0));
        }
    }

    fn transaction(&mut self, line: &str) {
        if line.starts_with("Trx id counter") {
            self.counting = true;
        } else if line.starts_with("History list length") {
            self.set("Innodb_history_list_length", after(line, "History list length"));
        } else if !self.counting {
        } else if line.starts_with("---TRANSACTION") {
            self.add("Innodb_current_transactions", Some(1.0));
            if line.contains("ACTIVE") {
                self.add("Innodb_active_transactions", Some(1.0));
            }
        } else if line.starts_with("mysql tables in use") {
            self.add("Innodb_tables_in_use", after(line, "in use"));
            self.add("Innodb_locked_tables", after(line, "locked"));
        } else if line.contains(" lock struct(s)") {
            let count = line.split(" lock struct(s)").next().unwrap_or_default();
            self.add("Innodb_lock_structs", count.split(' ').next_back().and_then(|word| word.parse().ok()));
            let rows = line.split(" row lock(s)").next().filter(|before| before.len() < line.len());
            let rows = rows.and_then(|before| before.rsplit(' ').next()?.parse().ok());
            self.add("Innodb_current_row_locks", rows);
            if line.starts_with("LOCK WAIT") {
                self.add("Innodb_locked_transactions", Some(1.0));
            }
        } else if line.contains(" read views open inside InnoDB") {
            self.set("Innodb_read_views", leading(line));
        }
    }

    fn file_io(&mut self, line: &str) {
        if line.starts_with("Pending normal aio reads") {
            let (reads, writes) = line.split_once("aio writes").unwrap_or((line, ""));
            self.set("Innodb_pending_normal_aio_reads", Some(aio(reads)));
            self.set("Innodb_pending_normal_aio_writes", Some(aio(writes)));
        } else if line.starts_with("ibuf aio reads") {
            // Idle servers leave the numbers out.
            self.set("Innodb_pending_ibuf_aio_reads", Some(after(line, "ibuf aio reads").unwrap_or(0.0)));
            self.set("Innodb_pending_aio_log_ios", Some(after(line, "log i/o's").unwrap_or(0.0)));
            self.set("Innodb_pending_aio_sync_ios", Some(after(line, "sync i/o's").unwrap_or(0.0)));
        } else if line.starts_with("Pending flushes (fsync)") {
            let pool = after(line, "buffer pool:").or_else(|| after(line, "(fsync):"));
            self.set("Innodb_pending_log_flushes", after(line, "log:"));
            self.set("Innodb_pending_buffer_pool_flushes", pool);
        } else if line.contains(" OS file reads, ") {
            let counts = numbers(line);
            self.set("Innodb_os_file_reads", counts.first().copied());
            self.set("Innodb_os_file_writes", counts.get(1).copied());
            self.set("Innodb_os_file_fsyncs", counts.get(2).copied());
        }
    }

    fn insert_buffer(&mut self, line: &str) {
        if line.starts_with("Ibuf: size") || line.starts_with("Ibuf for space 0: size") {
            self.set("Innodb_ibuf_size", after(line, "size"));
            self.set("Innodb_ibuf_free_list", after(line, "free list len"));
            self.set("Innodb_ibuf_segment_size", after(line, "seg size"));
            let merges = line.strip_suffix(" merges").and_then(|before| before.rsplit(' ').next()?.parse().ok());
            self.set("Innodb_ibuf_merges", merges);
        } else if line.contains(" merged recs, ") {
            let counts = numbers(line);
            self.set("Innodb_ibuf_merged_inserts", counts.first().copied());
            self.set("Innodb_ibuf_merged", counts.get(1).copied());
            self.set("Innodb_ibuf_merges", counts.get(2).copied());
        } else if line.contains(", delete mark ") && self.previous.starts_with("merged operations:") {
            let counts = numbers(line);
            if let [inserts, marks, deletes] = counts[..] {
                self.set("Innodb_ibuf_merged_inserts", Some(inserts));
                self.set("Innodb_ibuf_merged_delete_marks", Some(marks));
                self.set("Innodb_ibuf_merged_deletes", Some(deletes));
                self.set("Innodb_ibuf_merged", Some(inserts + marks + deletes));
            }
        } else if line.starts_with("Hash table size") {
            // One line for each partition of the hash.
            self.add("Innodb_hash_index_cells_total", after(line, "Hash table size"));
            self.add("Innodb_hash_index_cells_used", after(line, "used cells"));
        }
    }

    fn log(&mut self, line: &str) {
        if line.starts_with("Log sequence number") {
            self.set("Innodb_lsn_current", after(line, "Log sequence number"));
        } else if line.starts_with("Log flushed up to") {
            self.set("Innodb_lsn_flushed", after(line, "Log flushed up to"));
        } else if line.starts_with("Last checkpoint at") {
            self.set("Innodb_lsn_last_checkpoint", after(line, "Last checkpoint at"));
        } else if line.contains(" log i/o's done") {
            self.set("Innodb_log_writes", leading(line));
        } else if line.contains(" pending log writes") || line.contains(" pending log flushes") {
            let counts = numbers(line);
            if line.contains(" pending log writes") {
                self.set("Innodb_pending_log_writes", counts.first().copied());
            } else {
                self.set("Innodb_pending_log_flushes", counts.first().copied());
            }
            self.set("Innodb_pending_checkpoint_writes", counts.get(1).copied());
        }
    }

    fn memory(&mut self, line: &str) {
        if line.starts_with("Total memory allocated by read views") {
        } else if line.starts_with("Total memory allocated") || line.starts_with("Total large memory allocated") {
            self.set("Innodb_mem_total", after(line, "memory allocated"));
            self.set("Innodb_mem_additional_pool", after(line, "additional pool allocated"));
        } else if line.starts_with("Dictionary memory allocated") {
            self.set("Innodb_mem_dictionary", after(line, "Dictionary memory allocated"));
        } else {
            let parts: [(&str, &'static str); 7] = [
                ("Adaptive hash index", "Innodb_mem_adaptive_hash"),
                ("Page hash", "Innodb_mem_page_hash"),
                ("Dictionary cache", "Innodb_mem_dictionary"),
                ("File system", "Innodb_mem_file_system"),
                ("Lock system", "Innodb_mem_lock_system"),
                ("Recovery system", "Innodb_mem_recovery_system"),
                ("Threads", "Innodb_mem_thread_hash"),
            ];
            if let Some((cue, name)) = parts.into_iter().find(|(cue, _)| line.starts_with(cue)) {
                self.set(name, after(line, cue));
            }
        }
    }

    fn row_operation(&mut self, line: &str) {
        if line.contains(" queries inside InnoDB") {
            let counts = numbers(line);
            self.set("Innodb_queries_inside", counts.first().copied());
            self.set("Innodb_queries_queued", counts.get(1).copied());
        } else if line.contains(" read views open inside InnoDB") {
            self.set("Innodb_read_views", leading(line));
        }
    }

    /// What was counted and found nothing is 0; what depends on two numbers is worked out.
    fn finish(mut self) -> Numbers {
        if self.semaphores {
            self.add("Innodb_semaphore_waits", None);
            self.add("Innodb_semaphore_wait_time", None);
        }
        if self.counting {
            for name in [
                "Innodb_current_transactions",
                "Innodb_active_transactions",
                "Innodb_tables_in_use",
                "Innodb_locked_tables",
                "Innodb_lock_structs",
                "Innodb_locked_transactions",
                "Innodb_current_row_locks",
            ] {
                self.add(name, None);
            }
        }
        let lsn = |name: &str| self.numbers.get(name).copied();
        let age = lsn("Innodb_lsn_current").zip(lsn("Innodb_lsn_last_checkpoint")).map(|(now, then)| now - then);
        self.set("Innodb_checkpoint_age", age);
        self.numbers
    }
}

/// Requests that wait: one number, a number with the share of each thread in brackets behind it, or only brackets.
fn aio(part: &str) -> f64 {
    let (total, threads) = part.split_once('[').unwrap_or((part, ""));
    match numbers(total).first() {
        Some(total) => *total,
        None => numbers(threads.split(']').next().unwrap_or_default()).iter().sum(),
    }
}

#[cfg(test)]
mod tests;
