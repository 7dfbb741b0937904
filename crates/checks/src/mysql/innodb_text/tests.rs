//! Golden readings of InnoDB status texts, one for each layout that servers are known to write.

use expect_test::{Expect, expect};

use super::parse;

fn check(text: &str, expected: &Expect) {
    let mut lines: Vec<String> =
        parse(text).into_iter().map(|(name, value)| format!("{} {value}", &name["Innodb_".len()..])).collect();
    lines.sort();
    expected.assert_eq(&lines.join("\n"));
}

#[test]
fn mysql_5_7() {
    check(
        include_str!("mysql_5_7.txt"),
        &expect![[r#"
            active_transactions 3
            checkpoint_age 18624
            current_row_locks 3100228
            current_transactions 4
            hash_index_cells_total 69346
            hash_index_cells_used 0
            history_list_length 132
            ibuf_free_list 3120
            ibuf_merged 750391
            ibuf_merged_delete_marks 290117
            ibuf_merged_deletes 50041
            ibuf_merged_inserts 410233
            ibuf_merges 81
            ibuf_segment_size 3122
            ibuf_size 1
            lock_structs 90235
            locked_tables 3
            locked_transactions 1
            log_writes 410220117
            lsn_current 302588624
            lsn_flushed 302588620
            lsn_last_checkpoint 302570000
            mem_dictionary 1140012
            mem_total 137428992
            os_file_fsyncs 520177
            os_file_reads 7120331
            os_file_writes 9310442
            pending_aio_log_ios 0
            pending_aio_sync_ios 0
            pending_buffer_pool_flushes 3
            pending_checkpoint_writes 1
            pending_ibuf_aio_reads 0
            pending_log_flushes 2
            pending_normal_aio_reads 3
            pending_normal_aio_writes 4
            queries_inside 3
            queries_queued 2
            read_views 4
            s_lock_os_waits 2310
            s_lock_spin_rounds 9182
            s_lock_spin_waits 0
            semaphore_wait_time 3000
            semaphore_waits 2
            tables_in_use 3
            x_lock_os_waits 1204
            x_lock_spin_rounds 77120
            x_lock_spin_waits 0"#]],
    );
}

#[test]
fn mysql_8_0() {
    check(
        include_str!("mysql_8_0.txt"),
        &expect![[r#"
        active_transactions 1
        checkpoint_age 1435
        current_row_locks 3
        current_transactions 3
        hash_index_cells_total 69358
        hash_index_cells_used 0
        history_list_length 7
        ibuf_free_list 0
        ibuf_merged 0
        ibuf_merged_delete_marks 0
        ibuf_merged_deletes 0
        ibuf_merged_inserts 0
        ibuf_merges 0
        ibuf_segment_size 2
        ibuf_size 1
        lock_structs 1
        locked_tables 0
        locked_transactions 0
        log_writes 45
        lsn_current 19551435
        lsn_flushed 19551435
        lsn_last_checkpoint 19550000
        mem_dictionary 512374
        mem_total 0
        os_file_fsyncs 170
        os_file_reads 1021
        os_file_writes 355
        pending_aio_log_ios 4
        pending_aio_sync_ios 5
        pending_buffer_pool_flushes 0
        pending_ibuf_aio_reads 3
        pending_log_flushes 0
        pending_normal_aio_reads 1
        pending_normal_aio_writes 2
        queries_inside 0
        queries_queued 0
        read_views 1
        s_lock_os_waits 1
        s_lock_spin_rounds 6
        s_lock_spin_waits 5
        semaphore_wait_time 0
        semaphore_waits 0
        tables_in_use 0
        x_lock_os_waits 4
        x_lock_spin_rounds 210
        x_lock_spin_waits 7"#]],
    );
}

#[test]
fn mariadb_10_11() {
    check(
        include_str!("mariadb_10_11.txt"),
        &expect![[r#"
        active_transactions 1
        checkpoint_age 7710
        current_row_locks 3
        current_transactions 2
        history_list_length 0
        lock_structs 2
        locked_tables 0
        locked_transactions 0
        lsn_current 52454
        lsn_flushed 51864
        lsn_last_checkpoint 44744
        mem_dictionary 857024
        mem_total 167772160
        os_file_fsyncs 9
        os_file_reads 174
        os_file_writes 0
        pending_buffer_pool_flushes 0
        read_views 0
        semaphore_wait_time 0
        semaphore_waits 0
        tables_in_use 0"#]],
    );
}

#[test]
fn old_releases_with_everything_on_fewer_lines() {
    check(
        include_str!("percona_5_1.txt"),
        &expect![[r#"
            active_transactions 0
            checkpoint_age 60
            current_row_locks 0
            current_transactions 1
            hash_index_cells_total 3320119
            hash_index_cells_used 3100045
            history_list_length 9
            ibuf_free_list 612
            ibuf_merged 12004409
            ibuf_merged_inserts 12004411
            ibuf_merges 2200310
            ibuf_segment_size 614
            ibuf_size 1
            lock_structs 0
            locked_tables 0
            locked_transactions 0
            log_writes 2210033
            lsn_current 100
            lsn_flushed 90
            lsn_last_checkpoint 40
            mem_adaptive_hash 1210300448
            mem_additional_pool 17
            mem_dictionary 120300512
            mem_file_system 210448
            mem_lock_system 21200744
            mem_page_hash 9210888
            mem_recovery_system 1
            mem_thread_hash 310200
            mem_total 21474836480
            mutex_os_waits 511020
            mutex_spin_rounds 120331490
            mutex_spin_waits 61402770
            pending_aio_log_ios 0
            pending_aio_sync_ios 0
            pending_buffer_pool_flushes 0
            pending_checkpoint_writes 2
            pending_ibuf_aio_reads 0
            pending_log_flushes 0
            pending_log_writes 0
            pending_normal_aio_reads 5
            pending_normal_aio_writes 6
            queries_inside 0
            queries_queued 0
            read_views 1
            s_lock_os_waits 1800333
            s_lock_spin_waits 2900417
            semaphore_wait_time 0
            semaphore_waits 0
            tables_in_use 0
            x_lock_os_waits 1200450
            x_lock_spin_waits 3500218"#]],
    );
}

#[test]
fn a_cut_or_strange_text_gives_what_it_has() {
    assert!(parse("").is_empty());
    let text = "------------\nTRANSACTIONS\n------------\nHistory list length many\nTrx id counter 5\n---TRANSAC";
    check(
        text,
        &expect![[r#"
        active_transactions 0
        current_row_locks 0
        current_transactions 0
        lock_structs 0
        locked_tables 0
        locked_transactions 0
        tables_in_use 0"#]],
    );
}
