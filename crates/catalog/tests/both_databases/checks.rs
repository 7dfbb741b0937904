//! Service checks and counters.

use galgo_catalog::CheckQuery;
use galgo_core::check::{CheckRun, CheckStatus};

use crate::place::{START, on_both, texts};

fn run(check: &str, host: &str, time: i64, status: CheckStatus) -> CheckRun {
    CheckRun {
        check: check.into(),
        host: host.into(),
        time,
        status,
        message: format!("{status:?} at {time}\0"),
        tags: texts(&["b", "A:1", "b"]),
    }
}

#[tokio::test]
async fn the_newest_state_and_its_changes_are_kept() {
    on_both(async |place| {
        use CheckStatus::{Critical, Ok, Warning};
        let catalog = place.open().await;
        let runs = [
            run("db.up", "h1", START, Ok),
            run("db.up", "h1", START + 15, Ok),
            run("db.up", "h1", START + 30, Critical),
            run("db.up", "h1", START + 20, Warning),
            run("db.up", "h2", START, Ok),
            run("ntp", "h1", START, Ok),
            run("", "h1", START, Ok),
        ];
        catalog.record_checks(&runs);
        let check = |catalog: &galgo_catalog::Catalog| {
            let of_h1 = CheckQuery { check: "db.up".into(), host: "h1".into(), ..CheckQuery::default() };
            let states = catalog.check_states(&of_h1);
            assert_eq!(states.len(), 1);
            assert_eq!((states[0].status, states[0].time, states[0].since), (Critical, START + 30, START + 30));
            assert_eq!(
                (states[0].tags.clone(), states[0].message.as_str()),
                (texts(&["a:1", "b"]), "Critical at 1700000030")
            );
            assert_eq!(catalog.check_names(), ["db.up", "ntp"]);
            assert_eq!(catalog.check_states(&CheckQuery { host: "h1".into(), ..CheckQuery::default() }).len(), 2);
            assert_eq!(catalog.check_states(&CheckQuery { tags: texts(&["c"]), ..CheckQuery::default() }).len(), 0);
            assert_eq!(catalog.check_states(&CheckQuery { limit: 1, ..CheckQuery::default() }).len(), 1);
        };
        check(&catalog);
        let of_db = CheckQuery { check: "db.up".into(), tags: texts(&["a:1"]), ..CheckQuery::default() };
        let before = catalog.check_history(&of_db).await.unwrap();
        catalog.flush().await.unwrap();
        let after = catalog.check_history(&of_db).await.unwrap();
        assert_eq!(after.iter().map(|change| (change.from, change.to)).collect::<Vec<_>>()[0], (Some(Ok), Critical));
        assert_eq!((before.len(), after.len()), (3, 3));
        let ranged = CheckQuery { from: Some(START + 1), to: Some(START + 31), ..of_db.clone() };
        assert_eq!(catalog.check_history(&ranged).await.unwrap(), after[..1]);
        let again = place.open().await;
        check(&again);
        again.record_checks(&[run("db.up", "h1", START + 45, Ok)]);
        again.close().await.unwrap();

        let again = place.open().await;
        assert_eq!(again.check_history(&of_db).await.unwrap().len(), 4);
        place.advance(91 * 86_400);
        again.maintain().await.unwrap();
        assert_eq!(again.check_history(&of_db).await.unwrap().len(), 0);
        assert!(again.check_names().is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_is_not_kept_is_counted() {
    on_both(async |place| {
        let catalog = place.open().await;
        for agent in ["agent/7.1", "agent/7.1", "agent/7.2"] {
            catalog.count_unkept("/api/v1/orchestrator", 100, agent);
        }
        catalog.count_unkept("/api/v2/apmtelemetry", 5, "");
        catalog.count_dropped("nan value", 3, "my.metric");
        catalog.count_dropped("nan value", 0, "no");
        catalog.flush().await.unwrap();
        place.advance(60);
        catalog.count_unkept("/api/v2/apmtelemetry", 7, "t");
        catalog.count_dropped("nan value", 2, "my.other");
        catalog.close().await.unwrap();
        let again = place.open().await;
        for catalog in [catalog, again] {
            let paths = catalog.unkept_paths();
            assert_eq!((paths[0].requests, paths[0].bytes, paths[0].user_agents.len()), (3, 300, 2));
            assert_eq!((paths[1].requests, paths[1].bytes), (2, 12));
            assert_eq!((paths[1].first_seen, paths[1].last_seen), (START, START + 60));
            let dropped = catalog.dropped();
            assert_eq!((dropped.len(), dropped[0].count, dropped[0].example.as_str()), (1, 5, "my.other"));
        }
        let full = place.open().await;
        for number in 0..2000 {
            full.count_unkept(&format!("/{number}"), 1, "");
        }
        assert!(full.unkept_paths().len() <= 501);
    })
    .await;
}
